/**
 * Who is there, in the field's words: a table of nodes that are alive, suspect, dead or have left, after SWIM (Das, Gupta, Motivala, 2002) with
 * Lifeguard's suspicion (Dadgar, Phillips, Currey, 2017). It is shown, and who is to work is chosen by it; it never ends an attempt and never
 * frees a task. Who is probed, and when, is in prober.ts.
 */
import type { NodeId } from './brand.ts';
import type { MemberState, Rumour } from './schema/frame.ts';

/** A suspicion that as many others share as are needed becomes death after this; one that nobody shares waits for the second. */
const SUSPECT_MIN_MS = 1_000;
const SUSPECT_MAX_MS = 5_000;
/** So many others have to share a suspicion; fewer where there are fewer. */
const CONFIRMATIONS = 2;
/** Nodes remembered: a swarm of ten thousand twice over. A peer that makes up nodes must not fill the memory. */
const MEMBERS_MAX = 20_000;
/** Recoveries within about a minute after which a node has to be steady for a while before it is trusted again, and for how long. */
const FLAPS_MAX = 3;
const FLAPS_HALF_LIFE_MS = 60_000;
const STEADY_MIN_MS = 2_500;
const STEADY_MAX_MS = 20_000;

type Member = {
  state: MemberState;
  /** Counted up by the node itself, each time it contradicts a suspicion. */
  incarnation: number;
  /** When a suspicion began. */
  sinceMs: number;
  /** Who suspects it. */
  accusers: Set<NodeId>;
  /** Recoveries, each worth half after {@link FLAPS_HALF_LIFE_MS}. */
  flaps: number;
  flapMs: number;
  /** It is shown as suspect until then, though it answers: it came and went too often. */
  steadyMs: number;
};

export class Membership {
  private readonly self: NodeId;
  private readonly members = new Map<NodeId, Member>();
  /** This node's own; see {@link refute}. */
  incarnation = 0;

  constructor(self: NodeId) {
    this.self = self;
  }

  /** As it is known; undefined for a node that nobody has spoken of. */
  rumourOf(node: NodeId): Rumour | undefined {
    const held = this.members.get(node);
    return held === undefined ? undefined : { node, state: held.state, incarnation: held.incarnation };
  }

  /** As it is shown: a node that flaps is suspect until it has been steady for a while. */
  shown(node: NodeId, nowMs: number): MemberState | undefined {
    const held = this.members.get(node);
    return held?.state === 'alive' && held.steadyMs > nowMs ? 'suspect' : held?.state;
  }

  nodes(): NodeId[] {
    return [...this.members.keys()];
  }

  /** Nodes that are not alive, for a peer that may not have heard of it. */
  absent(limit: number): Rumour[] {
    const found: Rumour[] = [];
    for (const [node, { state, incarnation }] of this.members) {
      if (found.length >= limit) break;
      if (state !== 'alive') found.push({ node, state, incarnation });
    }
    return found;
  }

  /** A link to it was made just now, so it lives, whatever is said. True when that is news. */
  linked(node: NodeId, nowMs: number): boolean {
    const held = this.member(node);
    if (held === undefined || held.state === 'alive') return false;
    this.recover(held, nowMs);
    return true;
  }

  /**
   * Takes in what somebody says of another node. True when it changed the state or added an accuser: then it is worth passing on. Among
   * equal incarnations the worse state holds; only the node itself makes a higher one.
   */
  hear(rumour: Rumour, by: NodeId, nowMs: number): boolean {
    const { node, state, incarnation } = rumour;
    if (node === this.self) return false;
    const known = this.members.has(node);
    const held = this.member(node);
    if (held === undefined) return false;
    switch (state) {
      case 'alive':
        if (known && incarnation <= held.incarnation) return false;
        held.incarnation = incarnation;
        if (held.state === 'alive') return !known;
        this.recover(held, nowMs);
        return true;
      case 'suspect':
        return this.suspect(held, { by, incarnation, nowMs });
      case 'dead':
      case 'left':
        if (incarnation < held.incarnation || held.state === state || held.state === 'left') return false;
        Object.assign(held, { state, incarnation });
        held.accusers.clear();
        return true;
    }
  }

