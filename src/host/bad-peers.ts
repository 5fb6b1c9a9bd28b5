/** Peers whose ops do not hold: a node checks ops before it passes them on, so an invalid batch is the work of the peer that sent it. */
import type { NodeId } from '#core/brand.ts';
import { TokenBucket } from '#core/token-bucket.ts';

/** A difference between two versions may spoil a few; what goes on and on is harm, or a broken disk, and costs a signature check each. */
const INVALID = { perSecond: 1, burst: 32 };

/** Peers remembered, also over their next links; beyond it the oldest begins anew. */
const PEERS_MAX = 1_024;

export class BadPeers {
  readonly #seen = new Map<NodeId, { refusals: number; bucket: TokenBucket }>();

  /** True when the link should end: more of its batches were invalid than may be. `refusals`: all there ever were. */
  tooMany(node: NodeId, refusals: number, nowMs: number): boolean {
    const seen = this.#seen.get(node) ?? { refusals: 0, bucket: new TokenBucket(INVALID, nowMs) };
    const more = refusals - seen.refusals;
    if (more <= 0) return false;
    const [oldest] = this.#seen.keys();
    if (!this.#seen.has(node) && this.#seen.size >= PEERS_MAX && oldest !== undefined) this.#seen.delete(oldest);
    this.#seen.set(node, { ...seen, refusals });
    return seen.bucket.take(more, nowMs) > 0;
  }
}
