/** Failure detectors alone, in virtual time: links with delay, one-way cuts, processes that stop or get no processor for a while. One seed is one history. */
import type { NodeId } from '#core/brand.ts';
import { Detector } from '#core/detector.ts';
import type { ProbeWorld } from '#core/probes.ts';
import type { Frame, MemberState } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { Timers } from '#core/timers.ts';
import { simNodeId } from '#sim/crypto.ts';
import { Random } from '#sim/random.ts';
import { VirtualTime } from '#sim/time.ts';
import { present } from './writer.ts';

const EVENTS_MAX = 20_000_000;

export type Sighting = { at: number; node: number; state: MemberState; ms: number };

class Station {
  readonly index: number;
  readonly id: NodeId;
  readonly detector: Detector;
  readonly world: ProbeWorld & { nowMs: number; links: Set<NodeId> };
  private readonly rig: DetectorRig;
  /** What came while the process does not run; undefined while it does. */
  private waiting: (() => void)[] | undefined;
  private wakeMs = Number.POSITIVE_INFINITY;

  constructor(rig: DetectorRig, index: number) {
    this.rig = rig;
    this.index = index;
    this.id = simNodeId(index);
    const random = rig.random.fork();
    this.world = {
      self: this.id,
      nowMs: 0,
      random: () => random.unit(),
      links: new Set(),
      timers: new Timers(),
      tell: (to, frame) => rig.send(this, to, frame),
      roundTripMs: () => rig.roundTripMs,
    };
    this.detector = new Detector(this.world, {
      isLinked: (link, node) => rig.station(link).world.links.has(node),
      onChange: (node, state) =>
        rig.sightings.push({ at: index, node: rig.station(node).index, state, ms: rig.time.nowMs }),
      unlink: (node) => rig.unlink(index, rig.station(node).index),
    });
  }

  /** As soon as the process runs. */
  input(run: () => void): void {
    if (this.waiting !== undefined) {
      this.waiting.push(() => this.input(run));
      return;
    }
    this.world.nowMs = this.rig.time.nowMs;
    run();
    this.wake();
  }

  stop(): void {
    this.waiting ??= [];
  }

  go(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const run of waiting) run();
  }

  private wake(): void {
    const nextMs = this.world.timers.nextMs();
    if (nextMs === undefined || (nextMs >= this.wakeMs && this.wakeMs > this.rig.time.nowMs)) return;
    this.wakeMs = nextMs;
    this.rig.time.after(Math.max(0, nextMs - this.rig.time.nowMs), () =>
      this.input(() => {
        this.wakeMs = Number.POSITIVE_INFINITY;
        for (const name of this.world.timers.due(this.rig.time.nowMs)) this.detector.onTimer(name);
      }),
    );
  }
}

export class DetectorRig {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly sightings: Sighting[] = [];
  readonly stations: Station[] = [];
  /** Frames of membership that were sent. */
  sent = 0;
  bytes = 0;
  /** False: what goes from the first to the second is lost. */
  passes: (from: number, to: number) => boolean = () => true;
  private readonly byId = new Map<NodeId, Station>();
  private readonly delayMaxMs: number;
  /** What is known of each link. */
  readonly roundTripMs: number | undefined;

  constructor(o: {
    seed: number;
    nodes: number;
    delayMaxMs?: number;
    roundTripMs?: number;
    linked?: (a: number, b: number) => boolean;
  }) {
    this.random = new Random(o.seed);
    this.delayMaxMs = o.delayMaxMs ?? 2;
    this.roundTripMs = o.roundTripMs;
    for (let index = 0; index < o.nodes; index++) {
      const station = new Station(this, index);
      this.stations.push(station);
      this.byId.set(station.id, station);
    }
    for (let a = 0; a < o.nodes; a++)
      for (let b = a + 1; b < o.nodes; b++) if (o.linked?.(a, b) ?? true) this.link(a, b);
  }

  at(index: number): Station {
    return present(this.stations[index], `station ${index}`);
  }

  station(id: NodeId): Station {
    return present(this.byId.get(id), id);
  }

  link(a: number, b: number): void {
    for (const [one, other] of [
      [this.at(a), this.at(b)],
      [this.at(b), this.at(a)],
    ] as const) {
      one.world.links.add(other.id);
      one.input(() => one.detector.onLinkUp(other.id));
    }
  }

  /** Both ends notice. */
  unlink(a: number, b: number): void {
    for (const [one, other] of [
      [this.at(a), this.at(b)],
      [this.at(b), this.at(a)],
    ] as const) {
      if (!one.world.links.delete(other.id)) continue;
      one.input(() => one.detector.onLinkDown(other.id));
      for (const third of this.stations) third.input(() => third.detector.onReach());
    }
  }

  send(from: Station, to: readonly NodeId[], frame: Frame): void {
    const text = JSON.stringify(frame);
    for (const id of to) {
      const station = this.station(id);
      this.sent += 1;
      this.bytes += text.length + 4;
      if (!from.world.links.has(id) || !this.passes(from.index, station.index)) continue;
      this.time.after(this.random.between(1, this.delayMaxMs), () =>
        station.input(() => {
          if (!station.world.links.has(from.id)) return;
          station.detector.onHeard(from.id);
          if (frame.type === FRAME.probe || frame.type === FRAME.probeAnswer) station.detector.onFrame(from.id, frame);
        }),
      );
    }
  }

  /** Each process gets no processor now and then, for up to so long. */
  starve(o: { everyMs: number; forMaxMs: number; untilMs: number }): void {
    const stall = (station: Station): void => {
      if (this.time.nowMs > o.untilMs) return;
      this.time.after(this.random.unit() * 2 * o.everyMs, () => {
        station.stop();
        this.time.after(this.random.unit() ** 3 * o.forMaxMs, () => {
          station.go();
          stall(station);
        });
      });
    };
    for (const station of this.stations) stall(station);
  }

  run(ms: number): Promise<void> {
    return this.time.run({ untilMs: this.time.nowMs + ms, maxEvents: EVENTS_MAX });
  }

  /** When each other station first showed `node` so, after `sinceMs`. */
  seenAfter(node: number, state: MemberState, sinceMs: number): number[] {
    const first = new Map<number, number>();
    for (const one of this.sightings)
      if (one.node === node && one.state === state && one.ms >= sinceMs && !first.has(one.at))
        first.set(one.at, one.ms);
    return [...first.values()].map((ms) => ms - sinceMs);
  }
}