  /** This node's own suspicion. True when it is news. */
  accuse(node: NodeId, nowMs: number): boolean {
    const held = this.member(node);
    return held !== undefined && this.suspect(held, { by: this.self, incarnation: held.incarnation, nowMs });
  }

  isAccusedByOthers(node: NodeId): boolean {
    const held = this.members.get(node);
    return held?.state === 'suspect' && [...held.accusers].some((accuser) => accuser !== this.self);
  }

  /**
   * When a suspect becomes dead; undefined for a node that is no suspect. Lifeguard: from the longest time down to the shortest, the nearer to
   * it the more others share the suspicion. `others`: links that could.
   */
  deadMs(node: NodeId, others: number): number | undefined {
    const held = this.members.get(node);
    if (held?.state !== 'suspect') return undefined;
    const needed = Math.min(CONFIRMATIONS, others);
    const confirmed = Math.min(needed, Math.max(0, held.accusers.size - 1));
    const share = needed === 0 ? 1 : Math.log(confirmed + 1) / Math.log(needed + 1);
    // Where all are linked with all, news takes one round; else one more for each decimal digit by which the swarm is larger.
    const scale = 1 + Math.max(0, Math.log10(this.members.size / Math.max(1, others + 1)));
    return held.sinceMs + scale * (SUSPECT_MAX_MS - (SUSPECT_MAX_MS - SUSPECT_MIN_MS) * share);
  }

  /** Nobody contradicted the suspicion in time. */
  bury(node: NodeId): void {
    const held = this.members.get(node);
    if (held === undefined) return;
    held.state = 'dead';
    held.accusers.clear();
  }

  /** This node was not run for a while: what it did not hear meanwhile says nothing. */
  postpone(lateMs: number): void {
    for (const held of this.members.values()) if (held.state === 'suspect') held.sinceMs += lateMs;
  }

  suspects(): NodeId[] {
    return [...this.members].flatMap(([node, { state }]) => (state === 'suspect' ? [node] : []));
  }

  /** Somebody says that this very node is not alive. True when it has to be contradicted: the incarnation is above theirs then. */
  refute(rumour: Rumour): boolean {
    if (rumour.state === 'alive' || rumour.incarnation < this.incarnation) return false;
    this.incarnation = rumour.incarnation + 1;
    return true;
  }

  /** Until when it is held back for coming and going; undefined when it is not. */
  steadyMs(node: NodeId, nowMs: number): number | undefined {
    const steadyMs = this.members.get(node)?.steadyMs;
    return steadyMs === undefined || steadyMs <= nowMs ? undefined : steadyMs;
  }

  private member(node: NodeId): Member | undefined {
    const held = this.members.get(node);
    if (held !== undefined || this.members.size >= MEMBERS_MAX) return held;
    const made: Member = {
      state: 'alive',
      incarnation: 0,
      sinceMs: 0,
      accusers: new Set(),
      flaps: 0,
      flapMs: 0,
      steadyMs: 0,
    };
    this.members.set(node, made);
    return made;
  }

  private suspect(held: Member, o: { by: NodeId; incarnation: number; nowMs: number }): boolean {
    if (o.incarnation < held.incarnation || held.state === 'dead' || held.state === 'left') return false;
    if (held.state === 'alive') held.sinceMs = o.nowMs;
    else if (held.accusers.has(o.by)) return false;
    held.state = 'suspect';
    held.incarnation = o.incarnation;
    held.accusers.add(o.by);
    return true;
  }

  /** One that had left comes back as a new start: that is no flapping. */
  private recover(held: Member, nowMs: number): void {
    if (held.state !== 'left') {
      held.flaps = held.flaps * 2 ** ((held.flapMs - nowMs) / FLAPS_HALF_LIFE_MS) + 1;
      held.flapMs = nowMs;
      if (held.flaps > FLAPS_MAX)
        held.steadyMs = nowMs + Math.min(STEADY_MAX_MS, STEADY_MIN_MS * 2 ** (held.flaps - FLAPS_MAX));
    }
    held.state = 'alive';
    held.accusers.clear();
  }
}
