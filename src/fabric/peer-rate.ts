/** How fast one linked peer may speak. Above it this node reads more slowly, which TCP tells the peer; one that never lets up is said goodbye to. */
import { TokenBucket } from '#core/token-bucket.ts';

export type PeerRates = {
  /** Frames; whoever has work to send puts many ops into one. */
  framesPerSecond: number;
  framesBurst: number;
  bytesPerSecond: number;
  bytesBurst: number;
  /** A peer whose frames came too fast for so long on end means harm, or is broken. */
  floodMs: number;
};

/**
 * Several times what a busy swarm sends over one link, and more than a node takes in for long: a repair of a million ops is some thousand frames, and a bundle
 * that fills a gigabit network is half of these bytes.
 */
export const DEFAULT_RATES: PeerRates = {
  framesPerSecond: 10_000,
  framesBurst: 20_000,
  bytesPerSecond: 256 * 1024 * 1024,
  bytesBurst: 256 * 1024 * 1024,
  floodMs: 10_000,
};

export class PeerRate {
  readonly #floodMs: number;
  readonly #frames: TokenBucket;
  readonly #bytes: TokenBucket;
  /** Since when every look found too many frames. */
  #floodedSinceMs: number | undefined;

  constructor(rates: PeerRates, nowMs: number) {
    this.#floodMs = rates.floodMs;
    this.#frames = new TokenBucket({ perSecond: rates.framesPerSecond, burst: rates.framesBurst }, nowMs);
    this.#bytes = new TokenBucket({ perSecond: rates.bytesPerSecond, burst: rates.bytesBurst }, nowMs);
  }

  /** So much was read: how long not to read any more. Many bytes only slow a peer; `flood` when its frames have been too many for too long. */
  took(o: { frames: number; bytes: number }, nowMs: number): number | 'flood' {
    const framesMs = this.#frames.take(o.frames, nowMs);
    if (framesMs === 0) this.#floodedSinceMs = undefined;
    else this.#floodedSinceMs ??= nowMs;
    if (this.#floodedSinceMs !== undefined && nowMs - this.#floodedSinceMs >= this.#floodMs) return 'flood';
    return Math.max(framesMs, this.#bytes.take(o.bytes, nowMs));
  }
}
