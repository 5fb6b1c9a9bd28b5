/**
 * The trees along which ops spread in a large swarm: for each author, from which link its ops come here (the parent) and to which they are pushed
 * (the children). Plumtree (Leitão, Pereira, Rodrigues, "Epidemic Broadcast Trees", 2007) with a tree an author: as each author's ops are numbered
 * without gaps, the last number says everything that a set of seen messages would, and messages of two authors cannot cut one cycle in two places.
 */
import type { NodeId } from './brand.ts';

/** A pruned link may still bring what it sent before it heard so; what comes later than this means that it did not hear. */
const PRUNE_HEARD_MS = 1_000;
/** So many links shorter is worth another parent; less, and two equal ways would take turns. */
const SHORTER_HOPS = 3;

type Branch = {
  parent: NodeId | undefined;
  children: Set<NodeId>;
  /** Links that were told to stop, and when. */
  prunedMs: Map<NodeId, number>;
  /** The last op that was pushed here, and how many links it had passed. */
  seq: number;
  hops: number;
};

export class Trees {
  private readonly branches = new Map<NodeId, Branch>();

  /** To whom ops of this author are pushed. */
  children(author: NodeId): ReadonlySet<NodeId> {
    return this.branches.get(author)?.children ?? new Set();
  }

  parent(author: NodeId): NodeId | undefined {
    return this.branches.get(author)?.parent;
  }

  /** How many links the author's ops pass on their way here; 0 for this node's own, and while that is not known. */
  hops(author: NodeId): number {
    return this.branches.get(author)?.hops ?? 0;
  }

  /** This node's own tree: all neighbours are its children until they say otherwise. */
  root(author: NodeId, neighbours: readonly NodeId[]): void {
    if (!this.branches.has(author)) this.branches.set(author, branch({ parent: undefined, children: neighbours }));
  }

  /** A new neighbour takes part in this node's own tree at once; into other trees it grafts itself. */
  addChild(author: NodeId, node: NodeId): void {
    this.branches.get(author)?.children.add(node);
  }

  /**
   * A new op was pushed here by `from`. The first of an author goes on to all other neighbours, and so makes its tree. Whoever is first becomes the
   * parent, unless it was told to stop and has not heard of that yet: of two links at least one stays.
   */
  onNew(author: NodeId, o: { from: NodeId; seq: number; hops: number; neighbours: readonly NodeId[]; nowMs: number }) {
    const { from, seq, hops, nowMs } = o;
    const held = this.branches.get(author);
    if (held === undefined) {
      const children = o.neighbours.filter((node) => node !== from);
      this.branches.set(author, { ...branch({ parent: from, children }), seq, hops });
      return;
    }
    if (held.parent === undefined || !isStopping(held, from, nowMs)) held.parent = from;
    if (held.parent === from) [held.seq, held.hops] = [seq, hops];
  }

  /** A known op was pushed here by `from`. True: it is told to stop. */
  onRepeated(author: NodeId, from: NodeId, nowMs: number): boolean {
    const held = this.branchOf(author);
    held.parent ??= from;
    if (held.parent === from || isStopping(held, from, nowMs)) return false;
    held.prunedMs.set(from, nowMs);
    return true;
  }

  /** True when a node at `hops` links from the author would be a better parent, by the same op. */
  isShorter(author: NodeId, o: { seq: number; hops: number }): boolean {
    const held = this.branches.get(author);
    return held?.parent !== undefined && held.seq === o.seq && o.hops + SHORTER_HOPS <= held.hops;
  }

  /** This node asked `from` to push to it. The parent it leaves, if there is one. */
  setParent(author: NodeId, from: NodeId, nowMs: number): NodeId | undefined {
    const held = this.branchOf(author);
    const left = held.parent === from ? undefined : held.parent;
    if (left !== undefined) held.prunedMs.set(left, nowMs);
    held.parent = from;
    held.prunedMs.delete(from);
    // What it pushes first says how far it is.
    held.seq = 0;
    return left;
  }

  /** `node` asks for the author's ops from now on. It was this node's parent: then it is none, or the two would wait for one another. */
  onGraft(author: NodeId, node: NodeId): void {
    const held = this.branchOf(author);
    held.children.add(node);
    if (held.parent === node) held.parent = undefined;
  }

  onPrune(author: NodeId, node: NodeId): void {
    this.branches.get(author)?.children.delete(node);
  }

  onLinkDown(node: NodeId): void {
    for (const held of this.branches.values()) {
      held.children.delete(node);
      held.prunedMs.delete(node);
      if (held.parent === node) held.parent = undefined;
    }
  }

  private branchOf(author: NodeId): Branch {
    const held = this.branches.get(author) ?? branch({ parent: undefined, children: [] });
    this.branches.set(author, held);
    return held;
  }
}

const branch = (o: { parent: NodeId | undefined; children: readonly NodeId[] }): Branch => ({
  parent: o.parent,
  children: new Set(o.children),
  prunedMs: new Map(),
  seq: 0,
  hops: 0,
});

const isStopping = (held: Branch, node: NodeId, nowMs: number): boolean => {
  const prunedMs = held.prunedMs.get(node);
  return prunedMs !== undefined && nowMs - prunedMs < PRUNE_HEARD_MS;
};
