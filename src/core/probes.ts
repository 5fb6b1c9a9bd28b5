/**
 * Questions whether a node is there: whom to ask when, how long to wait, and whether this node is in a state to judge. Twice a second each node
 * asks some of its links that it has not heard of lately; one that is silent is asked once more through others. A node that is late itself judges
 * nobody: what it did not read says nothing (Lifeguard's local health).
 */
import type { NodeId } from './brand.ts';
import { RoundTrips } from './round-trips.ts';
import type { World } from './world.ts';

const TICK_MS = 500;
/** Links asked a tick: with any number of nodes each is asked four times a second by somebody. */
const ASKED_A_TICK = 2;
/** How many others ask on one's behalf. */
const HELPERS = 3;
/** The way through others is longer. */
const INDIRECT_FACTOR = 1.5;
/** A timer that comes later than this: the machine is busy, or this process was stopped. */
const LATE_MS = 150;
/** Waits grow by one length for each mark against this node's own health, up to so many. */
const UNWELL_MAX = 4;

/** What is needed of a node here; {@link World} has it all. */
export type ProbeWorld = Pick<World, 'self' | 'nowMs' | 'random' | 'links' | 'timers' | 'tell' | 'roundTripMs'>;

type ProbesOptions = {
  /** A linked node says that it is linked with that one. */
  isLinked: (link: NodeId, node: NodeId) => boolean;
  /** Sends question `id` about `node` to `via`. */
  send: (id: number, node: NodeId, via: readonly NodeId[]) => void;
  /** Others suspect it already: they asked around. */
  isAccused: (node: NodeId) => boolean;
  /** It did not answer, neither by itself nor through others. */
  onSilent: (node: NodeId) => void;
  /** This node was late by so much. */
  onLate: (lateMs: number) => void;
};

type Way = 'direct' | 'indirect';
type Asked = { node: NodeId; way: Way; sentMs: number; deadlineMs: number };

export class Probes {
  private readonly world: ProbeWorld;
  private readonly options: ProbesOptions;
  private readonly trips = new RoundTrips();
  /** Links that spoke of membership: an older version does not, and is not asked. */
  private readonly speaking = new Set<NodeId>();
  /** Questions without an answer, by number. At most one a node. */
  private readonly asked = new Map<number, Asked>();
  private readonly heardMs = new Map<NodeId, number>();
  private round: NodeId[] = [];
  private next = 0;
  private tickMs = 0;
  /** Marks against this node's own health. */
  private unwell = 0;

  constructor(world: ProbeWorld, options: ProbesOptions) {
    this.world = world;
    this.options = options;
  }

  onLinkUp(node: NodeId): void {
    this.heardMs.set(node, this.world.nowMs);
    if (!this.world.timers.has('member:tick')) this.tickAt(this.world.nowMs + this.world.random() * TICK_MS);
  }

  onLinkDown(node: NodeId): void {
    this.heardMs.delete(node);
    this.speaking.delete(node);
    this.trips.forget(node);
    for (const [id, one] of this.asked) if (one.node === node) this.close(id);
  }

  /** Any frame of a linked node is a sign of life. */
  onHeard(from: NodeId): void {
    this.heardMs.set(from, this.world.nowMs);
  }

  onSpoke(from: NodeId): void {
    this.speaking.add(from);
  }

  heardSince(node: NodeId, sinceMs: number): boolean {
    return (this.heardMs.get(node) ?? Number.NEGATIVE_INFINITY) > sinceMs;
  }

  /** A mark against this node's health: somebody took it for dead. */
  worsen(): void {
    this.unwell = Math.min(UNWELL_MAX, this.unwell + 1);
  }

  /** `member:tick` */
  onTick(): void {
    const { world } = this;
    if (world.links.size === 0) return;
    this.checkLate(this.tickMs);
    this.tickAt(world.nowMs + TICK_MS);
    for (let count = 0, looked = 0; count < ASKED_A_TICK && looked < world.links.size; looked++) {
      const node = this.nextLink();
      if (node === undefined) return;
      if (this.heardSince(node, world.nowMs - TICK_MS)) continue;
      if (this.askDirectly(node)) count += 1;
    }
  }

  /** False when it is asked already, or does not know the question. */
  askDirectly(node: NodeId): boolean {
    if (!this.speaking.has(node) || this.isAsked(node)) return false;
    this.ask(node, 'direct', [node]);
    return true;
  }

