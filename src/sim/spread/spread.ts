/**
 * How ops spread in a swarm of thousands. Nobody compares heads, so what is missing at the end is what push alone did not bring.
 */
import type { NodeId } from '#core/brand.ts';
import type { Op } from '#core/op.ts';
import { Push } from '#core/push.ts';
import type { SpreadPush } from './node.ts';
import { spreadOp } from './op.ts';
import type { SpreadCounts, WorldKnobs } from './world.ts';
import { SpreadWorld } from './world.ts';

export type SpreadKnobs = Omit<WorldKnobs, 'detects'> & {
  authors: number;
  /** Ops of each author that are measured, after the first ones that make its tree. */
  opsPerAuthor: number;
  /** Share of the nodes that go down at once before the ops that are measured. */
  deadShare: number;
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

export class Spread {
  private readonly knobs: SpreadKnobs;
  private readonly world: SpreadWorld;
  private readonly ops = new Map<NodeId, Op[]>();
  private readonly byHeader = new Map<string, Op>();
  private readonly births = new Map<Op, { bornMs: number; count: number; lastMs: number }>();

  constructor(knobs: SpreadKnobs, o: { sha256: (text: string) => string; push?: SpreadPush }) {
    this.knobs = knobs;
    const push: SpreadPush = o.push ?? ((...args) => new Push(...args));
    const watcher = {
      opsOf: (author: NodeId) => this.ops.get(author) ?? [],
      opOf: (text: string) => this.byHeader.get(text) ?? this.unknown(text),
      held: (op: Op) => this.held(op),
      shows: () => {},
    };
    this.world = new SpreadWorld({ ...knobs, detects: false }, { sha256: o.sha256, push, watcher });
  }

  async run(): Promise<SpreadResult> {
    const { knobs, world } = this;
    world.start();
    await world.until(LINKING_MS);
    this.writeAll(1, FIRST_MS / 2);
    await world.until(LINKING_MS + FIRST_MS);
    const firstPayloads = world.counts.payloads / (knobs.nodes * knobs.authors);
    this.kill();
    await world.until(LINKING_MS + 2 * FIRST_MS);
    this.births.clear();
    world.countAnew();
    world.losing = true;
    this.writeAll(knobs.opsPerAuthor, MEASURED_MS);
    await world.until(LINKING_MS + 2 * FIRST_MS + MEASURED_MS + REST_MS);
    return this.result(firstPayloads);
  }

  private unknown(text: string): Op {
    throw new Error(`an op that nobody wrote: ${text.slice(0, 80)}`);
  }

  private writeAll(each: number, withinMs: number): void {
    const { time, random } = this.world;
    const authors = [...this.world.nodes.keys()].slice(0, this.knobs.authors);
    for (const author of authors) {
      for (let n = 0; n < each; n++) time.after(random.unit() * withinMs, () => this.write(author));
    }
  }

  private write(author: NodeId): void {
    const { nodes, time } = this.world;
    const node = nodes.get(author);
    if (node === undefined) return;
    const held = this.ops.get(author) ?? [];
    const op = spreadOp(author, held.length + 1);
    this.ops.set(author, [...held, op]);
    this.byHeader.set(op.headerText, op);
    this.births.set(op, { bornMs: time.nowMs, count: 0, lastMs: time.nowMs });
    node.append(op, time.nowMs);
    this.world.wake(node);
  }

  private held(op: Op): void {
    const birth = this.births.get(op);
    if (birth === undefined) return;
    birth.count += 1;
    birth.lastMs = this.world.time.nowMs;
  }

  /** Nodes go down at once, all behind the authors. */
  private kill(): void {
    const ids = [...this.world.nodes.keys()];
    const dead = ids.slice(ids.length - Math.floor(ids.length * this.knobs.deadShare));
    for (const id of dead) this.world.kill(id, { silent: false });
  }

  private result(firstPayloads: number): SpreadResult {
    const { knobs, world } = this;
    const living = world.nodes.size;
    const births = [...this.births.values()];
    const whole = births.filter((birth) => birth.count === living - 1);
    const held = births.reduce((sum, birth) => sum + birth.count, 0);
    return {
      ...world.counts,
      nodes: living,
      ops: births.length,
      coverage: held / (births.length * (living - 1)),
      rounds: whole.map((birth) => (birth.lastMs - birth.bornMs) / knobs.hopMs).toSorted((a, b) => a - b),
      linksAverage: world.linksAverage(),
      firstPayloads,
      virtualMs: world.time.nowMs,
    };
  }
}
