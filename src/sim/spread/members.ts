/** How the loss of nodes becomes known in a swarm of thousands: some fall silent at once, without a word, and their links lead nowhere. */
import type { NodeId } from '#core/brand.ts';
import { Push } from '#core/push.ts';
import type { MemberState } from '#core/schema/frame.ts';
import type { WorldKnobs } from './world.ts';
import { SpreadWorld } from './world.ts';

export type MembersKnobs = Omit<WorldKnobs, 'detects'> & {
  /** So many nodes fall silent at once. */
  lost: number;
};

export type MembersResult = {
  nodes: number;
  /** Of each lost node and each other node: from its last word until it is shown as dead there. Ascending. */
  deadMs: number[];
  /** Share of those pairs that came to that. */
  known: number;
  /** Nodes that are there and were shown as suspect or dead somewhere, and how often. */
  suspectedWrongly: number;
  buriedWrongly: number;
  /** Frames of the detector a node and second while nothing happens, and their bytes. */
  probesPerSecond: number;
  probeBytesPerSecond: number;
  heartbeatsPerSecond: number;
  heartbeatBytesPerSecond: number;
  /** Held by one node beside the rings, which all share here: tables of members, links, trees, deadlines. */
  heapBytesPerNode: number;
};

const LINKING_MS = 20_000;
/** A heartbeat of each node, and many of its questions. */
const QUIET_MS = 15_000;
const WATCHED_MS = 40_000;

export class Members {
  private readonly knobs: MembersKnobs;
  private readonly world: SpreadWorld;
  private readonly lost = new Set<NodeId>();
  private readonly deadMs: number[] = [];
  private readonly wrong = { suspect: 0, dead: 0 };
  private readonly heapBytes: () => number;
  private readonly heapBefore: number;
  private lostMs = 0;

  /** `heapBytes`: what this process holds, after a collection. */
  constructor(knobs: MembersKnobs, o: { sha256: (text: string) => string; heapBytes?: () => number }) {
    this.knobs = knobs;
    this.heapBytes = o.heapBytes ?? (() => 0);
    this.heapBefore = this.heapBytes();
    const watcher = {
      opsOf: () => [],
      opOf: () => {
        throw new Error('nobody writes ops here');
      },
      held: () => {},
      shows: (seen: { node: NodeId; state: MemberState }) => this.onShown(seen),
    };
    const push: ConstructorParameters<typeof SpreadWorld>[1]['push'] = (...args) => new Push(...args);
    this.world = new SpreadWorld({ ...knobs, detects: true }, { sha256: o.sha256, push, watcher });
  }

  async run(): Promise<MembersResult> {
    const { world, knobs } = this;
    world.start();
    await world.until(LINKING_MS);
    world.losing = true;
    world.countAnew();
    await world.until(LINKING_MS + QUIET_MS);
    const { probes, probeBytes, heartbeats, heartbeatBytes } = world.counts;
    const perSecond = (count: number): number => (count * 1_000) / (QUIET_MS * knobs.nodes);
    const heapBytesPerNode = (this.heapBytes() - this.heapBefore) / knobs.nodes;
    const ids = [...world.nodes.keys()];
    this.lostMs = world.time.nowMs;
    for (let n = 0; n < knobs.lost; n++) {
      const id = ids[Math.floor(((n + 1) * ids.length) / (knobs.lost + 1))];
      if (id === undefined) continue;
      this.lost.add(id);
      world.kill(id, { silent: true });
    }
    await world.until(LINKING_MS + QUIET_MS + WATCHED_MS);
    const pairs = this.lost.size * world.nodes.size;
    return {
      nodes: knobs.nodes,
      deadMs: this.deadMs.toSorted((a, b) => a - b),
      known: this.deadMs.length / pairs,
      suspectedWrongly: this.wrong.suspect,
      buriedWrongly: this.wrong.dead,
      probesPerSecond: perSecond(probes),
      probeBytesPerSecond: perSecond(probeBytes),
      heartbeatsPerSecond: perSecond(heartbeats),
      heartbeatBytesPerSecond: perSecond(heartbeatBytes),
      heapBytesPerNode,
    };
  }

  private onShown({ node, state }: { node: NodeId; state: MemberState }): void {
    if (state === 'dead' && this.lost.has(node)) this.deadMs.push(this.world.time.nowMs - this.lostMs);
    else if ((state === 'suspect' || state === 'dead') && !this.lost.has(node)) this.wrong[state] += 1;
  }
}
