/**
 * Processes on the node of one worker, as a runtime: their lines go by its mailbox, and what they say is mirrored here, in the files of a holder. So
 * the same drivers run over it, and a restarted node attaches to them by the same code.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcId } from '#core/brand.ts';
import type { ExecOptions, ExecResult, Exit, Proc, ProcSpec, Runtime } from '#ports.ts';
import { claimProcDirectory, legalProcId, procDirectory } from '#runtime/layout.ts';
import { LocalProc } from '#runtime/local-proc.ts';
import { MailboxReader } from '#runtime/mailbox.ts';
import { readExit } from '#runtime/outbox.ts';
import { isObject } from '#runtime/json-lines.ts';
import { RuntimeRefusal } from '#runtime/refusal.ts';
import type { OutboxRecord } from '../record.ts';
import type { NearEnd } from '../router/near-end.ts';
import { Mirror } from './mirror.ts';

/** What an answer takes over the mailbox at the longest, beside the time of the command itself. */
const ANSWER_MS = 120_000;
/** Of an attached process, whose own bound is not known any more. */
const MIRROR_MAX_BYTES = 64 * 1024 * 1024;
/** Processes that are over here, and of which a worker wrote on: told once each. A worker has one at a time. */
const LATE_MAX = 100;

type Held = { proc: LocalProc; mirror: Mirror; inbox: MailboxReader };
type Answer = Extract<OutboxRecord, { type: 'exec_done' | 'proc_checkpointed' }>;

export type WorkerRuntimeOptions = {
  mailbox: string;
  near: NearEnd;
  /** Of this runtime alone. */
  directory: string;
  /** This node's own: what of it an agent inherits here is not sent, for the compute node has its own. */
  ownEnv: Readonly<Record<string, string | undefined>>;
  log: (line: string) => void;
};

export class WorkerRuntime implements Runtime {
  readonly #o: WorkerRuntimeOptions;
  readonly #held = new Map<string, Held>();
  readonly #opening = new Map<string, Promise<Held>>();
  readonly #asked = new Map<string, (answer: Answer | undefined) => void>();
  /** Why nothing can be started. */
  #gone: string | undefined;
  #late = 0;
  /** Processes of which so much was said. */
  readonly #lateOf = new Set<string>();

  constructor(o: WorkerRuntimeOptions) {
    this.#o = o;
    mkdirSync(join(o.directory, 'procs'), { recursive: true, mode: 0o700 });
  }

  /** Records of processes that are over here, or were never started: of a worker that was called lost and writes on. */
  get late(): number {
    return this.#late;
  }

