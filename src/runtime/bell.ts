/** Wakes one waiter. A ring before the wait is not lost: the next wait returns at once. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Forgets earlier rings. Call it before looking for news: what rings from then on is news that the look may have missed. */
  clear(): void {
    this.#rung = false;
  }

  /** Resolves at the next ring, or after `pollMs` where that is given. */
  async wait(pollMs?: number): Promise<void> {
    if (this.#rung) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (pollMs !== undefined) timer = setTimeout(resolve, pollMs);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
