/**
 * Finds out who is there. 1. A link that is silent is asked, then asked through others, so that one cut link accuses nobody (probes.ts). 2. No
 * answer either way: it is suspect, and everybody is told, itself included. 3. Whoever hears it asks it at once; it may contradict, by a higher
 * incarnation. 4. Else it is dead, the sooner the more share the suspicion (membership.ts), and its link is given up.
 */
import type { NodeId } from './brand.ts';
import { nodeIdOf } from './brand.ts';
import { Membership } from './membership.ts';
import type { ProbeWorld } from './probes.ts';
import { Probes } from './probes.ts';
import { Rumours, RUMOURS_MAX } from './rumours.ts';
import type { Frame, MemberState, Probe, ProbeAnswer, Rumour } from './schema/frame.ts';
import { FRAME } from './schema/frame.ts';

/** Who was heard so lately is not taken for dead on hearsay. */
const FRESH_MS = 600;
/** A closed link may be one that is replaced, or closed everywhere: so long until it is judged. */
const GONE_MS = 100;
/** A link over which so many questions in a row were answered only through others is given up, to be made anew. */
const STALLED_MAX = 3;

type DetectorOptions = {
  /** A linked node says that it is linked with that one. */
  isLinked: (link: NodeId, node: NodeId) => boolean;
  /** A node is shown in another state from now on. */
  onChange: (node: NodeId, state: MemberState) => void;
  /** Not all are linked, and nobody knows that it cannot be dialled: that it is not linked says nothing. */
  mayDial?: (node: NodeId) => boolean;
  /** The link leads nowhere: close it, and dial anew. */
  unlink: (node: NodeId, why: string) => void;
};

export class Detector {
  private readonly world: ProbeWorld;
  private readonly options: DetectorOptions;
  private readonly members: Membership;
  private readonly probes: Probes;
  private readonly rumours = new Rumours();
  /** Questions in a row that a link did not answer by itself. */
  private readonly stalled = new Map<NodeId, number>();
  private readonly told = new Map<NodeId, MemberState>();

  constructor(world: ProbeWorld, options: DetectorOptions) {
    this.world = world;
    this.options = options;
    this.members = new Membership(world.self);
    this.probes = new Probes(world, {
      isLinked: options.isLinked,
      send: (id, node, via) => this.send(id, node, via),
      isAccused: (node) => this.members.isAccusedByOthers(node),
      onSilent: (node) => this.accuse(node),
      onLate: (lateMs) => this.onLate(lateMs),
    });
  }

  /** As shown to people, and to whoever chooses who is to work; undefined for a node that nobody spoke of. */
  shown(node: NodeId): MemberState | undefined {
    return this.members.shown(node, this.world.nowMs);
  }

  nodes(): NodeId[] {
    return this.members.nodes();
  }

  onLinkUp(node: NodeId): void {
    const { world, members } = this;
    this.probes.onLinkUp(node);
    const before = members.rumourOf(node);
    if (before === undefined) members.hear({ node, state: 'alive', incarnation: 0 }, node, world.nowMs);
    else members.linked(node, world.nowMs);
    this.show(node);
    // It hears what was said of it, so that it can contradict, and who is missing.
    const accused = before === undefined || before.state === 'alive' ? [] : [before];
    this.announce([node], [...accused, ...members.absent(RUMOURS_MAX)]);
  }

  onLinkDown(node: NodeId): void {
    this.stalled.delete(node);
    this.probes.onLinkDown(node);
    this.world.timers.set(`member:gone:${node}`, this.world.nowMs + GONE_MS);
    this.onReach();
  }

  /** Somebody's links changed: who is alive and linked with nobody any more is looked after. */
  onReach(): void {
    for (const node of this.members.nodes())
      if (this.members.rumourOf(node)?.state === 'alive' && !this.isWithinReach(node))
        this.world.timers.setEarlier(`member:gone:${node}`, this.world.nowMs + GONE_MS);
  }

  /** Any frame of a linked node is a sign of life. */
  onHeard(from: NodeId): void {
    this.probes.onHeard(from);
  }

  onFrame(from: NodeId, frame: Probe | ProbeAnswer): void {
    const { world } = this;
    this.probes.onSpoke(from);
    if (frame.to !== world.self) {
      if (frame.from === from && world.links.has(frame.to)) world.tell([frame.to], frame);
      return;
    }
    this.hear({ node: frame.from, state: 'alive', incarnation: frame.incarnation }, frame.from);
    for (const rumour of frame.news) this.hear(rumour, frame.from);
    if (frame.type === FRAME.probe)
      return world.tell([from], this.frame({ type: FRAME.probeAnswer, id: frame.id, to: frame.from, news: [] }));
    const way = this.probes.answered(frame.id, frame.from, from);
    if (way === 'direct') this.stalled.delete(from);
    else if (way === 'stalled') this.onStalled(frame.from);
  }

  /** `member:…` */
  onTimer(name: string): void {
    const [, kind, key = ''] = name.split(':');
    if (kind === 'tick') this.probes.onTick();
    else if (kind === 'asked') this.probes.onDeadline(Number(key));
    else if (kind === 'gone') this.onLost(nodeIdOf(key));
    else if (kind === 'suspect') this.onSuspectTimer(nodeIdOf(key));
    else this.show(nodeIdOf(key));
  }

  /** A link was closed a moment ago, here or at a neighbour, and not replaced; or the node cannot be dialled. */
  onLost(node: NodeId): void {
    if (this.world.links.has(node) || this.members.rumourOf(node)?.state !== 'alive') return;
    if (this.options.mayDial?.(node) === true) return;
    if (!this.probes.askThroughOthers(node)) this.accuse(node);
  }

