/**
 * With whom this node keeps links. Up to a number of members everybody is linked with everybody; above it a node keeps links to its neighbours on
 * the rings, and dials others on demand: for a call, for the voters of what it works on. The members are known from the log, so nobody has to
 * gossip about them: they are the passive view of HyParView (Leitão et al., 2007), and the neighbours its active one.
 */
import type { NodeId } from './brand.ts';
import type { Op } from './op.ts';
import { isKnown } from './op.ts';
import type { Direction, Rings } from './rings.ts';
import { RINGS } from './rings.ts';
import { isMember, nodeView } from './view/node.ts';
import type { World } from './world.ts';

/** With so many members a node has as many links as it can well serve; the seed's swarms are far below. */
export const FULL_LINKS_MAX = 64;
/** Members read at the start. */
const MEMBERS_MAX = 20_000;
/** While a wanted node is not linked this node looks at its links so often; otherwise only for what is over. */
const LOOK_MS = 1_000;
const IDLE_LOOK_MS = 15_000;
/** Wanted and dialled for so long without a link: out of reach, until it links. A dial takes some round trips. */
const UNREACHED_MS = 3_000;
/** A link that was asked for stays so long: the next call is often to the same node. */
const LINGER_MS = 60_000;
/** Nodes dialled on demand at once: beyond it a call waits for nobody and fails. */
const ON_DEMAND_MAX = 128;
/** How far from its place on a ring a node looks for somebody who is there: half of the swarm may be gone, at any place of a ring. */
const WIDTH_MAX = 64;

/** One of the two sides of a place on a ring: `width` members are tried, doubled while none of them links. */
type Side = { ring: number; direction: Direction; width: number; grownMs: number };

/** What the overlay needs of the world it runs in: the simulator of ten thousand nodes has a smaller one. */
export type OverlayWorld = Pick<World, 'self' | 'links' | 'timers' | 'nowMs' | 'turn'> & {
  readonly settings: Pick<World['settings'], 'fullLinksMax'>;
  readonly store: Pick<World['store'], 'get' | 'list'>;
};

export class Overlay {
  private readonly world: OverlayWorld;
  private readonly rings: Rings;
  private readonly sides: Side[];
  /** Nodes that what this node does needs now, beside its neighbours. */
  private readonly partners: () => Iterable<NodeId>;
  private readonly keepsAll: () => boolean;
  private neighbourSet: ReadonlySet<NodeId> = new Set();
  private readonly demandedUntilMs = new Map<NodeId, number>();
  /** Since when a node is wanted and not linked. */
  private readonly missedSinceMs = new Map<NodeId, number>();
  private readonly unreached = new Set<NodeId>();
  /** What the shell was told last: the wanted nodes, sorted, or `all`. */
  private told = 'all';

  /** `keepsAll`: for now it has to reach everybody, however many there are; the check after a start asks a majority of all. */
  constructor(world: OverlayWorld, o: { rings: Rings; partners: () => Iterable<NodeId>; keepsAll: () => boolean }) {
    this.world = world;
    this.keepsAll = o.keepsAll;
    this.partners = o.partners;
    this.rings = o.rings;
    const sides: Direction[] = ['before', 'behind'];
    this.sides = Array.from({ length: RINGS }, (_, ring) =>
      sides.map((direction) => ({ ring, direction, width: 1, grownMs: 0 })),
    ).flat();
  }

  boot(): void {
    for (const row of this.world.store.list('node', { limit: MEMBERS_MAX })) if (isMember(row)) this.rings.add(row.id);
    this.refresh();
  }

  /** True while the swarm is too large for links to all. */
  isBounded(): boolean {
    return this.rings.size() > this.world.settings.fullLinksMax && !this.keepsAll();
  }

  isNeighbour(node: NodeId): boolean {
    return this.neighbourSet.has(node);
  }

  /** True for a node that is not linked but may be dialled: nobody knows that it is gone. */
  mayReach(node: NodeId): boolean {
    return this.isBounded() && this.rings.has(node) && !this.unreached.has(node);
  }

