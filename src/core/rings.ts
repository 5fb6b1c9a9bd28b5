/**
 * Who is next to whom in a large swarm. All members stand on a few rings, each in its own order by hash; next to a node are the ones before and
 * behind it on each ring. Every node that knows the same members finds the same neighbours, and finds them in both directions; each ring alone
 * connects everybody, and several together make a random graph of small diameter (Law and Siu, "Distributed construction of random expander
 * networks", 2003: H-graphs).
 */
import type { NodeId } from './brand.ts';
import type { Crypto } from './crypto.ts';

/** Three rings give a view of six, the active view of HyParView at its smallest; one ring of them may break anywhere and all stay connected. */
export const RINGS = 3;

export type Direction = 'before' | 'behind';

type Place = { key: string; node: NodeId };

export class Rings {
  private readonly sha256: Crypto['sha256'];
  private readonly rings: Place[][] = Array.from({ length: RINGS }, () => []);
  /** The places of all members, by node: one key a ring. */
  private readonly nodes = new Map<NodeId, readonly string[]>();

  constructor(sha256: Crypto['sha256']) {
    this.sha256 = sha256;
  }

  size(): number {
    return this.nodes.size;
  }

  has(node: NodeId): boolean {
    return this.nodes.has(node);
  }

  /** False, and nothing changed, when it is there already. */
  add(node: NodeId): boolean {
    if (this.nodes.has(node)) return false;
    const keys = this.keysOf(node);
    this.nodes.set(node, keys);
    for (const [ring, places] of this.rings.entries()) {
      const key = keys[ring] ?? '';
      places.splice(firstAtOrBehind(places, key), 0, { key, node });
    }
    return true;
  }

  /** False, and nothing changed, when it is not there. */
  remove(node: NodeId): boolean {
    const keys = this.nodes.get(node);
    if (keys === undefined) return false;
    this.nodes.delete(node);
    for (const [ring, places] of this.rings.entries()) {
      const at = firstAtOrBehind(places, keys[ring] ?? '');
      if (places[at]?.node === node) places.splice(at, 1);
    }
    return true;
  }

  /** At most `limit` members from `node` on, nearest first, `node` left out; it need not be a member. */
  next(node: NodeId, o: { ring: number; direction: Direction; limit: number }): NodeId[] {
    const places = this.rings[o.ring] ?? [];
    const keys = this.nodes.get(node) ?? this.keysOf(node);
    const start = firstAtOrBehind(places, keys[o.ring] ?? '');
    const step = o.direction === 'behind' ? 1 : -1;
    const found: NodeId[] = [];
    let at = o.direction === 'behind' ? start : start - 1;
    for (let looked = 0; looked < places.length && found.length < o.limit; looked++, at += step) {
      const place = places[(at + places.length) % places.length];
      if (place !== undefined && place.node !== node) found.push(place.node);
    }
    return found;
  }

  private keysOf(node: NodeId): string[] {
    return this.rings.map((_, ring) => this.sha256(`ring ${ring} ${node}`));
  }
}

/** Index of the first place whose key is not below `key`. */
function firstAtOrBehind(places: readonly Place[], key: string): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
