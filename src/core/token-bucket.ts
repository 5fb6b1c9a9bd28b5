/** How fast something may go on: tokens come at an even rate, and as many as a burst may be saved. Whoever asks hands in the time. */

export type TokenBucketOptions = { perSecond: number; burst: number };

export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  /** Begins full. */
  constructor(o: TokenBucketOptions, nowMs: number) {
    this.#perMs = o.perSecond / 1_000;
    this.#burst = o.burst;
    this.#tokens = o.burst;
    this.#atMs = nowMs;
  }

  /** Takes `count` if they are all there. False: nothing was taken. */
  tryTake(count: number, nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Takes `count`, on credit when they are not there: the milliseconds until nothing is owed any more. 0: they were there. */
  take(count: number, nowMs: number): number {
    this.#refill(nowMs);
    this.#tokens -= count;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }

  /** A clock that goes backwards brings nothing. */
  #refill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + passedMs * this.#perMs);
  }
}
