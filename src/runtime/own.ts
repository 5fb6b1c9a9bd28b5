/** Processes that live and die with the process that started them: a holder without a door, for whoever is itself a child of something that ends it. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcId } from '#core/brand.ts';
import type { ExecOptions, ExecResult, Proc, ProcSpec, Runtime } from '#ports.ts';
import { Executor } from './exec.ts';
import { HeldProc } from './held-proc.ts';
import { endRemains } from './ladder.ts';
import { legalProcId, markOf, prepareDirectory, procDirectory } from './layout.ts';
import { LocalProc } from './local-proc.ts';
import { ProcTable } from './proc-table.ts';
import { RuntimeRefusal } from './refusal.ts';

/** What processes of an earlier owner, whose pipes are gone, get between SIGTERM and SIGKILL. */
const LOST_GRACE_MS = 2_000;

export class OwnRuntime implements Runtime {
  readonly #directory: string;
  readonly #nowMs: () => number;
  readonly #table = new ProcTable();
  readonly #executor = new Executor();
  readonly #procs = new Map<ProcId, { proc: LocalProc; over: Promise<unknown> }>();
  #closed = false;

  /** Ends what an earlier owner of the directory left running, and forgets it. One directory has one owner at a time. */
  static async open(o: { directory: string; nowMs: () => number }): Promise<OwnRuntime> {
    mkdirSync(o.directory, { recursive: true, mode: 0o700 });
    const directory = prepareDirectory(o.directory);
    const table = new ProcTable();
    for (const id of readdirSync(join(directory, 'procs'))) {
      await endRemains({ mark: markOf(directory, id), session: undefined }, { table, graceMs: LOST_GRACE_MS });
      rmSync(join(directory, 'procs', id), { recursive: true, force: true });
    }
    return new OwnRuntime(directory, o.nowMs);
  }

  private constructor(directory: string, nowMs: () => number) {
    this.#directory = directory;
    this.#nowMs = nowMs;
  }

  async start(spec: ProcSpec): Promise<Proc> {
    if (this.#closed) throw new RuntimeRefusal('runtime_closed', 'The runtime was closed.');
    if (legalProcId(spec.id) === undefined) throw new RuntimeRefusal('bad_spec', `Not the id of a process: ${spec.id}`);
    const over = Promise.withResolvers<void>();
    const held = new HeldProc({
      directory: this.#directory,
      spec,
      table: this.#table,
      nowMs: this.#nowMs,
      grown: () => proc.ring(),
      ended: (exit) => {
        proc.ended(exit);
        over.resolve();
      },
    });
    const proc = new LocalProc({
      id: spec.id,
      directory: procDirectory(this.#directory, spec.id),
      ring: () => held.ring(),
      kill: async (graceMs) => held.kill(graceMs),
      left: () => {},
    });
    this.#procs.set(spec.id, { proc, over: over.promise });
    await held.started();
    return proc;
  }

  /** Only what this very runtime started is known to it. */
  async attach(id: ProcId): Promise<Proc | undefined> {
    return this.#procs.get(id)?.proc;
  }

  exec(argv: readonly [string, ...string[]], o: ExecOptions): Promise<ExecResult> {
    return this.#executor.run(this.#directory, argv, o);
  }

  async forget(id: ProcId): Promise<void> {
    const known = this.#procs.get(id);
    if (known === undefined) return;
    await known.over;
    this.#procs.delete(id);
    rmSync(procDirectory(this.#directory, id), { recursive: true, force: true });
  }

  /** Ends everything by the ladder, and removes the directory. Idempotent. */
  async close(graceMs = LOST_GRACE_MS): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#procs.values()].map(({ proc }) => proc.kill(graceMs)));
    await this.#executor.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
