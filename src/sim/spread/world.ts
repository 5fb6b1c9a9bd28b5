/**
 * A swarm of thousands in virtual time: nodes that have nothing but overlay, push and presence, and a detector where that is looked at; links that lose
 * a share of the frames, and counts of all that arrived.
 */
import type { NodeId } from '#core/brand.ts';
import { hashOf, nodeIdOf } from '#core/brand.ts';
import type { Op } from '#core/op.ts';
import { Rings } from '#core/rings.ts';
import type { Frame, MemberState } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Outgoing } from '#core/turn.ts';
import { Random } from '../random.ts';
import { VirtualTime } from '../time.ts';
import type { SpreadPush } from './node.ts';
import { SpreadNode } from './node.ts';

export type WorldKnobs = {
  nodes: number;
  lossProbability: number;
  /** One round: what a frame takes over a link. A tenth of it more or less, at random. */
  hopMs: number;
  fullLinksMax: number;
  seed: number;
  /** With a failure detector. */
  detects: boolean;
};

export type SpreadCounts = {
  /** Frames with ops that arrived, at all nodes: pushed, or in answer to a question. */
  payloads: number;
  /** Frames about ops and trees: adverts, grafts, prunes, questions. */
  controls: number;
  payloadBytes: number;
  controlBytes: number;
  heartbeats: number;
  heartbeatBytes: number;
  /** Questions of the detector, and their answers. */
  probes: number;
  probeBytes: number;
};

const EVENTS_MAX = 500_000_000;

const noCounts = (): SpreadCounts => ({
  payloads: 0,
  controls: 0,
  payloadBytes: 0,
  controlBytes: 0,
  heartbeats: 0,
  heartbeatBytes: 0,
  probes: 0,
  probeBytes: 0,
});

/** What happens in it is told to whoever looks. */
export type Watcher = {
  opsOf: (author: NodeId) => readonly Op[];
  opOf: (headerText: string) => Op;
  held: (op: Op) => void;
  /** A node shows another one so from now on. */
  shows: (o: { at: NodeId; node: NodeId; state: MemberState }) => void;
};

export class SpreadWorld {
  readonly knobs: WorldKnobs;
  readonly time = new VirtualTime(0);
  readonly random: Random;
  /** Those that are there. */
  readonly nodes = new Map<NodeId, SpreadNode>();
  readonly rings: Rings;
  counts = noCounts();
  losing = false;
  private readonly wanted = new Map<NodeId, ReadonlySet<NodeId>>();
  private readonly wakes = new Map<NodeId, number>();
  private readonly bytes = new WeakMap<Frame, number>();

  constructor(knobs: WorldKnobs, o: { sha256: (text: string) => string; push: SpreadPush; watcher: Watcher }) {
    this.knobs = knobs;
    this.random = new Random(knobs.seed);
    this.rings = new Rings((text) => hashOf(o.sha256(text)));
    for (let index = 0; index < knobs.nodes; index++) {
      const self = nodeIdOf(o.sha256(`node ${index}`).slice(0, 32));
      this.rings.add(self);
      this.nodes.set(self, this.makeNode(self, o));
    }
  }

  /** All nodes start, and link. */
  start(): void {
    for (const node of this.nodes.values()) this.soon(() => node.start(this.time.nowMs), node.self);
  }

  until(untilMs: number): Promise<void> {
    return this.time.run({ untilMs, maxEvents: EVENTS_MAX });
  }

  countAnew(): void {
    this.counts = noCounts();
  }

  /** A node goes down and its links are closed; `silent`: nobody is told, its links lead nowhere. */
  kill(id: NodeId, o: { silent: boolean }): void {
    const links = this.nodes.get(id)?.links ?? new Set();
    this.nodes.delete(id);
    if (o.silent) return;
    for (const peer of links) this.soon(() => this.nodes.get(peer)?.linkDown(id, this.time.nowMs), peer);
  }

