/** One at a time for each key: what writes to one repository, or works on one attempt, waits for its turn. */
import type { WorkspaceRefusal } from './refusal.ts';
import { refusal } from './refusal.ts';

/** Waiting for one key. A swarm's whole backlog on one project would not reach this; beyond it something hangs, and says so. */
const WAITING_MAX = 1_000;

export class Turns {
  readonly #tails = new Map<string, { last: Promise<unknown>; waiting: number }>();

  /** Runs `work` when everything asked for earlier under `key` has ended, well or badly. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T | WorkspaceRefusal> {
    const tail = this.#tails.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (tail.waiting >= WAITING_MAX) return refusal('busy', `${WAITING_MAX} calls already wait for this repository`);
    const mine = tail.last.then(work, work);
    tail.last = mine;
    tail.waiting += 1;
    this.#tails.set(key, tail);
    try {
      return await mine;
    } finally {
      tail.waiting -= 1;
      if (tail.waiting === 0) this.#tails.delete(key);
    }
  }
}
