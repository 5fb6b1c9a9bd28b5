/** A storm on a swarm: some nodes, some tasks, faults at random, then quiet; and the checks of the whole history. One seed is one history. */
import type { OpId } from '#core/brand.ts';
import type { SimNode } from './node.ts';
import type { SimParts } from './parts.ts';
import { Post } from './post.ts';
import { Random } from './random.ts';
import type { StormKnobs } from './storm-knobs.ts';
import { Swarm } from './swarm.ts';

export type Verdict = {
  seed: number;
  violations: string[];
  /** How often each fault bit: a knob that never bites tests nothing. */
  bites: Record<string, number>;
  tasks: { completed: number; failed: number; cancelled: number };
  starts: number;
  /** Attempts that started more than once. */
  startedTwice: number;
  events: number;
  virtualMs: number;
  /** How long after heal all nodes first held the same ops. */
  agreeMs: number | undefined;
};

/** Pauses reach beyond the lease of the storms. */
const PAUSE_MAX_MS = 40_000;
/** How old a copy of a disk is when it is put back. */
const COPY_AGE_MAX_MS = 15_000;
/** Newest ops that a node may leave alone when it seals. */
const SEAL_KEEP_MAX = 20;
/** Runs that a node seals at the end: more than there are logs. */
const SEALED_AT_END = 12;
const DAY_MS = 86_400_000;
/** Events of one history at most; a storm of the size has some fifty thousand. Where all link with all at first they grow with the pairs. */
const EVENTS_MAX = 2_000_000;
const EVENTS_PER_PAIR_MAX = 10_000;

export class Storm {
  private readonly knobs: StormKnobs;
  private readonly seed: number;
  private readonly random: Random;
  private readonly swarm: Swarm;
  private readonly post: Post;
  private readonly trace: ((line: string) => void) | undefined;
  private readonly bites = {
    crashes: 0,
    machineCrashes: 0,
    cancels: 0,
    pauses: 0,
    clockJumps: 0,
    deaths: 0,
    rollbacks: 0,
    seals: 0,
  };

  /** `parts`: broken pieces of nodes, for those who test the checks. */
  constructor(o: { seed: number; knobs: StormKnobs; trace?: (line: string) => void; parts?: Partial<SimParts> }) {
    this.seed = o.seed;
    this.knobs = o.knobs;
    this.trace = o.trace;
    this.random = new Random(o.seed);
    this.swarm = new Swarm({ random: this.random, knobs: o.knobs, parts: o.parts });
    this.post = new Post({ swarm: this.swarm, random: new Random(o.seed), knobs: o.knobs });
  }

  async run(): Promise<Verdict> {
    const { knobs, swarm } = this;
    const { time } = swarm;
    const maxEvents = Math.max(EVENTS_MAX, EVENTS_PER_PAIR_MAX * knobs.nodes ** 2);
    swarm.start();
    this.planTasks();
    this.planFaults();
    if (knobs.messages > 0) this.post.plan(knobs.messages, knobs.stormMs);
    await time.run({ untilMs: knobs.stormMs, maxEvents });
    this.sealAll();
    this.say('heal');
    swarm.heal();
    this.post.calm();
    await time.run({ untilMs: knobs.stormMs + knobs.healMs, maxEvents, enough: () => this.isSettled() });
    swarm.check();
    this.post.watch.check(swarm.living());
    return this.verdict();
  }

  private isSettled(): boolean {
    return this.swarm.isSettled() && this.post.watch.allClosed(this.swarm.living());
  }

  private say(text: string): void {
    this.trace?.(`${String(Math.round(this.swarm.time.nowMs)).padStart(8)} ms  ${text}`);
  }

  private at(fraction: number, run: () => void): void {
    this.swarm.time.after(this.random.unit() * this.knobs.stormMs * fraction, run);
  }

  private planTasks(): void {
    for (let n = 0; n < this.knobs.tasks; n++) this.at(0.8, () => void this.createTask(n));
  }

  private async createTask(n: number): Promise<void> {
    const home = this.random.pick(this.swarm.nodes.filter((node) => node.up()));
    if (home === undefined) return;
    const earlier = this.random.chance(this.knobs.dependsProbability)
      ? this.random.pick(this.swarm.taskIds)
      : undefined;
    const priority = this.random.between(0, 3);
    const cancels = this.random.chance(this.knobs.cancelProbability);
    const dependsOn = earlier === undefined ? [] : [earlier];
    const { optimisticProbability } = this.knobs;
    const isOptimistic = optimisticProbability > 0 && this.random.chance(optimisticProbability);
    const claims = isOptimistic ? 'optimistic' : 'decided';
    const id = await this.swarm.create(home, { title: `task ${n}`, priority, dependsOn, claims });
    if (id === undefined) return;
    this.say(`task ${n} ${id} created at node ${home.index}`);
    if (cancels) this.swarm.time.after(this.random.unit() * 2_000, () => this.cancel(id));
  }

  private cancel(task: OpId): void {
    this.bites.cancels += 1;
    const door = this.random.pick(this.swarm.nodes);
    this.say(`cancel ${task} at node ${door?.index}`);
    door?.cancel(task);
  }

