/**
 * Claim races: many idle agents on several nodes want one task, again and again in one small swarm. Every second history is calm, and there the
 * lowest claim must win; the others lose frames, links and nodes in the middle of races. One seed is one history.
 */
import type { NetworkKnobs } from './network.ts';
import type { SimNode } from './node.ts';
import type { SimParts } from './parts.ts';
import { Random } from './random.ts';
import { SKELETON_STORM } from './storm-knobs.ts';
import type { SwarmKnobs } from './swarm.ts';
import { Swarm } from './swarm.ts';

export type RaceVerdict = {
  seed: number;
  races: number;
  /** Races in which an attempt started more than once. */
  startedTwice: number;
  violations: string[];
  bites: { crashes: number } & Network;
};
type Network = { lost: number; duplicated: number; cutInFlight: number; cuts: number };

const CALM: NetworkKnobs = { delayMinMs: 1, delayMaxMs: 20, lossProbability: 0, duplicateProbability: 0 };
const TRACK: SwarmKnobs = {
  ...SKELETON_STORM,
  ...CALM,
  nodes: 3,
  agentsPerNode: 3,
  workMaxMs: 20,
  failProbability: 0,
  hangProbability: 0,
  slowDiskProbability: 0,
  leaseMs: 5_000,
};
const ROUGH_TRACK: SwarmKnobs = {
  ...TRACK,
  lossProbability: 0.03,
  duplicateProbability: 0.03,
  slowDiskProbability: 0.01,
};

/** Races of one history: enough that setting a swarm up costs little, few enough that its rows stay small. */
export const RACES_A_HISTORY = 50;
/** Longer than a lease, a takeover and a withdrawn claim one after the other. */
const RACE_MAX_MS = 120_000;
/** How long the news that an agent is idle may take. */
const PRESENCE_MS = 100;
const EVENTS_MAX = 2_000_000;
/** How often a node goes down, or a link is cut, in the middle of a race of a rough history. */
const FAULT_PROBABILITY = 0.2;
const FAULT_AFTER_MAX_MS = 60;
const FAULT_MAX_MS = 1_000;

export class Races {
  private readonly seed: number;
  private readonly random: Random;
  private readonly swarm: Swarm;
  private readonly isRough: boolean;
  private crashes = 0;
  /** Races that a door has taken and not acknowledged yet. */
  private opening = 0;

  constructor(o: { seed: number; parts?: Partial<SimParts> | undefined }) {
    this.seed = o.seed;
    this.random = new Random(o.seed);
    this.isRough = o.seed % 2 === 0;
    this.swarm = new Swarm({ random: this.random, knobs: this.isRough ? ROUGH_TRACK : TRACK, parts: o.parts });
    this.swarm.history.lowestWins = !this.isRough;
  }

  async run(): Promise<RaceVerdict> {
    const { swarm, random } = this;
    swarm.start();
    await this.rest();
    for (let n = 0; n < RACES_A_HISTORY; n++) {
      const home = random.pick(swarm.nodes.filter((node) => node.up()));
      if (home === undefined) continue;
      void this.open(home, n);
      if (this.isRough && random.chance(FAULT_PROBABILITY)) this.planFault();
      await this.rest();
    }
    swarm.heal();
    await this.rest({ opened: true });
    swarm.check();
    return this.verdict();
  }

  private async open(home: SimNode, n: number): Promise<void> {
    this.opening += 1;
    await this.swarm.create(home, { title: `race ${n}` });
    this.opening -= 1;
  }

  /**
   * Until every race that is known is over and every node knows, also that all agents are idle. One that its door has not acknowledged yet runs into
   * the next one, which costs less and asks more of the nodes; the end waits for it, too.
   */
  private async rest(o: { opened: boolean } = { opened: false }): Promise<void> {
    const { time } = this.swarm;
    const untilMs = time.nowMs + RACE_MAX_MS;
    await time.run({ untilMs, maxEvents: EVENTS_MAX, enough: () => this.isOver(o) });
    await time.run({ untilMs: time.nowMs + PRESENCE_MS, maxEvents: EVENTS_MAX });
  }

  private isOver({ opened }: { opened: boolean }): boolean {
    return (!opened || this.opening === 0) && this.swarm.isSettled();
  }

  private planFault(): void {
    const { swarm, random } = this;
    const [a, b] = [random.pick(swarm.nodes), random.pick(swarm.nodes)];
    swarm.time.after(random.between(0, FAULT_AFTER_MAX_MS), () => {
      if (a === undefined || b === undefined) return;
      if (a === b) return this.crash(a);
      swarm.network.cut(a.id, b.id);
      swarm.time.after(random.between(1, FAULT_MAX_MS), () => swarm.network.heal(a.id, b.id));
    });
  }

  private crash(node: SimNode): void {
    if (!node.up()) return;
    this.crashes += 1;
    node.crash(this.random.chance(0.5));
    this.swarm.time.after(this.random.between(1, FAULT_MAX_MS), () => node.start());
  }

  private verdict(): RaceVerdict {
    const { history, network, taskIds } = this.swarm;
    return {
      seed: this.seed,
      races: taskIds.length,
      startedTwice: history.startedTwice(),
      violations: [...new Set(history.violations)],
      bites: { crashes: this.crashes, ...network.bites },
    };
  }
}