  /** This node stops on purpose: its last words. */
  leaving(): { to: NodeId; frame: Frame }[] {
    const news: Rumour[] = [{ node: this.world.self, state: 'left', incarnation: this.members.incarnation }];
    return [...this.world.links].map((to) => ({
      to,
      frame: this.frame({ type: FRAME.probeAnswer, id: 0, to, news }),
    }));
  }

  private hear(said: Rumour, by: NodeId): void {
    const { world, members } = this;
    const rumour = this.tempered(said);
    const { node, state, incarnation } = rumour;
    if (node === world.self) return this.answerFor(rumour);
    const isAccusation = state === 'suspect' || state === 'dead';
    if (isAccusation && this.isHeard(node)) {
      // It lives; whoever cannot hear it is to hear it contradict.
      if (incarnation >= (members.rumourOf(node)?.incarnation ?? 0)) this.announce([node], [rumour]);
      return;
    }
    if (!members.hear(rumour, by, world.nowMs)) return;
    this.rumours.add(rumour);
    this.show(node);
    if (state !== 'suspect') return;
    this.setSuspectTimer(node);
    if (world.links.has(node)) this.probes.askDirectly(node);
  }

  /**
   * Of a node to which a link stands, the first that is said to be dead makes a suspect: who says so may have been cut off from it, and comes back. It
   * is asked, and contradicts. Said by one more, or not contradicted, it is believed.
   */
  private tempered(said: Rumour): Rumour {
    const isTrusted = (this.members.rumourOf(said.node)?.state ?? 'alive') === 'alive';
    return said.state === 'dead' && isTrusted && this.world.links.has(said.node) ? { ...said, state: 'suspect' } : said;
  }

  /** It is said that this node is not there. */
  private answerFor(rumour: Rumour): void {
    if (!this.members.refute(rumour)) return;
    this.probes.worsen();
    const { self, links } = this.world;
    this.announce([...links], [{ node: self, state: 'alive', incarnation: this.members.incarnation }]);
  }

  private accuse(node: NodeId): void {
    const { members, world } = this;
    if (!members.accuse(node, world.nowMs)) return;
    this.setSuspectTimer(node);
    this.spread(node);
    this.show(node);
  }

  /** To all links at once, the node itself included; those beyond hear it by and by. */
  private spread(node: NodeId): void {
    const rumour = this.members.rumourOf(node);
    if (rumour === undefined) return;
    this.rumours.add(rumour);
    this.announce([...this.world.links], [rumour]);
  }

  private setSuspectTimer(node: NodeId): void {
    const deadMs = this.deadMs(node);
    if (deadMs !== undefined) this.world.timers.set(`member:suspect:${node}`, Math.max(deadMs, this.world.nowMs));
  }

  private deadMs(node: NodeId): number | undefined {
    const { links } = this.world;
    return this.members.deadMs(node, links.size - (links.has(node) ? 1 : 0));
  }

  private onSuspectTimer(node: NodeId): void {
    const { world, members } = this;
    const deadMs = this.deadMs(node);
    if (deadMs === undefined || this.probes.checkLate(deadMs)) return;
    if (deadMs > world.nowMs) return this.setSuspectTimer(node);
    if (this.isHeard(node)) {
      // Its word against the suspicion is on the way, or was lost.
      world.timers.set(`member:suspect:${node}`, world.nowMs + FRESH_MS);
      return this.spread(node);
    }
    members.bury(node);
    this.spread(node);
    this.show(node);
    if (world.links.has(node)) this.options.unlink(node, 'it does not answer');
  }

  private onLate(lateMs: number): void {
    this.members.postpone(lateMs);
    for (const node of this.members.suspects()) this.setSuspectTimer(node);
  }

  private onStalled(node: NodeId): void {
    const stalled = (this.stalled.get(node) ?? 0) + 1;
    this.stalled.set(node, stalled);
    if (stalled >= STALLED_MAX) this.options.unlink(node, 'it answers others, but not over this link');
  }

  private isHeard(node: NodeId): boolean {
    const { links, nowMs } = this.world;
    return links.has(node) && this.probes.heardSince(node, nowMs - FRESH_MS);
  }

  private isWithinReach(node: NodeId): boolean {
    if (this.world.links.has(node)) return true;
    for (const link of this.world.links) if (this.options.isLinked(link, node)) return true;
    return false;
  }

  private show(node: NodeId): void {
    const { members, world } = this;
    const state = members.shown(node, world.nowMs);
    const steadyMs = members.steadyMs(node, world.nowMs);
    if (steadyMs !== undefined) world.timers.set(`member:steady:${node}`, steadyMs);
    if (state === undefined || this.told.get(node) === state) return;
    this.told.set(node, state);
    this.options.onChange(node, state);
  }

  private send(id: number, node: NodeId, via: readonly NodeId[]): void {
    // One that is suspected learns it by the question, and may contradict.
    const held = this.members.rumourOf(node);
    const news = held === undefined || held.state === 'alive' ? [] : [held];
    this.world.tell(via, this.frame({ type: FRAME.probe, id, to: node, news }));
  }

  private announce(to: readonly NodeId[], news: readonly Rumour[]): void {
    for (const node of to)
      this.world.tell([node], this.frame({ type: FRAME.probeAnswer, id: 0, to: node, news: [...news] }));
  }

  private frame<T extends Probe['type'] | ProbeAnswer['type']>(o: {
    type: T;
    id: number;
    to: NodeId;
    news: Rumour[];
  }): { type: T; id: number; from: NodeId; to: NodeId; incarnation: number; news: Rumour[] } {
    const news = [...o.news, ...this.rumours.take(this.members.nodes().length)];
    const { type, id, to } = o;
    return { type, id, from: this.world.self, to, incarnation: this.members.incarnation, news };
  }
}
