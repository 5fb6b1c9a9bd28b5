/**
 * The far end of the router's connection, where the shared file system is: it follows the outboxes and appends to the inboxes. It is told everything
 * by its standard input, ends with it, and keeps nothing.
 */
import { once } from 'node:events';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { JsonLines } from '#runtime/json-lines.ts';
import { appendShared } from '#runtime/shared-mailbox/append.ts';
import { MailboxFollower, type MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import { Pace } from '../pace.ts';
import { outboxRecord, type OutboxRecord } from '../record.ts';
import { mailboxSchema, PIECE_BYTES, toFar, type Append, type FarLine, type ToFar, type ToNear } from './wire.ts';

/** How often it is looked whether a new worker writes: the first word of an allocation may wait as long. */
const DISCOVER_MS = 1_000;
/** A worker that has ended may come again after a requeue. */
const ENDED_MS = 5_000;

export type FarEndOptions = {
  /** The shared directory. */
  base: string;
  input: Readable;
  output: Writable;
  version: string;
  nowMs: () => number;
};

type Followed = { follower: MailboxFollower; pace: Pace; hasEnded: boolean };

export class FarEnd {
  readonly #o: FarEndOptions;
  readonly #followed = new Map<string, Followed>();
  #from: Readonly<Record<string, MailboxPosition>> = {};
  #timer: NodeJS.Timeout | undefined;
  #failure: PromiseWithResolvers<never> = Promise.withResolvers<never>();

  constructor(o: FarEndOptions) {
    this.#o = o;
    this.#failure.promise.catch(() => {});
  }

  /** Resolves when the input has ended. Throws what the file system throws on the way to the outboxes. */
  async run(): Promise<void> {
    const failed = (error: unknown): void => this.#failure.reject(error);
    // The near end is gone: so is whoever would read this.
    this.#o.output.on('error', failed);
    try {
      await this.#say({ t: 'ready', version: this.#o.version });
      await Promise.race([this.#listen(), this.#failure.promise]);
    } finally {
      clearInterval(this.#timer);
      for (const { follower } of this.#followed.values()) follower.close();
    }
  }

  async #listen(): Promise<void> {
    const lines = new JsonLines();
    for await (const chunk of this.#o.input) {
      const told = [...lines.feed(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)))];
      const asked = told.map((line) => toFar.parse(line.kind === 'record' ? line.value : undefined));
      await this.#appendAll(asked.filter((one) => one.t === 'append'));
      for (const one of asked) if (one.t !== 'append') await this.#answer(one);
    }
  }

  async #answer(asked: Exclude<ToFar, Append>): Promise<void> {
    if (asked.t === 'follow') return this.#follow(asked.from);
    try {
      await this.#say({ t: 'done', n: asked.n, ...(asked.t === 'read' ? this.#read(asked) : this.#write(asked)) });
    } catch (error) {
      await this.#refuse(asked.n, error);
    }
  }

  /** What came together for one inbox is made durable together: one write, one wait for the disk. */
  async #appendAll(asked: readonly Append[]): Promise<void> {
    const groups = Map.groupBy(asked, ({ mailbox }) => mailbox);
    for (const [mailbox, group] of groups) {
      try {
        const wanted = await this.#notThere(mailbox, group);
        const records = wanted.map(({ key, record }) => ({ ...record, append_id: key }));
        const position = appendShared(this.#inbox(mailbox), records);
        this.#ring(mailbox);
        for (const { n } of group) await this.#say({ t: 'done', n, position });
      } catch (error) {
        for (const { n } of group) await this.#refuse(n, error);
      }
    }
  }

  /** Those that were not made before the connection was lost. */
  async #notThere(mailbox: string, group: readonly Append[]): Promise<readonly Append[]> {
    const again = group.filter(({ after }) => after !== undefined);
    if (again.length === 0) return group;
    const there = new Set<unknown>();
    const from = again[0]?.after ?? undefined;
    const follower = new MailboxFollower(this.#inbox(mailbox), { from, pollMs: () => 0 });
    follower.finish();
    for await (const line of follower.lines()) {
      const { append_id: key } = outboxLike(line.kind === 'record' ? line.value : undefined);
      if (key !== undefined) there.add(key);
    }
    return group.filter(({ after, key }) => after === undefined || !there.has(key));
  }

  #inbox(mailbox: string): string {
    return this.#made(join('mailbox/inbox', `${mailbox}.jsonl`));
  }

  #made(path: string): string {
    const whole = join(this.#o.base, path);
    mkdirSync(dirname(whole), { recursive: true, mode: 0o700 });
    return whole;
  }

  #read({ path, offset }: Extract<ToFar, { t: 'read' }>): { base64: string; isEnd: boolean } {
    const file = openSync(join(this.#o.base, path), 'r');
    try {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      const bytes = readSync(file, piece, 0, PIECE_BYTES, offset);
      return { base64: piece.subarray(0, bytes).toString('base64'), isEnd: bytes < PIECE_BYTES };
    } finally {
      closeSync(file);
    }
  }

  /** The file has its name when it is whole. */
  #write({ path, offset, base64, isLast }: Extract<ToFar, { t: 'write' }>): object {
    const whole = this.#made(path);
    const file = openSync(`${whole}.part`, offset === 0 ? 'w' : 'r+', 0o600);
    try {
      const bytes = Buffer.from(base64, 'base64');
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, offset + at);
      if (isLast) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (isLast) renameSync(`${whole}.part`, whole);
    return {};
  }

  #follow(from: Readonly<Record<string, MailboxPosition>>): void {
    this.#from = from;
    if (this.#timer !== undefined) return;
    const discover = (): void => {
      try {
        this.#discover();
      } catch (error) {
        this.#failure.reject(error);
      }
    };
    // The directory is made once: at rest it is only read.
    this.#made('mailbox/outbox/x');
    discover();
    this.#timer = setInterval(discover, DISCOVER_MS);
  }

  #discover(): void {
    for (const file of readdirSync(join(this.#o.base, 'mailbox/outbox'))) {
      const mailbox = file.endsWith('.jsonl') ? file.slice(0, -'.jsonl'.length) : '';
      if (this.#followed.has(mailbox) || !mailboxSchema.safeParse(mailbox).success) continue;
      const pace = new Pace(this.#o.nowMs);
      const path = join(this.#o.base, 'mailbox/outbox', file);
      const pollMs = (): number => (followed.hasEnded ? Math.max(pace.pollMs, ENDED_MS) : pace.pollMs);
      const follower = new MailboxFollower(path, { from: this.#from[mailbox], pollMs });
      const followed: Followed = { follower, pace, hasEnded: false };
      this.#followed.set(mailbox, followed);
      this.#tell(mailbox, followed).catch((error: unknown) => this.#failure.reject(error));
    }
  }

  async #tell(mailbox: string, followed: Followed): Promise<void> {
    for await (const line of followed.follower.lines()) {
      if (line.kind === 'record') this.#judge(line.value, followed);
      const { position } = line;
      const told: FarLine =
        line.kind === 'record'
          ? { t: 'line', mailbox, position, record: line.value }
          : { t: 'fault', mailbox, position, why: line.why };
      await this.#say(told);
    }
  }

  /** A turn that is open is looked at often, however long it is silent. */
  #judge(value: unknown, followed: Followed): void {
    const record = outboxRecord.safeParse(value).data;
    followed.hasEnded = record?.type === 'complete';
    const event = record?.type === 'worker_event' ? record.event : (turnIn(record) ?? record?.type);
    if (event === 'turn_started' || event === 'proc_started') followed.pace.turnStarted();
    else if (event === 'turn_complete' || event === 'proc_exit') followed.pace.turnEnded();
    else followed.pace.heard();
  }

  /** Whoever is told something answers soon. */
  #ring(mailbox: string): void {
    const followed = this.#followed.get(mailbox);
    if (followed === undefined) return;
    followed.hasEnded = false;
    followed.pace.heard();
    followed.follower.ring();
  }

  #refuse(n: number, error: unknown): Promise<void> {
    return this.#say({ t: 'refused', n, message: error instanceof Error ? error.message : String(error) });
  }

  /** Waits where the near end is slower. */
  async #say(message: ToNear): Promise<void> {
    if (this.#o.output.write(`${JSON.stringify(message)}\n`)) return;
    await Promise.race([once(this.#o.output, 'drain'), this.#failure.promise]);
  }
}

/** Of codeswarm's own worker, which writes nothing but the raw protocol. */
function turnIn(record: OutboxRecord | undefined): string | undefined {
  if (record?.type !== 'codex_rpc' || record.restart !== undefined) return undefined;
  const { method } = record.payload;
  return method === 'turn/started' ? 'turn_started' : method === 'turn/completed' ? 'turn_complete' : undefined;
}

const outboxLike = (value: unknown): { append_id?: unknown } =>
  typeof value === 'object' && value !== null ? value : {};
