/** Whoever holds a report of an end that is not decided proposes it, by rank: the grantee may be gone for good. */
import type { OpId } from '../brand.ts';
import type { Slots } from '../register/slots.ts';
import { taskChain } from '../view/chain.ts';
import type { TaskRow } from '../view/task.ts';
import type { World } from '../world.ts';

/** Between two voters; the first one also leaves the grantee its chance. */
const STAGGER_MS = 1_000;

export class Endorser {
  private readonly world: World;
  private readonly slots: Slots;

  constructor(world: World, slots: Slots) {
    this.world = world;
    this.slots = slots;
  }

  onTask(row: TaskRow): void {
    const { running, slot } = taskChain(row);
    const rank = row.created?.voters.indexOf(this.world.self) ?? -1;
    if (running === undefined || row.reports[slot] === undefined || rank < 0) return;
    this.world.timers.setEarlier(`endorse:${row.id}`, this.world.nowMs + STAGGER_MS * (rank + 1));
  }

  /** `endorse:<task>`. */
  onTimer(task: OpId): void {
    const row = this.world.store.get('task', task);
    const chain = row === undefined ? undefined : taskChain(row);
    const report = chain?.running === undefined ? undefined : row?.reports[chain.slot];
    if (chain !== undefined && report !== undefined)
      this.slots.propose({ task, slot: chain.slot, value: report.value });
  }
}
