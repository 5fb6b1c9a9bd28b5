/**
 * How ops spread in a swarm of thousands: nodes that have nothing but overlay, push and presence, links that lose a share of the frames, and counts
 * of all that was sent. Nobody compares heads, so what is missing at the end is what push alone did not bring.
 */
import type { NodeId } from '#core/brand.ts';
import { hashOf, nodeIdOf } from '#core/brand.ts';
import type { Op } from '#core/op.ts';
import { Push } from '#core/push.ts';
import { Rings } from '#core/rings.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Outgoing } from '#core/turn.ts';
import { Random } from '../random.ts';
import { VirtualTime } from '../time.ts';
import type { SpreadPush } from './node.ts';
import { SpreadNode } from './node.ts';
import { spreadOp } from './op.ts';

export type SpreadKnobs = {
  nodes: number;
  authors: number;
  /** Ops of each author that are measured, after the first ones that make its tree. */
  opsPerAuthor: number;
  lossProbability: number;
  /** One round: what a frame takes over a link. A tenth of it more or less, at random. */
  hopMs: number;
  fullLinksMax: number;
  seed: number;
  /** Share of the nodes that go down at once before the ops that are measured. */
  deadShare: number;
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
};

export type SpreadResult = SpreadCounts & {
  nodes: number;
  ops: number;
  /** Of all ops at all living nodes. */
  coverage: number;
  /** Until the last node had an op, in rounds, of each op that reached all; ascending. */
  rounds: number[];
  linksAverage: number;
  /** What the trees cost to make: payload frames of the first op of each author, a node and op. */
  firstPayloads: number;
  virtualMs: number;
};

const LINKING_MS = 20_000;
const FIRST_MS = 20_000;
const MEASURED_MS = 20_000;
/** After the last op: nothing more is on its way by then. */
const REST_MS = 30_000;
const EVENTS_MAX = 200_000_000;

const noCounts = (): SpreadCounts => ({
  payloads: 0,
  controls: 0,
  payloadBytes: 0,
  controlBytes: 0,
  heartbeats: 0,
  heartbeatBytes: 0,
});

export class Spread {
  private readonly knobs: SpreadKnobs;
  private readonly time = new VirtualTime(0);
  private readonly random: Random;
  private readonly nodes = new Map<NodeId, SpreadNode>();
  private readonly wanted = new Map<NodeId, ReadonlySet<NodeId>>();
  private readonly wakes = new Map<NodeId, number>();
  private readonly ops = new Map<NodeId, Op[]>();
  private readonly byHeader = new Map<string, Op>();
  private readonly births = new Map<Op, { bornMs: number; count: number; lastMs: number }>();
  private readonly bytes = new WeakMap<Frame, number>();
  private counts = noCounts();
  private losing = false;

  constructor(knobs: SpreadKnobs, o: { sha256: (text: string) => string; push?: SpreadPush }) {
    this.knobs = knobs;
    this.random = new Random(knobs.seed);
    const rings = new Rings((text) => hashOf(o.sha256(text)));
    for (let index = 0; index < knobs.nodes; index++) {
      const self = nodeIdOf(o.sha256(`node ${index}`).slice(0, 32));
      rings.add(self);
      const push: SpreadPush = o.push ?? ((...args) => new Push(...args));
      this.nodes.set(self, this.makeNode(self, rings, push));
    }
  }

  async run(): Promise<SpreadResult> {
    const { knobs, time } = this;
    for (const node of this.nodes.values()) this.soon(() => node.start(time.nowMs), node.self);
    await this.until(LINKING_MS);
    this.writeAll(1, FIRST_MS / 2);
    await this.until(LINKING_MS + FIRST_MS);
    const firstPayloads = this.counts.payloads / (knobs.nodes * knobs.authors);
    this.kill();
    await this.until(LINKING_MS + 2 * FIRST_MS);
    this.births.clear();
    this.counts = noCounts();
    this.losing = true;
    this.writeAll(knobs.opsPerAuthor, MEASURED_MS);
    await this.until(LINKING_MS + 2 * FIRST_MS + MEASURED_MS + REST_MS);
    return this.result(firstPayloads);
  }

  private makeNode(self: NodeId, rings: Rings, push: SpreadPush): SpreadNode {
    return new SpreadNode({
      self,
      rings,
      fullLinksMax: this.knobs.fullLinksMax,
      opsOf: (author) => this.ops.get(author) ?? [],
      opOf: (text) => this.byHeader.get(text) ?? spreadOp(self, 0),
      send: (outgoing) => this.send(self, outgoing),
      keepLinks: (nodes) => this.keep(self, nodes),
      held: (op) => this.held(op),
      push,
    });
  }

  private until(untilMs: number): Promise<void> {
    return this.time.run({ untilMs, maxEvents: EVENTS_MAX });
  }

  private writeAll(each: number, withinMs: number): void {
    const authors = [...this.nodes.keys()].slice(0, this.knobs.authors);
    for (const author of authors) {
      for (let n = 0; n < each; n++) this.time.after(this.random.unit() * withinMs, () => this.write(author));
    }
  }

  private write(author: NodeId): void {
    const node = this.nodes.get(author);
    if (node === undefined) return;
    const held = this.ops.get(author) ?? [];
    const op = spreadOp(author, held.length + 1);
    this.ops.set(author, [...held, op]);
    this.byHeader.set(op.headerText, op);
    this.births.set(op, { bornMs: this.time.nowMs, count: 0, lastMs: this.time.nowMs });
    node.append(op, this.time.nowMs);
    this.wake(node);
  }

  private held(op: Op): void {
    const birth = this.births.get(op);
    if (birth === undefined) return;
    birth.count += 1;
    birth.lastMs = this.time.nowMs;
  }

  /** Nodes go down at once, all behind the authors. */
  private kill(): void {
    const ids = [...this.nodes.keys()];
    const dead = ids.slice(ids.length - Math.floor(ids.length * this.knobs.deadShare));
    for (const id of dead) {
      const links = this.nodes.get(id)?.links ?? new Set();
      this.nodes.delete(id);
      for (const peer of links) this.soon(() => this.nodes.get(peer)?.linkDown(id, this.time.nowMs), peer);
    }
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

  /** One event for a node's next deadline. */
  private wake(node: SpreadNode): void {
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
    } else {
      counts.controls += 1;
      counts.controlBytes += size;
    }
  }

  private result(firstPayloads: number): SpreadResult {
    const { knobs, nodes } = this;
    const living = [...nodes.values()];
    const births = [...this.births.values()];
    const whole = births.filter((birth) => birth.count === living.length - 1);
    const held = births.reduce((sum, birth) => sum + birth.count, 0);
    return {
      ...this.counts,
      nodes: living.length,
      ops: births.length,
      coverage: held / (births.length * (living.length - 1)),
      rounds: whole.map((birth) => (birth.lastMs - birth.bornMs) / knobs.hopMs).toSorted((a, b) => a - b),
      linksAverage: living.reduce((sum, node) => sum + node.links.size, 0) / living.length,
      firstPayloads,
      virtualMs: this.time.nowMs,
    };
  }
}
