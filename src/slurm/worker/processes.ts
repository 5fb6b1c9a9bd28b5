/**
 * What a node of the swarm runs here: the agents of its attempts, each in a tree of its own below the shared directory. Their lines go over the
 * mailbox, so the node drives them as it drives those under its own holder.
 */
import { dirname } from 'node:path';
import { parsedProcId } from '#core/brand.ts';
import type { Exit, Proc, Runtime } from '#ports.ts';
import type { Pace } from '../pace.ts';
import type { ProcessRecord, Unsent } from '../record.ts';
import { checkpoint } from './checkpoint.ts';
import type { Left, WorkerOutbox } from './outbox.ts';

/** A line of a protocol above it is left out: with what JSON adds it would be no line of a mailbox. */
const LINE_MAX_BYTES = 1024 * 1024;
/** Output kept on the worker's own disk until it is read, moments later. */
const OUTBOX_MAX_BYTES = 64 * 1024 * 1024;
/** At the end of the worker: a tool writes its session down and ends. */
const END_GRACE_MS = 3_000;
/** Of a command's output, what goes into its record. */
const OUTPUT_MAX_CHARS = 256 * 1024;

type Held = { proc: Proc; cwd: string; told: Promise<void> };

export type WorkerProcessesOptions = {
  runtime: Runtime;
  /** The worker's own; what a record adds comes on top. */
  env: Readonly<Record<string, string>>;
  outbox: WorkerOutbox;
  pace: Pace;
  job: string;
  node: number;
  nowMs: () => number;
  /** Of an earlier worker: its processes ended with it, and what it has carried out is not done again. */
  left: Pick<Left, 'processes' | 'carriedOut'>;
};

export class WorkerProcesses {
  readonly #o: WorkerProcessesOptions;
  readonly #held = new Map<string, Held>();
  readonly #known: Set<string>;
  #ending: string | undefined;
  readonly #closing = new AbortController();

  constructor(o: WorkerProcessesOptions) {
    this.#o = o;
    this.#known = new Set(o.left.carriedOut);
    for (const proc of o.left.processes)
      o.outbox.write({ type: 'proc_exit', proc, code: null, signal: null, error: 'holder_lost' });
  }

  /** Carries a record out; what takes time is told of later. Never throws. */
  async take(record: ProcessRecord): Promise<void> {
    switch (record.type) {
      case 'proc_start':
        return this.#start(record);
      case 'proc_write':
        return this.#held
          .get(record.proc)
          ?.proc.write(record.line)
          .catch(() => {
            // It has ended, and its exit says so.
          });
      case 'proc_kill':
        void this.#held.get(record.proc)?.proc.kill(record.grace_ms);
        return;
      case 'proc_ask':
        return this.#ask(record.proc);
      case 'proc_checkpoint':
        void this.#checkpoint(record.cwd, 'delivered').then((work) =>
          this.#o.outbox.write({ type: 'proc_checkpointed', proc: record.proc, work }),
        );
        return;
      case 'exec':
        void this.#exec(record);
        return;
    }
  }

  /** The end is near: nobody waits for a disk that is full any more. */
  hurry(): void {
    this.#closing.abort();
  }

  /** Ends all of them, each with its work committed and bundled before its exit is told. Idempotent. */
  async end(why: string): Promise<void> {
    this.#ending ??= why;
    this.#closing.abort();
    await Promise.all(
      [...this.#held.values()].map(async (held) => {
        await held.proc.kill(END_GRACE_MS);
        await held.told;
      }),
    );
  }

  /** One that comes after all is not started any more: its node counts it as lost. */
  #ask(proc: string): void {
    if (this.#known.has(proc)) return;
    this.#known.add(proc);
    this.#o.outbox.write({ type: 'proc_exit', proc, code: null, signal: null, error: 'holder_lost' });
  }

  async #start({ proc, argv, cwd, env }: Extract<ProcessRecord, { type: 'proc_start' }>): Promise<void> {
    const { runtime, outbox, pace } = this.#o;
    if (this.#known.has(proc)) return;
    this.#known.add(proc);
    const failed = (error: string): void => outbox.write({ type: 'proc_exit', proc, code: null, signal: null, error });
    if (this.#ending !== undefined) return failed(this.#ending);
    // Before it is: whoever comes next must know that it was.
    await this.#write({ type: 'proc_started', proc });
    pace.turnStarted();
    try {
      const spec = {
        id: parsedProcId(proc),
        argv,
        cwd,
        env: { ...this.#o.env, ...env },
        outboxMaxBytes: OUTBOX_MAX_BYTES,
      };
      const started = await runtime.start(spec);
      const told = this.#tell(proc, started, cwd).finally(() => {
        pace.turnEnded();
        this.#held.delete(proc);
      });
      this.#held.set(proc, { proc: started, cwd, told });
    } catch (error) {
      pace.turnEnded();
      failed(`not_started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #tell(name: string, proc: Proc, cwd: string): Promise<void> {
    const { pace, runtime } = this.#o;
    let n = 0;
    let written: Promise<void> = Promise.resolve();
    // In the order of their numbers, whichever stream they are of; no more is read before it is written.
    const output = (stream: 'out' | 'err', text: string, dropped?: number): Promise<void> => {
      n += 1;
      pace.heard();
      const more = dropped === undefined ? {} : { dropped };
      const record = { type: 'proc_output', proc: name, n, stream, text, ...more } as const;
      written = written.then(() => this.#write(record));
      return written;
    };
    const out = async (): Promise<void> => {
      for await (const line of proc.whole(LINE_MAX_BYTES)) {
        if (line.kind === 'line') await output('out', line.text);
        else await output('out', `[skep: ${line.bytes} bytes are left out]`, line.bytes);
      }
    };
    const err = async (): Promise<void> => {
      for await (const line of proc.errors) await output('err', line);
    };
    await Promise.all([out(), err()]);
    const exit: Exit = await proc.exited;
    if (this.#ending !== undefined) await this.#checkpoint(cwd, this.#ending);
    const error = this.#ending ?? exit.error;
    await this.#write({ type: 'proc_exit', proc: name, ...exit, error });
    await runtime.forget(proc.id);
  }

  /** A line that is left out would be missing in a protocol: while the disk is full it waits, and at the end of the worker it is tried once more. */
  async #write(record: Unsent): Promise<void> {
    if (!(await this.#o.outbox.writeFirmly(record, this.#closing.signal))) this.#o.outbox.write(record);
  }

  /** Beside the tree, where the node fetches it, also when this worker is gone. */
  #checkpoint(cwd: string, reason: string): Promise<string> {
    const { runtime, env, job, node, nowMs } = this.#o;
    const notes = { job, node, atMs: nowMs(), reason, thread: null, unfinished: [] };
    return checkpoint({ runtime, cwd, env, directory: dirname(cwd), notes });
  }

  async #exec({
    exec,
    argv,
    cwd,
    env,
    timeout_ms: timeoutMs,
    stdin,
  }: Extract<ProcessRecord, { type: 'exec' }>): Promise<void> {
    if (this.#known.has(exec)) return;
    this.#known.add(exec);
    const { runtime } = this.#o;
    const o = { cwd, env: { ...this.#o.env, ...env }, timeoutMs, ...(stdin === undefined ? {} : { stdin }) };
    const { exit, stdout, stderr } = await runtime.exec(argv, o);
    const cut = (text: string): string => text.slice(-OUTPUT_MAX_CHARS);
    await this.#write({ type: 'exec_done', exec, ...exit, stdout: cut(stdout), stderr: cut(stderr) });
  }
}
