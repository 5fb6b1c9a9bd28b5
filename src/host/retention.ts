/** How long the refs of ended tasks stay: by number, not by age. Looked at when tasks have ended, a repository at a time. */
import type { OpId } from '#core/brand.ts';
import { taskChain } from '#core/view/chain.ts';
import type { Arrival, BlobStore, OpStore } from '#ports.ts';
import type { Retention } from '#workspace/retention.ts';
import { isRefusal } from './remote.ts';
import type { Workspaces } from '#workspace/workspaces.ts';

/** Newest ended tasks whose refs and branches stay as they are. */
export const TASKS_KEPT = 1_000;
/** Newest ended tasks of which what nothing else holds stays: work that was never delivered. */
export const UNDELIVERED_KEPT = 10_000;
/** Tasks that end between two looks: each look asks git for all refs. */
const LOOK_TASKS = 64;
/** Open tasks whose dependencies are looked up; with more, nothing is dropped. */
const OPEN_MAX = 10_000;

export type RefRetentionOptions = {
  store: Pick<OpStore, 'get' | 'list'>;
  blobs: Pick<BlobStore, 'has'>;
  workspaces: Pick<Workspaces, 'repositories' | 'dropOldRefs'>;
  log: (line: string) => void;
  /** For tests. */
  kept?: { tasks: number; undelivered: number };
};

export class RefRetention {
  readonly #options: RefRetentionOptions;
  readonly #kept: { tasks: number; undelivered: number };
  #ended = LOOK_TASKS;
  #work: Promise<void> | undefined;
  #closed = false;

  constructor(options: RefRetentionOptions) {
    this.#options = options;
    this.#kept = options.kept ?? { tasks: TASKS_KEPT, undelivered: UNDELIVERED_KEPT };
  }

  arrived(arrivals: readonly Arrival[]): void {
    this.#ended += arrivals.filter(({ op }) => op.body.type === 'task.ended').length;
    this.look();
  }

  /** At the start, and as tasks end. */
  look(): void {
    if (this.#ended < LOOK_TASKS || this.#work !== undefined || this.#closed) return;
    this.#ended = 0;
    this.#work = this.#tidy().finally(() => {
      this.#work = undefined;
    });
  }

  /** Idempotent; resolves when nothing is dropped any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
  }

  async #tidy(): Promise<void> {
    const { workspaces, log } = this.#options;
    const held = this.#stampOf(this.#kept.tasks);
    if (held === undefined) return;
    // A node that holds no repository has nothing to drop, and need not read all its open tasks for that.
    const names = await workspaces.repositories();
    if (names.length === 0) return;
    const all = this.#stampOf(this.#kept.undelivered) ?? 0;
    const open = this.#options.store.list('task', { where: { open: 1 }, limit: OPEN_MAX });
    if (open.length === OPEN_MAX) return;
    const needed = new Set<string>(
      open.flatMap(({ created }) => [...(created?.dependsOn ?? []), created?.supersedes ?? '']),
    );
    const of = (task: OpId): Promise<Retention> => this.#of(task, { held, all, needed });
    for (const name of names) {
      if (this.#closed) return;
      const done = await workspaces.dropOldRefs({ name, of });
      if (isRefusal(done)) log(`old refs of ${name} stay: ${done.message}`);
      else if (done.dropped > 0) log(`${done.dropped} refs of tasks that ended long ago are dropped from ${name}`);
    }
  }

  /** The stamp of the newest ended task beyond so many; undefined where there are not so many. */
  #stampOf(kept: number): number | undefined {
    const [row] = this.#options.store.list('task', {
      where: { open: 0 },
      order: [['created', 'desc']],
      limit: 1,
      offset: kept,
    });
    return row?.created?.stamp.lamport;
  }

  /** A task that this node does not know, that goes on, or that an open one builds on, keeps everything; so does one whose bundles are not here. */
  async #of(task: OpId, o: { held: number; all: number; needed: ReadonlySet<string> }): Promise<Retention> {
    const row = this.#options.store.get('task', task);
    const lamport = row?.created?.stamp.lamport;
    if (row === undefined || lamport === undefined || lamport > o.held || o.needed.has(task)) return 'keep';
    if (taskChain(row).ended === undefined) return 'keep';
    for (const { value } of [...Object.values(row.ends), ...Object.values(row.reports)])
      if (value.work !== null && !(await this.#options.blobs.has(value.work.bundle))) return 'keep';
    return lamport <= o.all ? 'all' : 'held';
  }
}
