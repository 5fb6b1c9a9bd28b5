/** A node's end of the connection to its holder: finds it, starts it where there is none, asks and listens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Exit } from '#ports.ts';
import { readClaim } from './claim.ts';
import { readToken } from './layout.ts';
import { HOLDER_VARIABLE, PROC_VARIABLE } from './proc-table.ts';
import { RuntimeRefusal } from './refusal.ts';
import { fromHolderOf, WIRE_VERSION, WireSocket, type Answer, type FromHolder, type ToHolder } from './wire.ts';
import { within } from './within.ts';

/** A holder may end (idle) just when we come; twice in a row is bad luck, more is a fault. */
const TRIES_MAX = 5;

/** A holder takes about 0.1 s to start; a machine that is short of everything may take long. */
const START_LIMIT_MS = 20_000;

/** A holder answers in milliseconds. Above this it is stopped or stuck, and a second one must not be started beside it. */
const ANSWER_LIMIT_MS = 30_000;

/** The holder's log is read by people, after a crash: what is older than this much is of no use. */
const LOG_MAX_BYTES = 1024 * 1024;

/** Of the node's environment the holder gets only these; agents get none of it. The marks, so that an agent's own node ends with the agent. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'LD_LIBRARY_PATH', PROC_VARIABLE, HOLDER_VARIABLE];

export type HolderLinkOptions = {
  /** The real path of the runtime's directory. */
  directory: string;
  /** The holder's program and arguments; the directory is added. Undefined: where no holder runs, none is started, and a question is `holder_lost`. */
  command: readonly [string, ...string[]] | undefined;
  /** These outboxes grew, or any may have (undefined). */
  grown: (ids: readonly string[] | undefined) => void;
  ended: (id: string, exit: Exit) => void;
  /** The connection broke: the holder has died, or was told to stop. */
  lost: () => void;
};

type Request = Extract<ToHolder, { request: number }>;
/** A request without its number. Distributes over the union. */
export type Question = Request extends infer R ? (R extends Request ? Omit<R, 'request'> : never) : never;
type Waiting = { resolve: (answer: Answer) => void; reject: (error: Error) => void };

export class HolderLink {
  readonly #o: HolderLinkOptions;
  readonly #waiting = new Map<number, Waiting>();
  #wire: WireSocket | undefined;
  #connecting: Promise<WireSocket> | undefined;
  #requests = 0;
  #closed = false;

  constructor(o: HolderLinkOptions) {
    this.#o = o;
  }

  get connected(): boolean {
    return this.#wire !== undefined;
  }

