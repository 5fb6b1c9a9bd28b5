/** How long answers of each node take, and from it how long to wait for one: mean and deviation as TCP keeps them (RFC 6298). */
import type { NodeId } from './brand.ts';

/** Bounds of the wait. Below the first a busy machine would be accused of its scheduler's naps. */
const WAIT_MIN_MS = 400;
const WAIT_MAX_MS = 2_000;
/** For a node that has not answered yet, over a link of which nothing is known. */
const WAIT_UNKNOWN_MS = 600;

type Estimate = { meanMs: number; deviationMs: number };

export class RoundTrips {
  private readonly byNode = new Map<NodeId, Estimate>();

  took(node: NodeId, tookMs: number): void {
    const held = this.byNode.get(node);
    if (held === undefined) {
      this.byNode.set(node, firstEstimate(tookMs));
      return;
    }
    held.deviationMs = 0.75 * held.deviationMs + 0.25 * Math.abs(held.meanMs - tookMs);
    held.meanMs = 0.875 * held.meanMs + 0.125 * tookMs;
  }

  /** `linkMs`: a round trip on its link, as far as known: among many nodes each is seldom asked, and the first question may be the one that counts. */
  waitMs(node: NodeId, linkMs: number | undefined): number {
    const held = this.byNode.get(node) ?? (linkMs === undefined ? undefined : firstEstimate(linkMs));
    if (held === undefined) return WAIT_UNKNOWN_MS;
    return Math.min(WAIT_MAX_MS, Math.max(WAIT_MIN_MS, 2 * (held.meanMs + 4 * held.deviationMs)));
  }

  forget(node: NodeId): void {
    this.byNode.delete(node);
  }
}

const firstEstimate = (tookMs: number): Estimate => ({ meanMs: tookMs, deviationMs: tookMs / 2 });
