/** A cancellation, from any node: proposed in whichever slot is open, until it or another end of the task is decided. */
import type { OpId, Principal } from '../brand.ts';
import type { Slots } from '../register/slots.ts';
import { taskChain } from '../view/chain.ts';
import type { World } from '../world.ts';
import { cancellationOf } from './cancellation.ts';

/** How long a door waits for a cancellation to be decided. */
const CANCEL_MS = 5_000;
/** A cancellation that meets a slot decided otherwise goes on to the next one, at most so often: an attempt has two. */
const CANCEL_TRIES = 4;

export type CancelDone = (outcome: 'cancelled' | 'over' | 'unreachable') => void;

export class Canceller {
  private readonly world: World;
  private readonly slots: Slots;
  private readonly o: { task: OpId; by: Principal; done: CancelDone };
  private readonly untilMs: number;

  constructor(world: World, slots: Slots, o: { task: OpId; by: Principal; done: CancelDone }) {
    this.world = world;
    this.slots = slots;
    this.o = o;
    this.untilMs = world.nowMs + CANCEL_MS;
  }

  /** Calls `done` once. */
  propose(triesLeft = CANCEL_TRIES): void {
    const { task, by, done } = this.o;
    const row = this.world.store.get('task', task);
    const chain = row === undefined ? undefined : taskChain(row);
    const isOver = chain === undefined || chain.status === 'unknown' || chain.ended !== undefined;
    if (row === undefined || isOver || triesLeft === 0) return done('over');
    const { slot, value } = cancellationOf(row, { reason: 'cancelled', error: null, by });
    this.slots.propose({
      task,
      slot,
      value,
      untilMs: this.untilMs,
      done: (outcome) => {
        if (outcome.kind === 'unreachable') done('unreachable');
        else if (outcome.value.kind === 'cancelled') done('cancelled');
        else this.propose(triesLeft - 1);
      },
    });
  }
}