  /** False when nobody can ask on this node's behalf. */
  askThroughOthers(node: NodeId): boolean {
    const helpers = this.helpersFor(node);
    if (helpers.length > 0 && !this.isAsked(node)) this.ask(node, 'indirect', helpers);
    return helpers.length > 0;
  }

  /** An answer of `node`, by whichever link. `stalled`: others got it over a link that this node has as well. */
  answered(id: number, node: NodeId, link: NodeId): 'unasked' | 'direct' | 'stalled' | 'indirect' {
    const asked = this.asked.get(id);
    if (asked?.node !== node) return 'unasked';
    this.close(id);
    this.unwell = Math.max(0, this.unwell - 1);
    if (link === node) {
      if (asked.way === 'direct') this.trips.took(node, this.world.nowMs - asked.sentMs);
      return 'direct';
    }
    return this.world.links.has(node) ? 'stalled' : 'indirect';
  }

  /** `member:asked:<id>` */
  onDeadline(id: number): void {
    const asked = this.asked.get(id);
    if (asked === undefined || this.checkLate(asked.deadlineMs) || asked.deadlineMs > this.world.nowMs) return;
    this.close(id);
    const { node, way, sentMs } = asked;
    if (this.heardSince(node, sentMs)) return;
    if (way === 'direct' && !this.options.isAccused(node) && this.askThroughOthers(node)) return;
    if (this.isDeaf(node, sentMs)) this.ask(node, 'direct', [node]);
    else this.options.onSilent(node);
  }

  /** True when this node comes later than it meant to: then every wait begins anew, as answers may lie unread. */
  checkLate(dueMs: number): boolean {
    const lateMs = this.world.nowMs - dueMs;
    if (lateMs <= LATE_MS) return false;
    this.worsen();
    for (const [id, one] of this.asked) this.waitFor(id, one);
    this.options.onLate(lateMs);
    return true;
  }

  private tickAt(atMs: number): void {
    this.tickMs = atMs;
    this.world.timers.set('member:tick', atMs);
  }

  /** All links in turn, in an order that is drawn anew each round: no node waits longer than two rounds. */
  private nextLink(): NodeId | undefined {
    if (this.round.length === 0) this.round = this.drawn([...this.world.links]);
    return this.round.pop();
  }

  private drawn(nodes: readonly NodeId[]): NodeId[] {
    const ranked = nodes.map((node) => ({ node, rank: this.world.random() }));
    return ranked.toSorted((a, b) => a.rank - b.rank).map(({ node }) => node);
  }

  private ask(node: NodeId, way: Way, via: readonly NodeId[]): void {
    this.next += 1;
    const asked: Asked = { node, way, sentMs: this.world.nowMs, deadlineMs: 0 };
    this.asked.set(this.next, asked);
    this.waitFor(this.next, asked);
    this.options.send(this.next, node, via);
  }

  private waitFor(id: number, one: Asked): void {
    const factor = (1 + this.unwell) * (one.way === 'indirect' ? INDIRECT_FACTOR : 1);
    one.deadlineMs = this.world.nowMs + this.trips.waitMs(one.node, this.world.roundTripMs(one.node)) * factor;
    this.world.timers.set(`member:asked:${id}`, one.deadlineMs);
  }

  private close(id: number): void {
    this.asked.delete(id);
    this.world.timers.clear(`member:asked:${id}`);
  }

  private isAsked(node: NodeId): boolean {
    for (const one of this.asked.values()) if (one.node === node) return true;
    return false;
  }

  private helpersFor(node: NodeId): NodeId[] {
    const able = [...this.speaking].filter((link) => link !== node && this.options.isLinked(link, node));
    return this.drawn(able).slice(0, HELPERS);
  }

  /** Nobody else was heard either: it may be this node that is cut off. It asks again, more patiently each time, before it accuses. */
  private isDeaf(node: NodeId, sinceMs: number): boolean {
    const others = [...this.speaking].filter((link) => link !== node);
    // Two nodes that have nothing to say are quiet for as long as this.
    const soonestMs = Math.min(sinceMs, this.world.nowMs - 2 * TICK_MS);
    if (others.length === 0 || others.some((link) => this.heardSince(link, soonestMs))) return false;
    if (this.unwell >= UNWELL_MAX || !this.world.links.has(node)) return false;
    this.worsen();
    return true;
  }
}
