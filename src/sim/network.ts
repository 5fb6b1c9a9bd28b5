/** Links of virtual time: in order, with delay; a frame may fall out of an overflowing queue, a link may be cut and take what was in flight with it. */
import type { NodeId } from '#core/brand.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME, frameSchemas } from '#core/schema/frame.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

export type Station = {
  id: NodeId;
  /** Up and not paused: it would answer whoever dials it. */
  answers(): boolean;
  linkUp(peer: NodeId): void;
  linkDown(peer: NodeId): void;
  frame(from: NodeId, frame: Frame): void;
  drained(peer: NodeId): void;
};

export type NetworkKnobs = {
  delayMinMs: number;
  delayMaxMs: number;
  lossProbability: number;
  /** How often a frame comes a second time, later: as it does along two ways. */
  duplicateProbability: number;
};

/** How soon a broken link is noticed, and how soon a new try comes. */
const NOTICE_MAX_MS = 300;
const REDIAL_MS = 400;
/** Before each frame on the wire. */
const LENGTH_BYTES = 4;
/** How much later a frame may come a second time. */
const DUPLICATE_MAX_MS = 2_000;

type Link = { open: boolean; cut: boolean; epoch: number; clearAtMs: Map<NodeId, number> };

/** A frame as it comes out at the other end. */
function readFrame(text: string): Frame {
  const json: { type?: unknown } = JSON.parse(text);
  const schema = typeof json.type === 'number' ? frameSchemas.get(json.type) : undefined;
  if (schema === undefined) throw new Error(`a frame of unknown type: ${text.slice(0, 80)}`);
  return schema.parse(json);
}

export class Network {
  private readonly time: VirtualTime;
  private readonly random: Random;
  private readonly knobs: NetworkKnobs;
  private readonly stations = new Map<NodeId, Station>();
  /** By one end, then by the other: each stands at both. */
  private readonly links = new Map<NodeId, Map<NodeId, Link>>();
  /** With whom a node keeps links; with all where it never said so. */
  private readonly kept = new Map<NodeId, ReadonlySet<NodeId>>();
  /** How often each fault bit. */
  readonly bites = { lost: 0, duplicated: 0, cutInFlight: 0, cuts: 0, grafts: 0, prunes: 0 };
  /** Frames to each receiver, and their bytes on the wire. */
  readonly traffic = { frames: 0, bytes: 0 };
  quiet = false;

  private readonly sent: (frame: Frame) => void;

  /** `sent` sees every frame that a node sends, also those that are lost. */
  constructor(o: { time: VirtualTime; random: Random; knobs: NetworkKnobs; sent: (frame: Frame) => void }) {
    this.time = o.time;
    this.random = o.random;
    this.knobs = o.knobs;
    this.sent = o.sent;
  }

  join(station: Station): void {
    this.stations.set(station.id, station);
    for (const other of this.stations.keys()) if (other !== station.id) this.dial(station.id, other);
  }

  /** As a transport's `keep`, but that a link goes only when neither end wants it. */
  keep(id: NodeId, nodes: readonly NodeId[] | undefined): void {
    if (nodes === undefined) this.kept.delete(id);
    else this.kept.set(id, new Set(nodes));
    for (const other of this.stations.keys()) {
      if (other === id) continue;
      if (this.isWanted(id, other)) this.dial(id, other);
      else this.drop(id, other);
    }
  }

  private isWanted(a: NodeId, b: NodeId): boolean {
    return (this.kept.get(a)?.has(b) ?? true) || (this.kept.get(b)?.has(a) ?? true);
  }

  /** Takes both directions down until {@link heal}. */
  cut(a: NodeId, b: NodeId): void {
    const link = this.link(a, b);
    if (link.cut) return;
    link.cut = true;
    this.bites.cuts += 1;
    this.drop(a, b);
  }

  heal(a: NodeId, b: NodeId): void {
    const link = this.link(a, b);
    link.cut = false;
    this.dial(a, b);
  }

