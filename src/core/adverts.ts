/** What this node has and does not push to everybody: gathered for a moment, then told in one frame a link. */
import type { NodeId } from './brand.ts';
import { TREE_AUTHORS_MAX } from './schema/tree-frame.ts';

type Advert = { seq: number; hops: number; holders: Set<NodeId> };
type Entry = [author: NodeId, seq: number, hops: number];

export class Adverts {
  private readonly pending = new Map<NodeId, Advert>();

  /** There are new ops of this author up to `seq`, and these nodes have all of them, or are about to. */
  add(author: NodeId, o: { seq: number; hops: number; holders: readonly NodeId[] }): void {
    const held = this.pending.get(author);
    if (held !== undefined && held.seq >= o.seq) return;
    this.pending.set(author, { seq: o.seq, hops: o.hops, holders: new Set(o.holders) });
  }

  /** `node` said that it has them itself. */
  known(author: NodeId, node: NodeId, seq: number): void {
    const held = this.pending.get(author);
    if (held !== undefined && seq >= held.seq) held.holders.add(node);
  }

  /** Takes all out: what to tell whom, equal lists together, in lists of at most one frame. */
  take(to: readonly NodeId[]): { to: NodeId[]; have: Entry[] }[] {
    const told = new Map<string, { to: NodeId[]; have: Entry[] }>();
    for (const node of to) {
      const have = [...this.pending].flatMap(([author, { seq, hops, holders }]): Entry[] =>
        holders.has(node) ? [] : [[author, seq, hops]],
      );
      for (let at = 0; at < have.length; at += TREE_AUTHORS_MAX) {
        const page = have.slice(at, at + TREE_AUTHORS_MAX);
        const key = page.join(' ');
        const same = told.get(key) ?? { to: [], have: page };
        same.to.push(node);
        told.set(key, same);
      }
    }
    this.pending.clear();
    return [...told.values()];
  }
}
