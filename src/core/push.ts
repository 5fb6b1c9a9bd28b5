/**
 * Push: how new ops spread. Where all are linked with all, an author sends each batch to all links, and whoever gets a new one passes it on to links
 * that are not linked with the author. In a larger swarm it goes along the author's tree (`tree.ts`): pushed to children, told to the other
 * neighbours (`adverts.ts`), who ask for it when it does not come. What is lost all the same is found by repair (`sync.ts`).
 */
import { Adverts } from './adverts.ts';
import type { NodeId } from './brand.ts';
import type { Op } from './op.ts';
import { batches, frameOf } from './op-frame.ts';
import type { Overlay } from './overlay.ts';
import type { PresenceBoard } from './presence.ts';
import { FRAME } from './schema/frame.ts';
import type { Graft, Have, Prune } from './schema/tree-frame.ts';
import { TREE_AUTHORS_MAX } from './schema/tree-frame.ts';
import { Trees } from './tree.ts';
import type { Outgoing } from './turn.ts';
import type { World } from './world.ts';

/** Adverts gather for so long: one small frame a link, whatever comes meanwhile. */
const HAVE_MS = 40;
/** How long an op that others have may still come from the parent. Some hops of a slow network. */
const GRAFT_MS = 200;
/** The answer to a graft is one round trip away: after this the next neighbour is asked. */
const GRAFT_AGAIN_MS = 250;
/** Neighbours that are remembered to have an op, and authors of which something is missing. */
const OFFERS_MAX = 8;
const MISSING_MAX = 4_096;
const HOPS_MAX = 255;
/** Whoever lacks so many ops of an author missed a moment; who lacks more was away, and so were not those that it pushes to. */
const RECENT_OPS = 32;

type Missing = { seq: number; offers: NodeId[]; dueMs: number };

/** What push needs of the world it runs in: the simulator of ten thousand nodes has a smaller one. */
export type PushWorld = Pick<World, 'self' | 'links' | 'timers' | 'nowMs' | 'turn' | 'send' | 'afterWrite'> & {
  readonly log: { head(author: NodeId): { seq: number } };
};

export type PushOptions = {
  overlay: Pick<Overlay, 'isBounded' | 'isNeighbour'>;
  presence: Pick<PresenceBoard, 'isLinked'>;
  /** Sends a page of the author's ops after that number, as pushed ones where `hops` is given. */
  answer: (peer: NodeId, o: { author: NodeId; after: number; hops: number | undefined }) => void;
};

export class Push {
  private readonly world: PushWorld;
  private readonly options: PushOptions;
  private readonly trees = new Trees();
  private readonly adverts = new Adverts();
  private readonly missing = new Map<NodeId, Missing>();

  constructor(world: PushWorld, options: PushOptions) {
    this.world = world;
    this.options = options;
  }

  /** The frames of own ops that are on disk now. */
  own(ops: readonly Op[]): Outgoing[] {
    const { world } = this;
    const bounded = this.options.overlay.isBounded();
    if (bounded) this.trees.root(world.self, this.neighbours());
    const to = bounded ? this.linked(this.trees.children(world.self)) : [...world.links];
    return batches(ops).flatMap((batch) => {
      if (bounded) this.advertise(world.self, { ops: batch, hops: 0, holders: to });
      const frame = frameOf(batch, bounded ? { hops: 1 } : {});
      return frame === undefined || to.length === 0 ? [] : [{ to, frame }];
    });
  }

  /**
   * New ops that `from` sent: they leave before this node's own commit. `hops` undefined: they came in answer to a question. True when they are
   * passed on to anybody at once.
   */
  relay(from: NodeId, author: NodeId, o: { ops: readonly Op[]; hops: number | undefined }): boolean {
    const { world, trees } = this;
    const { ops, hops } = o;
    if (!this.options.overlay.isBounded()) return this.relayToAll(from, author, ops);
    // What was missing here for long may be known everywhere else: only those who lack it ask for it.
    if (hops === undefined) {
      this.advertise(author, { ops, hops: HOPS_MAX, holders: [from, author] });
      return false;
    }
    const seq = ops.at(-1)?.header.seq ?? 0;
    trees.onNew(author, { from, seq, hops, neighbours: this.neighbours(), nowMs: world.nowMs });
    const to = this.linked(trees.children(author)).filter((link) => link !== from && link !== author);
    const frame = frameOf(ops, { hops: Math.min(hops + 1, HOPS_MAX) });
    if (frame !== undefined && to.length > 0) world.turn.relays.push({ to, frame });
    this.advertise(author, { ops, hops, holders: [from, author, ...to] });
    return to.length > 0;
  }

  /** A batch of which everything was known was pushed here: its sender is told to stop, unless it is the parent. */
  onRepeated(from: NodeId, author: NodeId): void {
    const { world } = this;
    if (this.trees.onRepeated(author, from, world.nowMs)) world.send([from], { type: FRAME.prune, authors: [author] });
  }

