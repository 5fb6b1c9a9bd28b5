/** Whom this node knows to be part of the swarm lately, and which of them vote on a new task. */
import { z } from 'zod';
import type { NodeId } from './brand.ts';
import { nodeIdOf } from './brand.ts';
import type { World } from './world.ts';

/** A node met within this time counts as a member, also after a restart: else every task of a node's first minute would have one voter. */
const MET_WITHIN_MS = 10 * 60_000;
/** How exact the remembered time is: a flapping link must not write at each flap. */
const WRITE_AGAIN_MS = 60_000;

const metKey = (node: NodeId): string => `met/${node}`;

export class Members {
  private readonly world: World;
  /** Wall time, because it outlives this process. */
  private readonly metWallMs = new Map<NodeId, number>();

  constructor(world: World) {
    this.world = world;
    for (const { key, value } of world.store.localRows('meta')) {
      const wallMs = z.number().safeParse(value);
      if (key.startsWith('met/') && wallMs.success) this.metWallMs.set(nodeIdOf(key.slice(4)), wallMs.data);
    }
  }

  /** A link came or went: the node was there just now. */
  met(node: NodeId): void {
    const { wallMs } = this.world;
    const before = this.metWallMs.get(node);
    this.metWallMs.set(node, wallMs);
    if (before === undefined || wallMs - before > WRITE_AGAIN_MS) {
      this.world.persistSoon({ table: 'meta', key: metKey(node), value: wallMs });
    }
  }

  /** Other nodes that are linked, or were within the last ten minutes and may come back. */
  others(): NodeId[] {
    const { links, self, excluded } = this.world;
    const since = this.world.wallMs - MET_WITHIN_MS;
    const met = [...this.metWallMs].flatMap(([node, wallMs]) => (wallMs >= since && !this.isGone(node) ? [node] : []));
    return [...new Set([...links, ...met])].filter((node) => node !== self && !excluded.has(node));
  }

  /** An operator took it out, or its place was taken by a node made from its backup: what it would vote on might never be decided. */
  private isGone(node: NodeId): boolean {
    if (this.world.excluded.has(node)) return true;
    return !this.world.links.has(node) && this.world.store.get('node', node)?.replacedBy !== undefined;
  }

  /** Home first; three from two other members on, five from four others on, else home alone. The others by rendezvous hash of `key`. */
  votersFor(key: string): NodeId[] {
    const { self, crypto, settings } = this.world;
    const others = this.others();
    const wanted = others.length >= 4 ? 5 : others.length >= 2 ? 3 : 1;
    const count = Math.min(wanted, settings.votersMax) - 1;
    const ranked = others
      .map((node) => ({ node, weight: crypto.sha256(`${key} ${node}`) }))
      .toSorted((a, b) => (a.weight < b.weight ? -1 : 1));
    return [self, ...ranked.slice(0, count).map(({ node }) => node)];
  }
}
