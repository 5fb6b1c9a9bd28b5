/**
 * The router's own end of its one connection: a far end over ssh, or beside it where the file system is here. A connection that is lost is made
 * again, later each time; what was under way goes on then, and nothing of it happens twice.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { JsonLines } from '#runtime/json-lines.ts';
import type { MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import { PIECE_BYTES, toNear, type FarLine, type ToFar, type ToNear } from './wire.ts';

/** Before the first try to come back, and the longest wait. */
const [RETRY_MIN_MS, RETRY_MAX_MS] = [250, 30_000];
/** Requests that wait for their answers; above it the router is told more than its connection takes. */
const WAITING_MAX = 20_000;
/** The far end ends with its input; one that does not is cut off. */
const CLOSE_MS = 2_000;
/** Of what ssh said before it ended. */
const SAID_MAX_CHARS = 2_000;

/** Why something was not done, in words; nothing was changed, unless the connection was lost in the midst of it. */
export class RouterRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RouterRefusal';
  }
}

export type NearEndOptions = {
  /** Starts the far end, whose standard input and output it then speaks to. */
  command: readonly [string, ...string[]];
  env: Readonly<Record<string, string | undefined>>;
  /** Behind what was taken of each outbox; asked at each connection. */
  positions: () => Readonly<Record<string, MailboxPosition>>;
  /** All that came in one piece, in order; nothing more is read before it resolves. */
  heard: (lines: readonly FarLine[]) => Promise<void>;
  /** Undefined: the connection stands; else why it does not. */
  changed: (why: string | undefined) => void;
};

type Without<T> = T extends { n: number } ? Omit<T, 'n'> : never;
type Done = Extract<ToNear, { t: 'done' }>;
type Waiting = {
  message: Extract<ToFar, { n: number }>;
  resolve: (done: Done) => void;
  reject: (why: RouterRefusal) => void;
  wasSent: boolean;
};

export class NearEnd {
  readonly #o: NearEndOptions;
  readonly #waiting = new Map<number, Waiting>();
  /** Behind what was appended to each inbox last. */
  readonly #appended = new Map<string, MailboxPosition>();
  #child: ChildProcess | undefined;
  #isReady = false;
  #next = 1;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(o: NearEndOptions) {
    this.#o = o;
  }

  /** Connects, and stays so until `close`. */
  start(): void {
    if (this.#closed || this.#child !== undefined) return;
    const [program, ...args] = this.#o.command;
    const child = spawn(program, args, { env: this.#o.env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-SAID_MAX_CHARS)));
    // Whatever ends it ends the far end, too, which is told below.
    const listening = this.#listen(child.stdout, child).catch(() => child.kill('SIGKILL'));
    // Its end says it all.
    child.stdin.on('error', () => {});
    this.#ended = new Promise<void>((resolve) => {
      const over = (why: string): void => {
        resolve();
        if (this.#child === child) this.#lost(said.trim() === '' ? why : said.trim());
      };
      child.once('error', (error) => over(error.message));
      const ended = (code: number | null, signal: string | null): void =>
        over(`the far end ended (${signal ?? `code ${code}`})`);
      child.once('close', (code, signal) => void listening.then(() => ended(code, signal)));
    });
    this.#send({ t: 'follow', from: { ...this.#o.positions() } });
  }

  /**
   * Durable in the inbox when it resolves, also where the connection was lost meanwhile. `key` is the record's own name: with `isAgain`, one that
   * is there already is left alone. Throws a {@link RouterRefusal}.
   */
  async append(
    mailbox: string,
    record: Record<string, unknown>,
    o: { key?: string; isAgain?: boolean } = {},
  ): Promise<MailboxPosition> {
    const key = o.key ?? randomUUID();
    const after = o.isAgain === true ? { after: null } : {};
    const { position } = await this.#ask({ t: 'append', mailbox, key, record, ...after });
    if (position === undefined) throw new RouterRefusal('the far end named no place');
    this.#appended.set(mailbox, position);
    return position;
  }

  /** A whole file below the shared directory. */
  async read(path: string, maxBytes: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let offset = 0; offset <= maxBytes;) {
      const { base64, isEnd } = await this.#ask({ t: 'read', path, offset });
      const piece = Buffer.from(base64 ?? '', 'base64');
      pieces.push(piece);
      offset += piece.length;
      if (isEnd !== false) return Buffer.concat(pieces);
    }
    throw new RouterRefusal(`${path} has more than ${maxBytes} bytes`);
  }

  /** Durable when it resolves; the file is whole, or as it was. */
  async write(path: string, content: Buffer): Promise<void> {
    let offset = 0;
    do {
      const piece = content.subarray(offset, offset + PIECE_BYTES);
      const isLast = offset + piece.length >= content.length;
      await this.#ask({ t: 'write', path, offset, base64: piece.toString('base64'), isLast });
      offset += piece.length;
    } while (offset < content.length);
  }

  /** Ends the connection. What waits is refused. Idempotent, bounded. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const [n, { reject }] of this.#waiting) {
      this.#waiting.delete(n);
      reject(new RouterRefusal('the router is stopping'));
    }
    const child = this.#child;
    if (child === undefined) return;
    child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #ask(asked: Without<ToFar>): Promise<Done> {
    if (this.#closed) return Promise.reject(new RouterRefusal('the router is stopping'));
    if (this.#waiting.size >= WAITING_MAX) {
      return Promise.reject(new RouterRefusal(`${WAITING_MAX} requests wait for the far end already`));
    }
    const n = this.#next++;
    return new Promise((resolve, reject) => {
      const one: Waiting = { message: { ...asked, n }, resolve, reject, wasSent: this.#isReady };
      this.#waiting.set(n, one);
      if (this.#isReady) this.#send(one.message);
    });
  }

  async #listen(output: AsyncIterable<Buffer>, child: ChildProcess): Promise<void> {
    const lines = new JsonLines();
    for await (const chunk of output) {
      const heard: FarLine[] = [];
      for (const line of lines.feed(chunk)) {
        const message = line.kind === 'record' ? toNear.safeParse(line.value).data : undefined;
        if (message === undefined || this.#child !== child) continue;
        if (message.t === 'line' || message.t === 'fault') heard.push(message);
        else if (message.t === 'ready') this.#ready();
        else this.#answered(message);
      }
      if (heard.length > 0) await this.#o.heard(heard);
    }
  }

  /** What waited is asked now; what was asked before, as what may have happened. */
  #ready(): void {
    this.#isReady = true;
    this.#tries = 0;
    this.#o.changed(undefined);
    for (const one of this.#waiting.values()) {
      const { message } = one;
      // Answers come in the order of the questions: what was not answered stands behind what was.
      const mayBeThere = message.t === 'append' && message.after === undefined && one.wasSent;
      const after = mayBeThere ? { after: this.#appended.get(message.mailbox) ?? null } : {};
      one.wasSent = true;
      this.#send({ ...message, ...after });
    }
  }

  #answered(message: Extract<ToNear, { n: number }>): void {
    const one = this.#waiting.get(message.n);
    this.#waiting.delete(message.n);
    if (message.t === 'done') one?.resolve(message);
    else one?.reject(new RouterRefusal(message.message));
  }

  #lost(why: string): void {
    this.#child = undefined;
    this.#isReady = false;
    if (this.#closed) return;
    const delayMs = Math.min(RETRY_MIN_MS * 2 ** this.#tries, RETRY_MAX_MS);
    this.#tries += 1;
    this.#o.changed(why);
    this.#timer = setTimeout(() => this.start(), delayMs);
  }

  #send(message: ToFar): void {
    this.#child?.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
