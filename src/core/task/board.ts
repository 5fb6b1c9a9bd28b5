/** Who is free: for every agent of the swarm the attempt it works and the one claim it has open, kept in step with the committed task rows. */
import type { OpId } from '../brand.ts';
import { taskChain } from '../view/chain.ts';
import type { TaskRow } from '../view/task.ts';
import { openClaims } from '../view/task.ts';
import type { Column } from '../view/view.ts';
import type { Views } from '../view/views.ts';

/** Rows read a time at boot; only tasks that run or are claimed are read at all. */
const PAGE = 500;

export class Board {
  private readonly claimOf = new Map<OpId, OpId>();
  private readonly claimersOf = new Map<OpId, Set<OpId>>();
  private readonly taskOf = new Map<OpId, OpId>();
  private readonly workerOf = new Map<OpId, OpId>();

  /** Reads what is open from the views, once, at boot. */
  load(views: Views): OpId[] {
    const open: OpId[] = [];
    const wheres: Record<string, Column>[] = [{ status: 'claimed' }, { status: 'in_progress' }, { contested: 1 }];
    for (const where of wheres) {
      for (let offset = 0; ; offset += PAGE) {
        const rows = views.list('task', { where, limit: PAGE, offset });
        for (const row of rows) {
          this.update(row);
          open.push(row.id);
        }
        if (rows.length < PAGE) break;
      }
    }
    return open;
  }

  /** Takes a task's new row in; returns the agents that worked on it or claimed it before: they may be free now. */
  update(row: TaskRow): OpId[] {
    const before = new Set<OpId>(this.claimersOf.get(row.id) ?? []);
    const worker = this.workerOf.get(row.id);
    if (worker !== undefined) before.add(worker);
    this.forget(row.id);
    const chain = taskChain(row);
    // An attempt that is reported is over for its agent, though its slot is not decided.
    if (chain.running !== undefined && row.reports[chain.slot] === undefined) {
      this.workerOf.set(row.id, chain.running.value.agent);
      this.taskOf.set(chain.running.value.agent, row.id);
    } else if (chain.status === 'pending') {
      for (const { claim } of openClaims(row)) this.addClaim(claim.agent, row.id);
    }
    return [...before];
  }

  /** Neither at work nor with a claim open. */
  isFree(agent: OpId): boolean {
    return !this.taskOf.has(agent) && !this.claimOf.has(agent);
  }

  /** Agents of the whole swarm that are at work, or have a claim open. */
  taken(): ReadonlySet<OpId> {
    return new Set([...this.taskOf.keys(), ...this.claimOf.keys()]);
  }

  worksOn(agent: OpId): OpId | undefined {
    return this.taskOf.get(agent);
  }

  claims(agent: OpId): OpId | undefined {
    return this.claimOf.get(agent);
  }

  /** A claim appended in this turn: it counts at once, so that the agent claims nothing else. */
  addClaim(agent: OpId, task: OpId): void {
    this.claimOf.set(agent, task);
    const claimers = this.claimersOf.get(task) ?? new Set<OpId>();
    claimers.add(agent);
    this.claimersOf.set(task, claimers);
  }

  private forget(task: OpId): void {
    for (const agent of this.claimersOf.get(task) ?? [])
      if (this.claimOf.get(agent) === task) this.claimOf.delete(agent);
    this.claimersOf.delete(task);
    const worker = this.workerOf.get(task);
    if (worker !== undefined && this.taskOf.get(worker) === task) this.taskOf.delete(worker);
    this.workerOf.delete(task);
  }
}
