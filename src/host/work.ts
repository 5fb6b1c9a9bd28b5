/** Delivered work at the nodes that hold it: taking it in at home, showing, fetching and merging it, on this node or by Call where it lies. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import type { Work } from '#core/schema/body.ts';
import { workSchema } from '#core/schema/body.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import { taskChain } from '#core/view/chain.ts';
import type { TaskCreated, TaskRow } from '#core/view/task.ts';
import type { Arrival, BlobStore, MergeOutcome, OpStore, Refusal } from '#ports.ts';
import { refusal } from '#ports.ts';
import type { Where } from '#workspace/place.ts';
import { asRefusal } from '#workspace/refusal.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { BlobTransfer } from './blob-transfer.ts';
import type { Remote } from './remote.ts';
import { isRefusal } from './remote.ts';
import type { Sources } from './sources.ts';

/** Taking a bundle in may mean a clone first. */
const DELIVER_DEADLINE_MS = 300_000;
const DIFF_DEADLINE_MS = 30_000;
const MERGE_DEADLINE_MS = 120_000;
/** Without any voter in reach the end is reported with the work kept here. */
const GIVE_UP_MS = 15_000;
/** Between two tries to reach home with finished work. */
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 5_000;
/** A patch of this size still fits a frame. */
const DIFF_MAX_BYTES = 384 * 1024;

const deliverSchema = z.object({ task: opIdSchema, attempt: z.number().int().min(1), work: workSchema });
const formatSchema = z.enum(['patch', 'stat', 'name-status']);
const diffSchema = z.object({ task: opIdSchema, format: formatSchema });
const diffAnswer = z.object({ text: z.string(), truncated: z.boolean() });
const mergeSchema = z.object({ task: opIdSchema, into: z.string().max(255).nullable() });
const mergeAnswer: z.ZodType<MergeOutcome> = z.object({
  state: z.enum(['merged', 'ready']),
  commit: z.string().nullable(),
  into: z.string(),
  command: z.string().nullable(),
});

export type DiffFormat = z.output<typeof formatSchema>;

type WorkOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get'>;
  workspaces: Workspaces;
  sources: Sources;
  blobs: BlobStore;
  transfer: BlobTransfer;
  remote: Remote;
};

/** A task whose decided end carries work. */
type Done = { row: TaskRow; created: TaskCreated; attempt: number; node: NodeId; work: Work };

export class DeliveredWork {
  private readonly options: WorkOptions;

  constructor(options: WorkOptions) {
    this.options = options;
    const { remote } = options;
    remote.serve('work.deliver', deliverSchema, async (request, from) => {
      const refused = await this.takeIn({ ...request, from });
      return refused ?? { delivered: true };
    });
    remote.serve('task.diff', diffSchema, ({ task, format }) => this.diffHere(task, format));
    remote.serve('task.merge', mergeSchema, ({ task, into }) => this.mergeHere(task, into));
  }

  /**
   * Puts work on a second node: home, else another voter of the task; resolves when it is on disk there. When none can be reached in
   * {@link GIVE_UP_MS} the work stays here, and is fetched from here once its end is decided.
   */
  async deliverHome(
    o: { voters: readonly NodeId[]; task: OpId; attempt: number; work: Work },
    signal: AbortSignal,
  ): Promise<Refusal | undefined> {
    const { task, attempt, work, voters } = o;
    const { self } = this.options;
    const kept = voters.includes(self) ? await this.takeIn({ task, attempt, work, from: self }) : undefined;
    const others = voters.filter((voter) => voter !== self);
    if (kept !== undefined || others.length === 0) return kept;
    const since = performance.now();
    for (let waitMs = RETRY_MIN_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      for (const voter of others) {
        const refused = await this.deliverTo(voter, { task, attempt, work });
        if (refused?.code !== 'node_unreachable') return refused;
      }
      if (performance.now() - since > GIVE_UP_MS) return undefined;
      await sleep(waitMs, undefined, { ref: false });
    }
    return refusal('stopping', 'the attempt was stopped before its work reached another node');
  }

