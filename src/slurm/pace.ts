/** How often a mailbox is looked at: no doorbell rings across a shared file system. */

/** Within a conversation: a fifth of what a person notices. */
const BUSY_MS = 50;
/** Otherwise: one look a second is nothing for a file system, and the first word of a conversation may wait as long. */
const QUIET_MS = 1_000;
/** A conversation is over when nothing was said for so long. */
export const CONVERSATION_MS = 30_000;

export class Pace {
  readonly #nowMs: () => number;
  #open = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Something was said. */
  heard(): void {
    this.#lastMs = this.#nowMs();
  }

  turnStarted(): void {
    this.#open += 1;
    this.heard();
  }

  turnEnded(): void {
    this.#open = Math.max(0, this.#open - 1);
    this.heard();
  }

  get pollMs(): number {
    return this.#open > 0 || this.#nowMs() - this.#lastMs < CONVERSATION_MS ? BUSY_MS : QUIET_MS;
  }
}