  /** Dials the node if it is not linked, and keeps the link for a while. */
  want(node: NodeId): void {
    if (!this.isBounded() || node === this.world.self) return;
    if (!this.demandedUntilMs.has(node) && this.demandedUntilMs.size >= ON_DEMAND_MAX) return;
    this.demandedUntilMs.set(node, this.world.nowMs + LINGER_MS);
    this.refresh();
  }

  onLinkUp(node: NodeId): void {
    this.missedSinceMs.delete(node);
    this.unreached.delete(node);
    // Whoever linked had a reason to, and a newcomer takes in the log over it: it is not closed at once.
    if (this.demandedUntilMs.size < ON_DEMAND_MAX) this.demandedUntilMs.set(node, this.world.nowMs + LINGER_MS);
    this.refresh();
  }

  onLinkDown(): void {
    this.refresh();
  }

  /** Committed ops may have brought a member, or taken one out. */
  onCommitted(ops: readonly Op[]): void {
    let changed = false;
    for (const op of ops) {
      if (!isKnown(op) || !nodeView.types.includes(op.body.type)) continue;
      const row = this.world.store.get('node', nodeView.key(op));
      if (row === undefined) continue;
      changed = (isMember(row) ? this.rings.add(row.id) : this.rings.remove(row.id)) || changed;
    }
    if (changed) this.refresh();
  }

  /** `links`: nodes that were wanted in vain since the last look. */
  onTimer(): NodeId[] {
    const { nowMs } = this.world;
    for (const [node, untilMs] of this.demandedUntilMs) if (untilMs <= nowMs) this.demandedUntilMs.delete(node);
    for (const side of this.sides) this.widen(side);
    this.refresh();
    const lost = [...this.missedSinceMs].flatMap(([node, sinceMs]) =>
      nowMs - sinceMs >= UNREACHED_MS && !this.unreached.has(node) ? [node] : [],
    );
    for (const node of lost) this.unreached.add(node);
    return lost;
  }

  /** Recomputes whom this node wants, and tells the shell when that changed. Idempotent. */
  refresh(): void {
    const { world } = this;
    if (!this.isBounded()) {
      this.neighbourSet = new Set();
      this.missedSinceMs.clear();
      this.unreached.clear();
      this.tell('all', undefined);
      return;
    }
    this.neighbourSet = new Set(this.sides.flatMap((side) => this.towards(side)));
    const wanted = new Set([...this.neighbourSet, ...this.demandedUntilMs.keys(), ...this.partners()]);
    wanted.delete(world.self);
    for (const node of this.missedSinceMs.keys()) if (!wanted.has(node)) this.forget(node);
    for (const node of wanted) {
      if (!world.links.has(node) && !this.missedSinceMs.has(node)) this.missedSinceMs.set(node, world.nowMs);
    }
    const nodes = [...wanted].toSorted();
    this.tell(nodes.join(' '), nodes);
    world.timers.setEarlier('links', world.nowMs + (this.missedSinceMs.size > 0 ? LOOK_MS : IDLE_LOOK_MS));
  }

  private tell(text: string, nodes: readonly NodeId[] | undefined): void {
    if (text === this.told) return;
    this.told = text;
    this.world.turn.actions.push({ kind: 'keepLinks', nodes });
  }

  private forget(node: NodeId): void {
    this.missedSinceMs.delete(node);
    this.unreached.delete(node);
  }

  /** The members on one side up to the first that is linked; as many as are tried where none is. */
  private towards(side: Side): NodeId[] {
    const near = this.rings.next(this.world.self, { ...side, limit: side.width });
    const linked = near.findIndex((node) => this.world.links.has(node));
    if (linked >= 0) side.width = linked + 1;
    return near.slice(0, side.width);
  }

  /** Nobody on this side answers: the next ones are tried too. The nearer ones stay wanted, so that a swarm that was split comes together again. */
  private widen(side: Side): void {
    const { world } = this;
    if (this.towards(side).some((node) => world.links.has(node))) {
      side.grownMs = world.nowMs;
      return;
    }
    if (world.nowMs - side.grownMs < UNREACHED_MS) return;
    side.grownMs = world.nowMs;
    side.width = Math.min(WIDTH_MAX, side.width * 2);
  }
}