  private async deliverTo(node: NodeId, params: z.output<typeof deliverSchema>): Promise<Refusal | undefined> {
    const answer = await this.options.remote.ask({
      to: node,
      method: 'work.deliver',
      params,
      deadlineMs: DELIVER_DEADLINE_MS,
      answer: z.object({ delivered: z.literal(true) }),
    });
    return isRefusal(answer) ? answer : undefined;
  }

  /** base..head as text, from the first node that can show it: this one, home, the node that did the work. */
  async diff(task: OpId, format: DiffFormat): Promise<{ text: string; truncated: boolean } | Refusal> {
    const done = this.done(task);
    if (isRefusal(done)) return done;
    const here = await this.diffHere(task, format);
    if (!isRefusal(here)) return here;
    let last: Refusal = here;
    for (const node of new Set([done.created.home, done.node])) {
      if (node === this.options.self) continue;
      const answer = await this.options.remote.ask({
        to: node,
        method: 'task.diff',
        params: { task, format },
        deadlineMs: DIFF_DEADLINE_MS,
        answer: diffAnswer,
      });
      if (!isRefusal(answer)) return answer;
      last = answer;
    }
    return last;
  }

  /** Writes the delivered branch into a repository of this node. */
  async fetch(task: OpId, repository: string): Promise<{ branch: string; head: string } | Refusal> {
    const done = this.done(task);
    if (isRefusal(done)) return done;
    const missing = await this.haveHere(done);
    if (missing !== undefined) return missing;
    const { attempt } = done;
    const answer = await this.options.workspaces.fetch({ task, attempt, where: this.where(done), into: repository });
    return isRefusal(answer) ? asRefusal(answer) : answer;
  }

  /** Merges where the origin can be pushed to: at the project's node for a path, else here. */
  async merge(task: OpId, into: string | null): Promise<MergeOutcome | Refusal> {
    const done = this.done(task);
    if (isRefusal(done)) return done;
    const place = this.mergesAt(done);
    if (place === this.options.self) return this.mergeHere(task, into);
    return this.options.remote.ask({
      to: place,
      method: 'task.merge',
      params: { task, into },
      deadlineMs: MERGE_DEADLINE_MS,
      answer: mergeAnswer,
    });
  }

  /**
   * Home sees to it that it holds the work of its tasks, also of those whose end was decided while it was away, and results that came late. What
   * cannot be had now is tried again when the next node links.
   */
  private collect(task: OpId): void {
    const { store, self, transfer } = this.options;
    const row = store.get('task', task);
    if (row?.created?.home !== self) return;
    const { voters } = row.created;
    for (const decided of [...Object.values(row.ends), ...Object.values(row.reports)]) {
      const { work, attempt } = decided.value;
      const node = row.grants[attempt * 2 - 1]?.value.node;
      if (work === null || node === undefined || node === self) continue;
      this.uncollected.add(task);
      void transfer.ensure(work.bundle, [node, ...voters]).then((missing) => {
        if (missing === undefined) this.uncollected.delete(task);
      });
    }
  }

  /** Ends and reports that were just committed. */
  onArrivals(arrivals: readonly Arrival[]): void {
    for (const { op } of arrivals) {
      if (op.body.type === 'task.ended' || op.body.type === 'task.reported') this.collect(op.header.entity);
    }
  }

  /** A node linked: what could not be had before is tried again. */
  collectAll(): void {
    for (const task of this.uncollected) this.collect(task);
  }

  private readonly uncollected = new Set<OpId>();

  private done(task: OpId): Done | Refusal {
    const row = this.options.store.get('task', task);
    const chain = row === undefined ? undefined : taskChain(row);
    if (row?.created === undefined || chain === undefined) return refusal('not_found', 'Task not found', { got: task });
    if (chain.ended?.value.kind !== 'completed') {
      return refusal('no_work', 'only a completed task has delivered work', {
        expected: 'completed',
        got: chain.status,
      });
    }
    const { work, attempt } = chain.ended.value;
    const grant = row.grants[attempt * 2 - 1];
    if (work === null || grant === undefined) return refusal('no_work', 'the task completed without changing any file');
    return { row, created: row.created, attempt, node: grant.value.node, work };
  }

