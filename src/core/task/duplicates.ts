/**
 * One explicit id, two tasks. 1. A client creates a task under an id of its own at one node, and hears no answer. 2. It does so again at another node.
 * An explicit id is only a name: both are tasks, with slots, votes and fences of their own. The one with the lower stamp stays; the other is cancelled
 * by its home, as far as it is still open.
 */
import type { Slots } from '../register/slots.ts';
import { compareStamps } from '../op.ts';
import { taskChain } from '../view/chain.ts';
import type { TaskCreated, TaskRow } from '../view/task.ts';
import type { World } from '../world.ts';
import { cancellationOf } from './cancellation.ts';

/** Tasks of one explicit id that are looked at: more than two are a mistake over and over. */
const ROWS_MAX = 10;

type Created = TaskRow & { created: TaskCreated };
const isCreated = (row: TaskRow): row is Created => row.created !== undefined;

export class Duplicates {
  private readonly world: World;
  private readonly slots: Slots;

  constructor(world: World, slots: Slots) {
    this.world = world;
    this.slots = slots;
  }

  /** A task has a new row: it may be a duplicate, or make another one of this node to one. */
  onTask({ created }: TaskRow): void {
    const alias = created?.alias ?? null;
    if (alias === null) return;
    const rows = this.world.store.list('task', { where: { alias }, limit: ROWS_MAX }).filter(isCreated);
    const [first, ...later] = rows.toSorted((a, b) => compareStamps(a.created.stamp, b.created.stamp));
    for (const row of later) if (first !== undefined) this.cancel(row, first);
  }

  private cancel(row: Created, first: Created): void {
    if (row.created.home !== this.world.self || taskChain(row).ended !== undefined) return;
    const error = `a duplicate: ${first.id} was created under the same id before`;
    const { slot, value } = cancellationOf(row, { reason: 'cancelled', error, by: null });
    if (!this.slots.isProposing(row.id, slot)) this.slots.propose({ task: row.id, slot, value });
  }
}
