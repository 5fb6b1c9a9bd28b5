/** One connection at an agent's socket: a JSON object a line, each answered by one. A request with a `request` is answered with it, in any order. */
import type { Socket } from 'node:net';
import type { OpId } from '#core/brand.ts';
import type { Door } from '../door.ts';
import type { Line } from '../lines.ts';
import { LineCutter } from '../lines.ts';
import { refused, shown } from '../refusal.ts';
import { answerVerb, refusedAnswer } from './verbs.ts';

/** A message of the largest size, with what JSON adds to it at worst. */
const LINE_MAX_BYTES = 4 * 1024 * 1024;
/** Requests of one connection under way; the next ones wait unread. A reader that does not read has so many answers in our memory, and no more. */
const PIPELINE_MAX = 64;
/** Answered by as much as a megabyte: one after another, and only to a reader that keeps up. */
const LARGE: ReadonlySet<unknown> = new Set(['read', 'recent']);

/** More answers than these are not gathered: the socket says then whether its reader keeps up. */
const TOGETHER_MAX_CHARS = 64 * 1024;

export class AgentClient {
  readonly #socket: Socket;
  readonly #agent: OpId;
  readonly #door: Door;
  readonly #cutter = new LineCutter(LINE_MAX_BYTES);
  /** Aborted when the client sends no more: it may be gone, and nothing would tell before something is written to it. */
  readonly #ending = new AbortController();
  #waiting: Line[] = [];
  #underWay = 0;
  /** The large answers before the next one are taken, or nobody is there to take them. */
  #told: Promise<void> = Promise.resolve();
  #isFull = false;
  /** Answers of this turn of the event loop: they leave in one write. */
  #out = '';
  #hasEnded = false;

  constructor(socket: Socket, o: { agent: OpId; door: Door }) {
    this.#socket = socket;
    this.#agent = o.agent;
    this.#door = o.door;
  }

  start(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      this.#waiting.push(...this.#cutter.cut(chunk));
      this.#pump();
    });
    socket.on('drain', () => {
      this.#isFull = false;
      this.#pump();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#ending.abort();
      this.#endIfDone();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#waiting = [];
      this.#ending.abort();
    });
  }

  #pump(): void {
    let taken = 0;
    while (taken < this.#waiting.length && this.#underWay < PIPELINE_MAX && !this.#isFull) {
      const line = this.#waiting[taken];
      taken += 1;
      if (line !== undefined) void this.#take(line);
    }
    this.#waiting.splice(0, taken);
    if (this.#waiting.length > 0) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  async #take(line: Line): Promise<void> {
    if (line.kind === 'long') {
      const detail = { expected: `at most ${LINE_MAX_BYTES} bytes` };
      return this.#say(undefined, refusedAnswer(refused('too_large', 'the line is too large', detail)));
    }
    const request = objectIn(line.text);
    if (request === undefined) {
      const detail = { expected: '{"cmd":"recv","wait_seconds":30}', got: shown(line.text) };
      return this.#say(undefined, refusedAnswer(refused('invalid', 'the line is no request', detail)));
    }
    this.#underWay += 1;
    const isGone = (): boolean => this.#socket.destroyed;
    const at = { agent: this.#agent, door: this.#door, signal: this.#ending.signal, isGone };
    const [mark, isLarge] = [Reflect.get(request, 'request'), LARGE.has(Reflect.get(request, 'cmd'))];
    const tell = async (): Promise<void> => this.#say(mark, await answerVerb(request, at));
    if (isLarge) this.#told = this.#told.then(tell).then(() => this.#drained());
    await (isLarge ? this.#told : tell());
    this.#underWay -= 1;
    if (this.#waiting.length > 0) this.#pump();
    else this.#endIfDone();
  }

  /** `id` is what some verbs are about, so the mark of a request is `request`. */
  #say(request: unknown, answer: Record<string, unknown>): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    const marked = request === undefined ? answer : { request, ...answer };
    if (this.#out === '') setImmediate(() => this.flush());
    this.#out += `${JSON.stringify(marked)}\n`;
    if (this.#out.length >= TOGETHER_MAX_CHARS) this.flush();
  }

  /** Resolves when the reader has taken what was written, or is gone. */
  async #drained(): Promise<void> {
    this.flush();
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  /** Sends what was gathered; before the socket is closed, too, for a refusal may be in it. */
  flush(): void {
    const out = this.#out;
    this.#out = '';
    if (out === '' || this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#isFull = !this.#socket.write(out);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#hasEnded && this.#underWay === 0 && this.#waiting.length === 0 && this.#out === '') this.#socket.end();
  }
}

function objectIn(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
