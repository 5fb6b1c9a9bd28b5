/** Delivered work at the nodes that hold it: showing, fetching and merging it, on this node or by Call where it lies. */
import { z } from 'zod';
import type { NodeId, OpId, Principal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import type { Work } from '#core/schema/body.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import { holderOf, taskChain } from '#core/view/chain.ts';
import type { TaskCreated, TaskRow } from '#core/view/task.ts';
import type { Refusal } from '#core/refusal.ts';
import type { Arrival, MergeOutcome } from '#ports.ts';
import { refusal } from '#core/refusal.ts';
import { asRefusal } from '#workspace/refusal.ts';
import type { Intake, IntakeOptions } from './intake.ts';
import { isRefusal } from './remote.ts';

const DIFF_DEADLINE_MS = 30_000;
const MERGE_DEADLINE_MS = 120_000;
/** Tasks that took one another's place, followed so far. */
const SUPERSEDES_MAX = 100;
/** A patch of this size still fits a frame. */
const DIFF_MAX_BYTES = 384 * 1024;

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

type WorkOptions = Pick<
  IntakeOptions,
  'self' | 'store' | 'workspaces' | 'sources' | 'blobs' | 'transfer' | 'remote'
> & {
  intake: Intake;
  append: (drafts: readonly Draft[]) => Promise<readonly Arrival[] | Refusal>;
};

/** A task whose decided end carries work. */
type Done = { row: TaskRow; created: TaskCreated; attempt: number; node: NodeId; work: Work };

export class DeliveredWork {
  private readonly options: WorkOptions;

  constructor(options: WorkOptions) {
    this.options = options;
    const { remote } = options;
    remote.serve('task.diff', diffSchema, ({ task, format }) => this.diffHere(task, format));
    remote.serve('task.merge', mergeSchema, ({ task, into }) => this.mergeHere(task, into));
  }

  async checkOrigin(origin: string): Promise<Refusal | undefined> {
    const refused = await this.options.workspaces.checkOrigin(origin);
    return refused === undefined ? undefined : asRefusal(refused);
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
    const answer = await this.options.workspaces.fetch({
      task,
      attempt,
      where: this.options.intake.where(done),
      into: repository,
    });
    return isRefusal(answer) ? asRefusal(answer) : answer;
  }

  /** Merges where the origin can be pushed to: at the project's node for a path, else here. */
  async merge(task: OpId, by: Principal, into: string | null): Promise<MergeOutcome | Refusal> {
    const done = this.done(task);
    if (isRefusal(done)) return done;
    const answer = await this.mergeThere(done, into);
    if (isRefusal(answer) || answer.commit === null || this.options.store.get('merge', task) !== undefined)
      return answer;
    // The merge itself stands in git; this is the word of it, for whoever asks the log what became of the work.
    const body = { type: 'work.merged', attempt: done.attempt, into: answer.into, commit: answer.commit } as const;
    await this.options.append([{ entity: task, by, body }]);
    return answer;
  }

  private async mergeThere(done: Done, into: string | null): Promise<MergeOutcome | Refusal> {
    const task = done.row.id;
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
    const grant = holderOf(row, attempt);
    if (work === null || grant === undefined) return refusal('no_work', 'the task completed without changing any file');
    return { row, created: row.created, attempt, node: grant.value.node, work };
  }

  private async haveHere(done: Done): Promise<Refusal | undefined> {
    const { transfer } = this.options;
    const missing = await transfer.ensure(done.work.bundle, [done.created.home, done.node]);
    return missing ?? this.options.intake.unpack({ ...done, task: done.row.id });
  }

  private async diffHere(task: OpId, format: DiffFormat): Promise<{ text: string; truncated: boolean } | Refusal> {
    const done = this.done(task);
    if (isRefusal(done)) return done;
    const request = { where: this.options.intake.where(done), work: done.work, format, maxBytes: DIFF_MAX_BYTES };
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
    const fenceOf = this.fenceOf(done.row);
    const answer = await workspaces.merge({
      fenceOf,
      task,
      attempt,
      where: this.options.intake.where(done),
      work,
      into: target,
      title: created.title,
    });
    if (isRefusal(answer)) return asRefusal(answer);
    const command = answer.state === 'ready' ? answer.command : null;
    const commit = answer.state === 'ready' ? null : answer.commit;
    return { state: answer.state, commit, into: answer.into, command };
  }

  /** The fence is the first task's: whatever takes its place moves the same one, so only one of them is ever merged. */
  private fenceOf(row: TaskRow): OpId {
    let first = row;
    for (let n = 0; n < SUPERSEDES_MAX; n++) {
      const before = first.created?.supersedes ?? null;
      const held = before === null ? undefined : this.options.store.get('task', before);
      if (held === undefined) break;
      first = held;
    }
    return first.id;
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