  private planFaults(): void {
    const { knobs, random } = this;
    const { network } = this.swarm;
    for (let n = 0; n < knobs.crashes; n++) {
      const node = random.pick(this.swarm.nodes);
      const machine = random.chance(knobs.holderDiesProbability);
      this.at(1, () => {
        if (node?.up() !== true) return;
        this.bites.crashes += 1;
        if (machine) this.bites.machineCrashes += 1;
        this.say(`${machine ? 'machine' : 'node'} ${node.index} crashes`);
        node.crash(machine);
        this.swarm.time.after(random.between(50, knobs.downMaxMs), () => {
          if (node === this.swarm.dead) return;
          this.say(`node ${node.index} starts again`);
          node.start();
        });
      });
    }
    for (let n = 0; n < knobs.pauses; n++) {
      const node = random.pick(this.swarm.nodes);
      this.at(1, () => this.pauseFor(node, random.between(100, PAUSE_MAX_MS)));
    }
    for (let n = 0; n < knobs.clockJumps; n++) {
      const node = random.pick(this.swarm.nodes);
      this.at(1, () => this.setClock(node, random.between(-DAY_MS, DAY_MS)));
    }
    if (random.chance(knobs.deathProbability)) this.at(1, () => this.die(random.pick(this.swarm.nodes)));
    for (let n = 0; n < knobs.rollbacks; n++) {
      const node = random.pick(this.swarm.nodes);
      this.at(0.7, () => this.rollBack(node));
    }
    for (let n = 0; n < knobs.seals; n++) this.planSeal();
    for (let n = 0; n < knobs.cuts; n++) {
      const [a, b] = [random.pick(this.swarm.nodes), random.pick(this.swarm.nodes)];
      if (a === undefined || b === undefined || a === b) continue;
      this.at(1, () => {
        this.say(`link ${a.index}-${b.index} is cut`);
        network.cut(a.id, b.id);
        this.swarm.time.after(random.between(100, 10_000), () => network.heal(a.id, b.id));
      });
    }
  }

  /** A copy of the disk is made; some time later the machine goes down, and comes back with the copy. */
  private rollBack(node: SimNode | undefined): void {
    if (node?.up() !== true) return;
    const copy = node.copyOfDisk();
    this.swarm.time.after(this.random.between(500, COPY_AGE_MAX_MS), () => {
      if (!this.swarm.living().includes(node)) return;
      this.bites.rollbacks += 1;
      this.say(`machine ${node.index} goes down, and an older copy of its disk is put back`);
      node.crash(true);
      this.swarm.putBack(node, copy);
      this.swarm.time.after(this.random.between(50, this.knobs.downMaxMs), () => node.start());
    });
  }

  /** What others still lack is taken from sealed logs. */
  private sealAll(): void {
    if (this.knobs.seals === 0) return;
    for (const node of this.swarm.nodes) for (let n = 0; n < SEALED_AT_END && node.up(); n++) node.seal(0);
  }

  private planSeal(): void {
    const node = this.random.pick(this.swarm.nodes);
    const keep = this.random.between(0, SEAL_KEEP_MAX);
    this.at(1, () => {
      if (node?.up() !== true) return;
      this.bites.seals += 1;
      node.seal(keep);
    });
  }

  private pauseFor(node: SimNode | undefined, ms: number): void {
    if (node?.up() !== true) return;
    this.bites.pauses += 1;
    this.say(`node ${node.index} is paused for ${ms} ms`);
    node.pause();
    this.swarm.time.after(ms, () => node.unpause());
  }

  private setClock(node: SimNode | undefined, byMs: number): void {
    if (node === undefined) return;
    this.bites.clockJumps += 1;
    this.say(`the wall clock of node ${node.index} is set by ${byMs} ms`);
    node.wallOffsetMs += byMs;
  }

  private die(node: SimNode | undefined): void {
    if (node === undefined) return;
    this.bites.deaths += 1;
    this.say(`machine ${node.index} dies for good`);
    this.swarm.dead = node;
    node.crash(true);
  }

  private verdict(): Verdict {
    const { history, network, time } = this.swarm;
    const count = (status: string): number => this.swarm.count(status);
    return {
      seed: this.seed,
      violations: [...new Set(history.violations)],
      bites: {
        ...this.bites,
        ...network.bites,
        ...this.swarm.rare(),
        ...history.leases.bites,
        ...this.post.watch.bites,
        ranTwice: history.ranTwice.size,
        sealedOps: this.swarm.nodes.reduce((sum, node) => sum + node.committed().sealedOps(), 0),
        forgotten: this.swarm.nodes.filter((node) => node.isOut).length,
      },
      tasks: { completed: count('completed'), failed: count('failed'), cancelled: count('cancelled') },
      starts: history.starts.length,
      startedTwice: history.startedTwice(),
      events: time.events(),
      virtualMs: Math.round(time.nowMs),
      agreeMs: this.swarm.agreeMs(),
    };
  }
}