  /**
   * Asks the holder; connects first, and starts one where there is none. Throws a {@link RuntimeRefusal} with the holder's code, with
   * `holder_lost` when it died before it answered (whether it did what was asked is then unknown), or `holder_unavailable`.
   */
  async ask(question: Question): Promise<Answer> {
    const wire = await this.#connected();
    const request = ++this.#requests;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject });
    });
    wire.send({ ...question, request });
    const limitMs = ANSWER_LIMIT_MS + (question.t === 'stop' ? question.graceMs : 0);
    try {
      if (!(await within(answer, limitMs))) throw unavailable(`The holder has not answered within ${limitMs} ms.`);
    } finally {
      this.#waiting.delete(request);
    }
    const { refused, ...rest } = await answer;
    if (refused !== undefined) throw new RuntimeRefusal(refused.code, refused.message);
    return rest;
  }

  /** Tells the holder to end all its processes and itself. Resolves when it is gone; throws `holder_lost` when it was gone before it answered. */
  async stop(graceMs: number): Promise<void> {
    const wire = await this.#connected();
    // Not `once`, which rejects for a reset connection: that is how a holder ends that has not read all that was said to it.
    const gone = new Promise((resolve) => wire.socket.once('close', resolve));
    await this.ask({ t: 'stop', graceMs });
    if (!(await within(gone, ANSWER_LIMIT_MS)))
      throw unavailable('The holder has ended its processes, but not itself.');
  }

  /** The doorbell for an inbox. Without a connection there is no need: whoever runs then reads its whole inbox. */
  ring(id: string): void {
    this.#wire?.send({ t: 'inbox', id });
  }

  /** Hangs up, so that a holder with nothing to do may end. The next question connects again. */
  rest(): void {
    if (this.#waiting.size > 0) return;
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.socket.end();
  }

  /** Hangs up for good. Idempotent; open questions are refused. */
  close(): void {
    this.#closed = true;
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.socket.destroy();
    this.#refuseAll(new RuntimeRefusal('runtime_closed', 'The runtime was closed.'));
  }

  #connected(): Promise<WireSocket> {
    if (this.#wire !== undefined) return Promise.resolve(this.#wire);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<WireSocket> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      if (this.#closed) throw new RuntimeRefusal('runtime_closed', 'The runtime was closed.');
      const socket = readClaim(this.#o.directory)?.socket;
      const wire = socket === undefined ? undefined : await this.#dial(socket);
      if (wire !== undefined) return wire;
      const { command, directory } = this.#o;
      if (command === undefined) throw new RuntimeRefusal('holder_lost', 'The holder has ended.');
      await startHolder({ command, directory });
    }
    throw unavailable(`No holder stayed after ${TRIES_MAX} starts. ${lastWords(this.#o.directory)}`);
  }

  /** Undefined when nobody is there, or hung up before the welcome. */
  async #dial(path: string): Promise<WireSocket | undefined> {
    let welcomed = false;
    let settle: (welcome: boolean) => void = () => {};
    const settled = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    const wire: WireSocket = new WireSocket(connect(path), {
      take: (value) => {
        const message = fromHolderOf(value);
        if (message === undefined) return false;
        if (message.t === 'welcome') {
          welcomed = true;
          settle(true);
        } else if (welcomed) this.#take(message);
        return true;
      },
      closed: () => {
        settle(false);
        if (welcomed) this.#broken(wire);
      },
    });
    wire.send({ t: 'hello', token: readToken(this.#o.directory), version: WIRE_VERSION });
    if (!(await within(settled, ANSWER_LIMIT_MS))) {
      wire.socket.destroy();
      throw unavailable(
        `The holder takes connections but has not answered within ${ANSWER_LIMIT_MS} ms. Is it stopped?`,
      );
    }
    if (!(await settled) || wire.socket.destroyed) return undefined;
    if (this.#closed) {
      wire.socket.destroy();
      throw new RuntimeRefusal('runtime_closed', 'The runtime was closed.');
    }
    this.#wire = wire;
    return wire;
  }

  #take(message: FromHolder): void {
    switch (message.t) {
      case 'welcome':
        return;
      case 'answer':
        return this.#waiting.get(message.request)?.resolve(message);
      case 'outbox':
        return this.#o.grown(message.ids);
      case 'ended':
        return this.#o.ended(message.id, message.exit);
    }
  }

  #broken(wire: WireSocket): void {
    if (this.#wire !== wire) return;
    this.#wire = undefined;
    this.#refuseAll(new RuntimeRefusal('holder_lost', 'The holder died before it answered.'));
    this.#o.lost();
  }

  #refuseAll(error: Error): void {
    for (const one of this.#waiting.values()) one.reject(error);
    this.#waiting.clear();
  }
}

/** Resolves when a holder listens, this one or another that was quicker. */
async function startHolder(o: { command: readonly [string, ...string[]]; directory: string }): Promise<void> {
  const [program, ...rest] = o.command;
  const log = openSync(logPath(o.directory), logFits(o.directory) ? 'a' : 'w', 0o600);
  const env: Record<string, string> = { NODE_COMPILE_CACHE: join(o.directory, 'code') };
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  try {
    const cwd = o.directory;
    const child = spawn(program, [...rest, cwd], { cwd, env, detached: true, stdio: ['ignore', 'pipe', log] });
    // It says one word and goes on; its end counts too: the next look tells whether another one was quicker.
    const word = Promise.race([...(child.stdout === null ? [] : [once(child.stdout, 'data')]), once(child, 'exit')]);
    const heard = await within(word, START_LIMIT_MS).catch(() => false);
    child.stdout?.destroy();
    child.unref();
    if (!heard) throw unavailable(`The holder cannot be started: ${o.command.join(' ')}. ${lastWords(o.directory)}`);
  } finally {
    closeSync(log);
  }
}

function unavailable(message: string): RuntimeRefusal {
  return new RuntimeRefusal('holder_unavailable', message);
}

function logPath(directory: string): string {
  return join(directory, 'holder.log');
}

function logFits(directory: string): boolean {
  const found = statSync(logPath(directory), { throwIfNoEntry: false });
  return found === undefined || found.size < LOG_MAX_BYTES;
}

function lastWords(directory: string): string {
  const said = logFits(directory) ? readFileSync(logPath(directory), 'utf8').trim().slice(-500) : '';
  return said === '' ? `${logPath(directory)} is empty.` : `${logPath(directory)} ends with: ${said}`;
}