  /** One end gives the link up. */
  unlink(a: NodeId, b: NodeId): void {
    this.drop(a, b);
  }

  healAll(): void {
    const ids = [...this.stations.keys()];
    for (const [index, a] of ids.entries()) for (const b of ids.slice(index + 1)) this.heal(a, b);
  }

  /** A node went down: its links break, and are dialled again until it is back. */
  nodeDown(id: NodeId): void {
    this.kept.delete(id);
    for (const other of this.stations.keys()) if (other !== id) this.drop(id, other);
  }

  nodeUp(id: NodeId): void {
    for (const other of this.stations.keys()) if (other !== id) this.dial(id, other);
  }

  send(from: NodeId, to: readonly NodeId[], frame: Frame): void {
    this.sent(frame);
    if (frame.type === FRAME.graft) this.bites.grafts += 1;
    if (frame.type === FRAME.prune) this.bites.prunes += 1;
    // One text, read once: whoever gets it must leave it as it is.
    const text = JSON.stringify(frame);
    this.traffic.frames += to.length;
    this.traffic.bytes += to.length * (LENGTH_BYTES + Buffer.byteLength(text));
    const arriving = readFrame(text);
    for (const peer of to) this.sendOne(from, peer, arriving);
  }

  private sendOne(from: NodeId, to: NodeId, frame: Frame): void {
    const link = this.link(from, to);
    if (!link.open) return;
    if (!this.quiet && this.random.chance(this.knobs.lossProbability)) {
      this.bites.lost += 1;
      this.time.after(this.delayMs(), () => this.ifOpen(link, () => this.stations.get(from)?.drained(to)));
      return;
    }
    const arriveMs = Math.max(link.clearAtMs.get(to) ?? 0, this.time.nowMs + this.delayMs());
    link.clearAtMs.set(to, arriveMs);
    const { epoch } = link;
    this.time.after(arriveMs - this.time.nowMs, () => {
      if (link.open && link.epoch === epoch) this.stations.get(to)?.frame(from, frame);
      else this.bites.cutInFlight += 1;
    });
    if (this.quiet || !this.random.chance(this.knobs.duplicateProbability)) return;
    this.bites.duplicated += 1;
    const againMs = arriveMs - this.time.nowMs + this.random.between(1, DUPLICATE_MAX_MS);
    this.time.after(againMs, () => this.ifOpen(link, () => this.stations.get(to)?.frame(from, frame)));
  }

  private ifOpen(link: Link, run: () => void): void {
    if (link.open) run();
  }

  private drop(a: NodeId, b: NodeId): void {
    const link = this.link(a, b);
    if (!link.open) return;
    link.open = false;
    link.epoch += 1;
    link.clearAtMs.clear();
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const { epoch } = link;
      this.time.after(this.random.between(1, NOTICE_MAX_MS), () => {
        if (link.epoch === epoch || !link.open) this.stations.get(one)?.linkDown(other);
      });
    }
    this.dial(a, b);
  }

  private dial(a: NodeId, b: NodeId): void {
    const link = this.link(a, b);
    this.time.after(NOTICE_MAX_MS + this.random.between(1, REDIAL_MS), () => {
      if (link.open || link.cut || !this.isWanted(a, b)) return;
      const [one, other] = [this.stations.get(a), this.stations.get(b)];
      if (one?.answers() !== true || other?.answers() !== true) return;
      link.open = true;
      link.epoch += 1;
      one.linkUp(b);
      other.linkUp(a);
    });
  }

  private delayMs(): number {
    return this.random.between(this.knobs.delayMinMs, this.knobs.delayMaxMs);
  }

  private link(a: NodeId, b: NodeId): Link {
    const held = this.links.get(a)?.get(b);
    if (held !== undefined) return held;
    const made: Link = { open: false, cut: false, epoch: 0, clearAtMs: new Map() };
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      this.links.set(one, (this.links.get(one) ?? new Map<NodeId, Link>()).set(other, made));
    return made;
  }
}
