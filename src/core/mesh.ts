/** How one node takes part in the mesh: with whom it is linked, how ops come and go, and which frames of peers are about that. */
import type { NodeId } from './brand.ts';
import type { Admitted } from './log.ts';
import type { Op } from './op.ts';
import { Overlay } from './overlay.ts';
import type { PresenceBoard } from './presence.ts';
import { Push } from './push.ts';
import { Rings } from './rings.ts';
import type { Frame } from './schema/frame.ts';
import { FRAME } from './schema/frame.ts';
import { Sync } from './sync.ts';
import type { Tally } from './tally.ts';
import type { Outgoing } from './turn.ts';
import type { World } from './world.ts';

type MeshTimer = 'links' | 'compare' | 'have' | 'graft';

export const isMeshTimer = (name: string): name is MeshTimer =>
  name === 'links' || name === 'compare' || name === 'have' || name === 'graft';

export class Mesh {
  private readonly world: World;
  private readonly overlay: Overlay;
  private readonly push: Push;
  private readonly sync: Sync;

  /** `partners`: nodes that what this node does needs links to; `keepsAll`: it needs all. */
  constructor(world: World, o: { presence: PresenceBoard; partners: () => Iterable<NodeId>; keepsAll: () => boolean }) {
    this.world = world;
    this.overlay = new Overlay(world, {
      rings: new Rings((text) => world.crypto.sha256(text)),
      partners: o.partners,
      keepsAll: o.keepsAll,
    });
    this.push = new Push(world, {
      overlay: this.overlay,
      presence: o.presence,
      answer: (peer, o) => this.sync.answer(peer, o),
    });
    this.sync = new Sync(world, this.push);
    world.mayReach = (node) => this.overlay.mayReach(node);
    world.wantLink = (node) => this.overlay.want(node);
  }

  boot(): void {
    this.overlay.boot();
  }

  onLinkUp(node: NodeId): void {
    this.overlay.onLinkUp(node);
    this.push.onLinkUp(node);
    this.sync.onLinkUp(node);
  }

  onLinkDown(node: NodeId): void {
    this.sync.onLinkDown(node);
    this.push.onLinkDown(node);
    this.overlay.onLinkDown();
  }

  /** A peer's queue overflowed and has drained: what it missed is found by comparing heads. */
  onDrained(node: NodeId): void {
    if (this.world.links.has(node)) this.sync.onLinkUp(node);
  }

  /** What became of the ops in the frame; undefined for a frame that is not of the mesh. */
  onFrame(from: NodeId, frame: Frame): Admitted[] | undefined {
    switch (frame.type) {
      case FRAME.heads:
        this.sync.onHeads(from, frame);
        return [];
      case FRAME.have:
        this.push.onHave(from, frame);
        return [];
      case FRAME.graft:
        this.push.onGraft(from, frame);
        return [];
      case FRAME.prune:
        this.push.onPrune(from, frame);
        return [];
      case FRAME.ops:
        return this.sync.onBatch(from, frame, { more: frame.more ?? false, hops: frame.hops });
      default:
        if (!('op' in frame)) return undefined;
        return this.sync.onBatch(from, { ops: [frame.op], sig: frame.sig }, { more: false, hops: frame.hops });
    }
  }

  /** Ops of any author are on disk; the frames in which this node's own ones leave. */
  onCommitted(ops: readonly Op[]): Outgoing[] {
    this.overlay.onCommitted(ops);
    return this.push.own(ops.filter((op) => op.header.node === this.world.self));
  }

  /** Nodes that turn out not to be reachable. */
  onTimer(name: MeshTimer): NodeId[] {
    if (name === 'links') return this.overlay.onTimer();
    if (name === 'compare') this.sync.compare();
    else if (name === 'have') this.push.onHaveTimer();
    else this.push.onGraftTimer();
    return [];
  }

  /** What this node does has changed, and with it perhaps whom it needs. */
  onWork(): void {
    this.overlay.refresh();
  }

  /** What became of the batches that each peer sent or relayed. */
  tallies(): ReadonlyMap<NodeId, Tally> {
    return this.sync.tallies.all();
  }
}
