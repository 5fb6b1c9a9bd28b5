/** How well links serve: what went over each, and what became of the batches of ops that each peer sent. */
import type { NodeId } from './brand.ts';

export type Tally = {
  /** Batches with something new in them. */
  taken: number;
  /** Of those, how many were passed on to others. */
  relayed: number;
  /** Batches of which all was known: the other way round a ring, or a tree that is mending itself. */
  repeated: number;
  /** Batches that came before what they follow. */
  gaps: number;
  /** Batches that do not hold. */
  refused: number;
};

/** What went over one link. `overflows`: times what waited for the peer was dropped. */
export type LinkTraffic = {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
  overflows: number;
};

export class Tallies {
  private readonly byPeer = new Map<NodeId, Tally>();

  count(peer: NodeId, what: keyof Tally): void {
    const tally = this.byPeer.get(peer) ?? { taken: 0, relayed: 0, repeated: 0, gaps: 0, refused: 0 };
    this.byPeer.set(peer, { ...tally, [what]: tally[what] + 1 });
  }

  /** By peer, since this node started. */
  all(): ReadonlyMap<NodeId, Tally> {
    return this.byPeer;
  }
}
