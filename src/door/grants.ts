/** Which task each agent holds by an open grant: found in the store when somebody first asks, and kept up from then on with what arrives. */
import type { OpId } from '#core/brand.ts';
import { parsedOpId } from '#core/brand.ts';
import { taskChain } from '#core/view/chain.ts';
import type { TaskRow } from '#core/view/task.ts';
import type { Arrival, OpStore } from '#ports.ts';

/** Tasks under way that are read at once: far above what one swarm works at. */
const ROWS_MAX = 10_000;
/** Tasks that changed since somebody asked. Beyond, all are found anew: nobody may ask again for days. */
const DUE_MAX = 1_000;
/** Statuses of tasks that may have a grant that is open. */
const UNDER_WAY = ['claimed', 'in_progress', 'unknown'] as const;

export class OpenGrants {
  private readonly store: Pick<OpStore, 'get' | 'list'>;
  private agents: Map<OpId, OpId> | undefined;
  private readonly tasks = new Map<OpId, Set<OpId>>();
  private readonly due = new Set<OpId>();

  constructor(store: Pick<OpStore, 'get' | 'list'>) {
    this.store = store;
  }

  /** The task that the agent holds, one of them where it holds several. */
  taskOf(agent: OpId): OpId | undefined {
    this.settle();
    return this.tasks.get(agent)?.values().next().value;
  }

  /** Ops that were committed: what they changed is looked at when somebody asks next. */
  changed(arrivals: readonly Arrival[]): void {
    if (this.agents === undefined) return;
    for (const { op } of arrivals) if (op.body.type.startsWith('task.')) this.due.add(parsedOpId(op.header.entity));
    if (this.due.size > DUE_MAX) this.forget();
  }

  /** All are found anew when somebody asks next. */
  forget(): void {
    this.agents = undefined;
    this.tasks.clear();
    this.due.clear();
  }

  private settle(): void {
    if (this.agents === undefined) {
      this.agents = new Map();
      for (const status of UNDER_WAY) {
        for (const row of this.store.list('task', { where: { status }, limit: ROWS_MAX })) this.put(row.id, row);
      }
    }
    for (const task of this.due) this.put(task, this.store.get('task', task));
    this.due.clear();
  }

  private put(task: OpId, row: TaskRow | undefined): void {
    const before = this.agents?.get(task);
    const now = row === undefined ? undefined : taskChain(row).running?.value.agent;
    if (before === now) return;
    if (before !== undefined) this.drop(task, before);
    if (now === undefined) {
      this.agents?.delete(task);
      return;
    }
    this.agents?.set(task, now);
    this.tasks.set(now, (this.tasks.get(now) ?? new Set()).add(task));
  }

  private drop(task: OpId, agent: OpId): void {
    const held = this.tasks.get(agent);
    held?.delete(task);
    if (held?.size === 0) this.tasks.delete(agent);
  }
}