  async start(spec: ProcSpec): Promise<Proc> {
    if (this.#gone !== undefined) throw new RuntimeRefusal('worker_gone', `The worker is gone: ${this.#gone}.`);
    claimProcDirectory(this.#o.directory, spec, () => undefined);
    const held = await this.#hold(spec.id, { maxBytes: spec.outboxMaxBytes, again: 0 });
    const { argv, cwd, env } = spec;
    await this.#tell({ type: 'proc_start', proc: spec.id, argv, cwd, env: this.#added(env) }, `${spec.id}.start`);
    return held.proc;
  }

  async attach(id: ProcId): Promise<Proc | undefined> {
    const held = this.#held.get(id);
    if (held !== undefined) return held.proc;
    const path = procDirectory(this.#o.directory, id);
    if (legalProcId(id) === undefined || !existsSync(path)) return undefined;
    const exit = existsSync(join(path, 'outbox.jsonl')) ? readExit(path) : undefined;
    const { proc } = await this.#hold(id, { maxBytes: MIRROR_MAX_BYTES, again: Number.POSITIVE_INFINITY });
    if (exit !== undefined) this.#end(id, exit);
    else if (this.#gone !== undefined) this.#abandon(id);
    return proc;
  }

  /**
   * Takes up what an earlier life of this node had started. From then on what the worker says of it is kept, however late somebody attaches to it: to
   * be awaited before the worker is heard.
   */
  async resume(): Promise<void> {
    for (const name of readdirSync(join(this.#o.directory, 'procs'))) {
      const id = legalProcId(name);
      const path = join(this.#o.directory, 'procs', name);
      if (id === undefined || this.#held.has(id) || readExit(path) !== undefined) continue;
      await this.#hold(id, { maxBytes: MIRROR_MAX_BYTES, again: Number.POSITIVE_INFINITY });
      if (this.#gone !== undefined) this.#abandon(id);
      else {
        this.#tell({ type: 'proc_ask', proc: id }).catch(() => {
          // The router is stopping: the next one asks.
        });
      }
    }
  }

  async exec(argv: readonly [string, ...string[]], o: ExecOptions): Promise<ExecResult> {
    const exec = randomUUID();
    const { cwd, env, timeoutMs, stdin } = o;
    const record = { type: 'exec', exec, argv, cwd, env: this.#added(env), timeout_ms: timeoutMs };
    const answer = await this.#ask(exec, stdin === undefined ? record : { ...record, stdin }, timeoutMs + ANSWER_MS);
    if (answer?.type !== 'exec_done') {
      const error = this.#gone === undefined ? 'timed_out' : `not_started: the worker is gone: ${this.#gone}`;
      return { exit: { code: null, signal: null, error }, stdout: '', stderr: '' };
    }
    const { code, signal, error, stdout, stderr } = answer;
    return { exit: { code, signal, error }, stdout, stderr };
  }

  /** Commits what is in a tree and bundles it beside; resolves when it is done, or when the worker is gone. False where nobody said so. */
  async checkpoint(proc: ProcId, cwd: string): Promise<boolean> {
    return (await this.#ask(proc, { type: 'proc_checkpoint', proc, cwd }, ANSWER_MS)) !== undefined;
  }

  async forget(id: ProcId): Promise<void> {
    const path = procDirectory(this.#o.directory, id);
    if (this.#held.has(id) || legalProcId(id) === undefined) return;
    rmSync(path, { recursive: true, force: true });
  }

  /** Follows nothing any more; the processes go on. Idempotent. */
  async close(): Promise<void> {
    this.#gone ??= 'this node is stopping';
    this.#settle();
    for (const [id, { proc, mirror, inbox }] of this.#held) {
      this.#held.delete(id);
      inbox.close();
      mirror.close();
      await proc.detach();
    }
  }

  // ------------------------------------------------------------ for the fleet

  /** The worker is there, perhaps again. */
  back(): void {
    this.#gone = undefined;
  }

  /** Nothing will come of it: its processes count as lost, and are to end where they still run. */
  lost(why: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = why;
    this.#settle();
    for (const id of this.#held.keys()) this.#abandon(id);
  }

  /** What the worker wrote. */
  take(record: OutboxRecord): void {
    if (record.type === 'proc_output') {
      const held = this.#held.get(record.proc);
      if (held === undefined) this.#tooLate(record.proc);
      else {
        held.mirror.take(record);
        held.proc.ring();
      }
    } else if (record.type === 'proc_exit') {
      if (this.#held.has(record.proc)) this.#exited(record.proc, record);
      else this.#tooLate(record.proc);
    } else if (record.type === 'exec_done') this.#asked.get(record.exec)?.(record);
    else if (record.type === 'proc_checkpointed') this.#asked.get(record.proc)?.(record);
  }

  /** It is over here, and is to end there, should its worker read on. */
  #abandon(id: string): void {
    this.#tell({ type: 'proc_kill', proc: id, grace_ms: 0 }, `${id}.abandoned`).catch(() => {
      // The router is stopping: the next one finds the attempt lost.
    });
    this.#exited(id, LOST);
  }

  /** It stays in the outbox, and changes nothing here. */
  #tooLate(id: string): void {
    if (!this.#lateOf.has(id))
      this.#o.log(`worker ${this.#o.mailbox} writes on of ${id}, which is over here: it is late`);
    this.#lateOf.add(id);
    if (this.#lateOf.size > LATE_MAX) for (const oldest of this.#lateOf.keys().take(1)) this.#lateOf.delete(oldest);
    this.#late += 1;
  }

  #exited(id: string, { code, signal, error }: Exit): void {
    const exit = { code, signal, error };
    this.#held.get(id)?.mirror.exit(exit);
    this.#end(id, exit);
  }

  #end(id: string, exit: Exit): void {
    const held = this.#held.get(id);
    this.#held.delete(id);
    held?.inbox.close();
    held?.mirror.close();
    held?.proc.ended(exit);
  }

  #settle(): void {
    for (const settle of this.#asked.values()) settle(undefined);
  }

  /** `again`: lines up to this one may be in the worker's inbox already. */
  #hold(id: ProcId, o: { maxBytes: number; again: number }): Promise<Held> {
    const held = this.#held.get(id);
    const opening = held === undefined ? this.#opening.get(id) : Promise.resolve(held);
    if (opening !== undefined) return opening;
    const opened = this.#open(id, o).finally(() => this.#opening.delete(id));
    this.#opening.set(id, opened);
    return opened;
  }

  async #open(id: ProcId, o: { maxBytes: number; again: number }): Promise<Held> {
    const directory = procDirectory(this.#o.directory, id);
    const mirror = await Mirror.open(directory, o.maxBytes);
    const inbox = new MailboxReader(join(directory, 'inbox.jsonl'));
    const proc = new LocalProc({
      id,
      directory,
      ring: () => inbox.ring(),
      kill: async (graceMs) => {
        await this.#tell({ type: 'proc_kill', proc: id, grace_ms: graceMs });
      },
      left: () => {},
    });
    const held = { proc, mirror, inbox };
    this.#held.set(id, held);
    const again = o.again === 0 ? 0 : await countOf(proc.written());
    this.#forward(id, inbox, again).catch((error: unknown) =>
      this.#o.log(`what ${id} is told waits: ${String(error)}`),
    );
    return held;
  }

  /** Each line has a name of its own, so that one which was sent before a restart is not told twice. */
  async #forward(id: ProcId, inbox: MailboxReader, again: number): Promise<void> {
    let n = 0;
    for await (const line of inbox.lines()) {
      const value = line.kind === 'record' ? line.value : undefined;
      if (!isObject(value) || typeof value['line'] !== 'string') continue;
      n += 1;
      await this.#tell({ type: 'proc_write', proc: id, line: value['line'] }, `${id}.${n}`, n <= again);
    }
  }

  #ask(name: string, record: Record<string, unknown>, limitMs: number): Promise<Answer | undefined> {
    if (this.#gone !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer | undefined): void => {
        clearTimeout(timer);
        this.#asked.delete(name);
        resolve(answer);
      };
      const timer = setTimeout(() => settle(undefined), limitMs);
      this.#asked.set(name, settle);
      this.#tell(record).catch((error: unknown) => {
        settle(undefined);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  async #tell(record: Record<string, unknown>, key?: string, isAgain = false): Promise<void> {
    await this.#o.near.append(this.#o.mailbox, record, { ...(key === undefined ? {} : { key }), isAgain });
  }

  #added(env: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(Object.entries(env).filter(([name, value]) => this.#o.ownEnv[name] !== value));
  }
}

/** As the attempts of a holder that died. */
const LOST: Exit = { code: null, signal: null, error: 'holder_lost' };

async function countOf(lines: AsyncIterable<string>): Promise<number> {
  let count = 0;
  for await (const _ of lines) count += 1;
  return count;
}