  private where({ created, node }: Pick<Done, 'created' | 'node'>): Where {
    if (created.project !== null) return { kind: 'project', id: created.project };
    if (node === this.options.self && created.projectPath !== null) return { kind: 'path', path: created.projectPath };
    return { kind: 'loose' };
  }

  /** A voter takes a bundle: on disk as a blob and, at home, as commits in the project's clone, before the end is proposed. Safe to repeat. */
  private async takeIn(o: { task: OpId; attempt: number; work: Work; from: NodeId }): Promise<Refusal | undefined> {
    const { store, transfer, self } = this.options;
    const created = store.get('task', o.task)?.created;
    if (created === undefined) return refusal('not_found', 'this node does not know that task', { got: o.task });
    const missing = await transfer.ensure(o.work.bundle, [o.from]);
    if (missing !== undefined || created.home !== self) return missing;
    const taken = await this.unpack({ ...o, created, node: o.from });
    // Commits that cannot be unpacked here (a project that is gone) are still safe in the blob.
    return taken?.code === 'invalid' ? taken : undefined;
  }

  private async unpack(o: {
    task: OpId;
    attempt: number;
    work: Work;
    created: TaskCreated;
    node: NodeId;
  }): Promise<Refusal | undefined> {
    const { workspaces, sources, blobs } = this.options;
    const { task, attempt, work, created } = o;
    if (created.project !== null) {
      const project = sources.project(created.project);
      if (isRefusal(project)) return project;
      const ready = await sources.ensure(project, created.base);
      if (isRefusal(ready)) return ready;
    }
    const bundlePath = await blobs.path(work.bundle);
    if (bundlePath === undefined) return refusal('no_work', 'the bundle is not on this node');
    const received = await workspaces.receive({ task, attempt, where: this.where(o), bundlePath, work });
    return isRefusal(received) ? asRefusal(received) : undefined;
  }

  private async haveHere(done: Done): Promise<Refusal | undefined> {
    const { transfer } = this.options;
    const missing = await transfer.ensure(done.work.bundle, [done.created.home, done.node]);
    return missing ?? this.unpack({ ...done, task: done.row.id });
  }

  private async diffHere(task: OpId, format: DiffFormat): Promise<{ text: string; truncated: boolean } | Refusal> {
    const done = this.done(task);
    if (isRefusal(done)) return done;
    const request = { where: this.where(done), work: done.work, format, maxBytes: DIFF_MAX_BYTES };
    const first = await this.options.workspaces.diff(request);
    if (!isRefusal(first)) return first;
    if (!(await this.options.blobs.has(done.work.bundle))) return asRefusal(first);
    const missing = await this.haveHere(done);
    if (missing !== undefined) return missing;
    const again = await this.options.workspaces.diff(request);
    return isRefusal(again) ? asRefusal(again) : again;
  }

  private mergesAt(done: Done): NodeId {
    if (done.created.project === null) return done.node;
    const project = this.options.sources.project(done.created.project);
    if (isRefusal(project)) return this.options.self;
    return this.options.sources.isAnywhere(project) ? this.options.self : project.registered.node;
  }

  private async mergeHere(task: OpId, into: string | null): Promise<MergeOutcome | Refusal> {
    const { workspaces } = this.options;
    const done = this.done(task);
    if (isRefusal(done)) return done;
    const missing = await this.haveHere(done);
    if (missing !== undefined) return missing;
    const target = into ?? (await this.baseOf(done));
    if (isRefusal(target)) return target;
    const { attempt, work, created } = done;
    const answer = await workspaces.merge({
      task,
      attempt,
      where: this.where(done),
      work,
      into: target,
      title: created.title,
    });
    if (isRefusal(answer)) return asRefusal(answer);
    const command = answer.state === 'ready' ? answer.command : null;
    return { state: answer.state, commit: answer.commit, into: answer.into, command };
  }

  private async baseOf(done: Done): Promise<string | Refusal> {
    const { sources } = this.options;
    if (done.created.base !== null) return done.created.base;
    if (done.created.project === null) return refusal('invalid', 'name the branch to merge into', { expected: 'into' });
    const project = sources.project(done.created.project);
    if (isRefusal(project)) return project;
    const ready = await sources.ensure(project, null);
    return isRefusal(ready) ? ready : ready.base;
  }
}