  /** One event for a node's next deadline. */
  wake(node: SpreadNode): void {
    const nextMs = node.timers.nextMs();
    const setMs = this.wakes.get(node.self) ?? Number.POSITIVE_INFINITY;
    if (nextMs === undefined || nextMs >= setMs) return;
    this.wakes.set(node.self, nextMs);
    this.time.after(nextMs - this.time.nowMs, () => {
      if (this.nodes.get(node.self) !== node) return;
      if (this.wakes.get(node.self) === nextMs) this.wakes.delete(node.self);
      node.tick(this.time.nowMs);
      this.wake(node);
    });
  }

  linksAverage(): number {
    const living = [...this.nodes.values()];
    return living.reduce((sum, node) => sum + node.links.size, 0) / living.length;
  }

  private makeNode(self: NodeId, { push, watcher }: { push: SpreadPush; watcher: Watcher }): SpreadNode {
    const random = this.random.fork();
    return new SpreadNode({
      self,
      rings: this.rings,
      fullLinksMax: this.knobs.fullLinksMax,
      random: () => random.unit(),
      opsOf: watcher.opsOf,
      opOf: watcher.opOf,
      held: watcher.held,
      send: (outgoing) => this.send(self, outgoing),
      keepLinks: (nodes) => this.keep(self, nodes),
      unlink: (node) => this.unlink(self, node),
      detects: this.knobs.detects ? (node, state) => watcher.shows({ at: self, node, state }) : undefined,
      push,
    });
  }

  private keep(self: NodeId, nodes: readonly NodeId[] | undefined): void {
    const before = this.wanted.get(self) ?? new Set();
    const now = new Set(nodes ?? [...this.nodes.keys()].filter((node) => node !== self));
    this.wanted.set(self, now);
    for (const node of now) if (!before.has(node)) this.soon(() => this.link(self, node), self);
    for (const node of before) {
      if (!now.has(node) && this.wanted.get(node)?.has(self) !== true) this.unlink(self, node);
    }
  }

  private link(a: NodeId, b: NodeId): void {
    const [one, other] = [this.nodes.get(a), this.nodes.get(b)];
    if (one === undefined || other === undefined || one.links.has(b)) return;
    one.linkUp(b, this.time.nowMs);
    other.linkUp(a, this.time.nowMs);
    this.wake(one);
    this.wake(other);
  }

  private unlink(a: NodeId, b: NodeId): void {
    this.soon(() => this.nodes.get(a)?.linkDown(b, this.time.nowMs), a);
    this.soon(() => this.nodes.get(b)?.linkDown(a, this.time.nowMs), b);
  }

  private send(from: NodeId, { to, frame }: Outgoing): void {
    for (const peer of to) {
      if (this.losing && this.random.chance(this.knobs.lossProbability)) continue;
      const node = this.nodes.get(peer);
      if (node === undefined) continue;
      this.time.after(this.hopMs(), () => {
        if (this.nodes.get(peer) !== node || !node.links.has(from)) return;
        this.count(frame);
        node.frame(from, frame, this.time.nowMs);
        this.wake(node);
      });
    }
  }

  private hopMs(): number {
    return this.knobs.hopMs * (0.9 + 0.2 * this.random.unit());
  }

  private soon(run: () => void, id: NodeId): void {
    this.time.after(this.hopMs(), () => {
      run();
      const node = this.nodes.get(id);
      if (node !== undefined) this.wake(node);
    });
  }

  private count(frame: Frame): void {
    const size = this.bytes.get(frame) ?? JSON.stringify(frame).length + 4;
    this.bytes.set(frame, size);
    const { counts } = this;
    if ('op' in frame || 'ops' in frame) {
      counts.payloads += 1;
      counts.payloadBytes += size;
    } else if (frame.type === FRAME.agentHeartbeat) {
      counts.heartbeats += 1;
      counts.heartbeatBytes += size;
    } else if (frame.type === FRAME.probe || frame.type === FRAME.probeAnswer) {
      counts.probes += 1;
      counts.probeBytes += size;
    } else {
      counts.controls += 1;
      counts.controlBytes += size;
    }
  }
}