  onHave(from: NodeId, { have }: Have): void {
    const { world, trees } = this;
    const wanted: NodeId[] = [];
    for (const [author, seq, hops] of have) {
      this.adverts.known(author, from, seq);
      const parent = trees.parent(author);
      if (world.log.head(author).seq >= seq) {
        if (parent !== from && trees.isShorter(author, { seq, hops })) wanted.push(author);
      } else if (author !== world.self && this.note(author, from, seq)) {
        if (parent === undefined || !world.links.has(parent)) wanted.push(author);
      }
    }
    this.graft(from, wanted);
  }

  onGraft(from: NodeId, { want }: Graft): void {
    for (const [author, after] of want) {
      this.trees.onGraft(author, from);
      const lacking = this.world.log.head(author).seq - after;
      // It may have children that lack the same: they get it without asking, unless it has long been away.
      const hops = lacking <= RECENT_OPS ? Math.min(this.trees.hops(author) + 1, HOPS_MAX) : undefined;
      // What is pushed on before it is on disk here would be missing from a page that is read now.
      if (lacking > 0) this.world.afterWrite(() => this.options.answer(from, { author, after, hops }));
    }
  }

  onPrune(from: NodeId, { authors }: Prune): void {
    for (const author of authors) this.trees.onPrune(author, from);
  }

  onLinkUp(node: NodeId): void {
    if (this.options.overlay.isNeighbour(node)) this.trees.addChild(this.world.self, node);
  }

  onLinkDown(node: NodeId): void {
    this.trees.onLinkDown(node);
  }

  /** `have`: tells the neighbours what was not pushed to them. */
  onHaveTimer(): void {
    for (const { to, have } of this.adverts.take(this.neighbours())) this.world.send(to, { type: FRAME.have, have });
  }

  /** `graft`: what was told of and did not come is asked for, from those who told. */
  onGraftTimer(): void {
    const { world } = this;
    const wanted = new Map<NodeId, NodeId[]>();
    for (const [author, missing] of this.missing) {
      if (world.log.head(author).seq >= missing.seq) this.missing.delete(author);
      else if (missing.dueMs <= world.nowMs) {
        const from = missing.offers.find((node) => world.links.has(node));
        missing.offers = missing.offers.filter((node) => node !== from);
        // Nobody is left to ask: the next advert, or the next comparison of heads, finds it.
        if (from === undefined) this.missing.delete(author);
        else wanted.set(from, [...(wanted.get(from) ?? []), author]);
      }
    }
    for (const [from, authors] of wanted) this.graft(from, authors);
    const dueMs = Math.min(...[...this.missing.values()].map((one) => one.dueMs));
    if (Number.isFinite(dueMs)) world.timers.setEarlier('graft', dueMs);
  }

  /** Asks `from` to push these authors' ops from now on, and to send at once what is missing. */
  private graft(from: NodeId, authors: readonly NodeId[]): void {
    const { world, trees } = this;
    for (let at = 0; at < authors.length; at += TREE_AUTHORS_MAX) {
      const page = authors.slice(at, at + TREE_AUTHORS_MAX);
      for (const author of page) {
        const left = trees.setParent(author, from, world.nowMs);
        if (left !== undefined && world.links.has(left)) world.send([left], { type: FRAME.prune, authors: [author] });
        const missing = this.missing.get(author);
        if (missing !== undefined) missing.dueMs = world.nowMs + GRAFT_AGAIN_MS;
      }
      const want = page.map((author): [NodeId, number] => [author, world.log.head(author).seq]);
      world.send([from], { type: FRAME.graft, want });
      world.timers.setEarlier('graft', world.nowMs + GRAFT_AGAIN_MS);
    }
  }

  /** False where too much is missing already: repair does the rest. */
  private note(author: NodeId, from: NodeId, seq: number): boolean {
    const held = this.missing.get(author);
    if (held === undefined) {
      if (this.missing.size >= MISSING_MAX) return false;
      const dueMs = this.world.nowMs + GRAFT_MS;
      this.missing.set(author, { seq, offers: [from], dueMs });
      this.world.timers.setEarlier('graft', dueMs);
    } else {
      held.seq = Math.max(held.seq, seq);
      if (!held.offers.includes(from) && held.offers.length < OFFERS_MAX) held.offers.push(from);
    }
    return true;
  }

  /** `holders` have them, or get them pushed. */
  private advertise(author: NodeId, o: { ops: readonly Op[]; hops: number; holders: readonly NodeId[] }): void {
    const seq = o.ops.at(-1)?.header.seq;
    if (seq === undefined) return;
    this.adverts.add(author, { seq, hops: o.hops, holders: o.holders });
    this.world.timers.setEarlier('have', this.world.nowMs + HAVE_MS);
  }

  private relayToAll(from: NodeId, author: NodeId, ops: readonly Op[]): boolean {
    const { presence } = this.options;
    const frame = frameOf(ops);
    const to = [...this.world.links].filter(
      (link) => link !== from && link !== author && !presence.isLinked(link, author) && !presence.isLinked(link, from),
    );
    if (frame === undefined || to.length === 0) return false;
    this.world.turn.relays.push({ to, frame });
    return true;
  }

  private neighbours(): NodeId[] {
    return [...this.world.links].filter((link) => this.options.overlay.isNeighbour(link));
  }

  private linked(nodes: ReadonlySet<NodeId>): NodeId[] {
    return [...nodes].filter((node) => this.world.links.has(node));
  }
}
