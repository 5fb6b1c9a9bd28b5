/** Where nodes stand on the map, and which links are drawn. */
import type { SwarmNode } from './frame.ts';

export type Place = { node: SwarmNode; x: number; y: number };
export type Edge = { key: string; from: Place; to: Place; isAlive: boolean };

/** In a circle, this node on top; one alone in the middle. Coordinates are within -1 and 1. */
export function placesOf(nodes: readonly SwarmNode[]): Place[] {
  const own = nodes.filter(({ status }) => status === 'self');
  const others = nodes.filter(({ status }) => status !== 'self').toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const ring = [...own, ...others];
  if (ring.length === 1) return ring.map((node) => ({ node, x: 0, y: 0 }));
  return ring.map((node, index) => {
    const angle = (2 * Math.PI * index) / ring.length - Math.PI / 2;
    return { node, x: Math.cos(angle), y: Math.sin(angle) };
  });
}

const isUp = ({ status }: SwarmNode): boolean => status === 'self' || status === 'alive';

/** Each link once, whichever end told of it; alive while both its ends are. */
export function edgesOf(places: readonly Place[]): Edge[] {
  const byId = new Map(places.map((place) => [place.node.id, place]));
  const edges = new Map<string, Edge>();
  for (const from of places) {
    for (const id of from.node.links) {
      const to = byId.get(id);
      if (to === undefined) continue;
      const key = [from.node.id, id].toSorted((a, b) => (a < b ? -1 : 1)).join(' ');
      edges.set(key, { key, from, to, isAlive: isUp(from.node) && isUp(to.node) });
    }
  }
  return [...edges.values()];
}
