/**
 * The way of work from its grantee to the nodes that keep it: put on a second node before the end is proposed, taken in at home, and collected by
 * home where the end was decided without it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import type { Work } from '#core/schema/body.ts';
import { workSchema } from '#core/schema/body.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import { holderOf } from '#core/view/chain.ts';
import type { TaskCreated } from '#core/view/task.ts';
import type { Refusal } from '#core/refusal.ts';
import type { Arrival, BlobStore, OpStore } from '#ports.ts';
import { refusal } from '#core/refusal.ts';
import type { Where } from '#workspace/place.ts';
import { asRefusal } from '#workspace/refusal.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { BlobTransfer } from './blob-transfer.ts';
import type { Remote } from './remote.ts';
import { isRefusal } from './remote.ts';
import type { Sources } from './sources.ts';

/** Taking a bundle in may mean a clone first. */
const DELIVER_DEADLINE_MS = 300_000;
/** Without any voter in reach the end is reported with the work kept here. */
const GIVE_UP_MS = 15_000;
/** Between two tries to reach another node with finished work. */
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 5_000;

const deliverSchema = z.object({ task: opIdSchema, attempt: z.number().int().min(1), work: workSchema });

export type IntakeOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get'>;
  workspaces: Workspaces;
  sources: Sources;
  blobs: BlobStore;
  transfer: BlobTransfer;
  remote: Remote;
};

export class Intake {
  private readonly options: IntakeOptions;
  /** Tasks of this home whose work could not be had yet. */
  private readonly uncollected = new Set<OpId>();

  constructor(options: IntakeOptions) {
    this.options = options;
    options.remote.serve('work.deliver', deliverSchema, async (request, from) => {
      const refused = await this.takeIn({ ...request, from });
      return refused ?? { delivered: true };
    });
  }

  /**
   * Puts work on a second node: home, else another voter of the task; resolves when it is on disk there. When none can be reached in
   * {@link GIVE_UP_MS} the work stays here, and is fetched from here once its end is decided.
   */
  async deliver(
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
      const node = holderOf(row, attempt)?.value.node;
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

  /** Where the commits of a task's work lie on this node, or would. */
  where({ created, node }: { created: TaskCreated; node: NodeId }): Where {
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

  /** From the blob into the repository where it can be shown and merged. Safe to repeat. */
  async unpack(o: {
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
}
