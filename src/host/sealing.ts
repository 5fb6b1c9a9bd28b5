/** Keeps the log small: ops beyond the newest ones are sealed, a run at a time, in the time that the node has to spare. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpStore } from '#ports.ts';

/** Newest ops that stay as they came: far more than a client that resumes its stream may ask for. */
export const SEAL_AFTER_OPS = 50_000;
/** Arrivals between two looks: there cannot be a run more after fewer. */
const LOOK_OPS = 256;
/** Sealing takes at most one part in so many of a node's time, also when it has a million ops to do. */
const SHARE = 5;

export type SealingOptions = {
  store: Pick<OpStore, 'seal' | 'lastArrival'>;
  /** Ops that are not sealed, the newest; 0 for no sealing at all. */
  after: number;
};

export class Sealing {
  readonly #options: SealingOptions;
  readonly #closing = new AbortController();
  #lookedAt: number | undefined;
  #work: Promise<void> | undefined;

  constructor(options: SealingOptions) {
    this.#options = options;
  }

  /** Ops were committed, or the node starts: there may be something to seal. */
  look(): void {
    const { store, after } = this.#options;
    const last = store.lastArrival();
    const isDue = this.#lookedAt === undefined || last - this.#lookedAt >= LOOK_OPS;
    if (after === 0 || !isDue || this.#work !== undefined || this.#closing.signal.aborted) return;
    this.#lookedAt = last;
    this.#work = this.#seal().finally(() => {
      this.#work = undefined;
    });
  }

  /** Idempotent; resolves when nothing is sealed any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }

  /** Each round makes the open part of the log a run shorter, so it ends. */
  async #seal(): Promise<void> {
    const { store, after } = this.#options;
    const { signal } = this.#closing;
    try {
      while (!signal.aborted) {
        const began = performance.now();
        if ((await store.seal({ keep: after })) === 0) return;
        await sleep((performance.now() - began) * (SHARE - 1), undefined, { signal });
      }
    } catch (error) {
      // Closed while it rested. A disk that failed refuses the node's own next commit too, and that stops it.
      if (!signal.aborted) this.#closing.abort(error);
    }
  }
}
