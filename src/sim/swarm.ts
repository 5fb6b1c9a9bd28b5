/** A storm on a small swarm: some nodes, some tasks, faults at random, then quiet; and the checks of the whole history. One seed is one history. */
import type { OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { opId } from '#core/op.ts';
import { taskChain } from '#core/view/chain.ts';
import { taskBody } from './bodies.ts';
import { agree, checkFinally } from './checks.ts';
import { History } from './history.ts';
import { SimNode } from './node.ts';
import { Network } from './network.ts';
import type { SimParts } from './parts.ts';
import { REAL_PARTS } from './parts.ts';
import { Random } from './random.ts';
import type { StormKnobs } from './storm-knobs.ts';
import { VirtualTime } from './time.ts';

export type Verdict = {
  seed: number;
  violations: string[];
  /** How often each fault bit: a knob that never bites tests nothing. */
  bites: Record<string, number>;
  tasks: { completed: number; failed: number; cancelled: number };
  starts: number;
  events: number;
  virtualMs: number;
};

/** Pauses reach beyond the lease of the storms. */
const PAUSE_MAX_MS = 40_000;
const DAY_MS = 86_400_000;
/** Events of one history at most; a storm of the default size has some ten thousand. */
const EVENTS_MAX = 2_000_000;

export class Storm {
  private readonly knobs: StormKnobs;
  private readonly seed: number;
  private readonly random: Random;
  private readonly time = new VirtualTime();
  private readonly history = new History();
  private readonly network: Network;
  private readonly nodes: SimNode[] = [];
  private readonly taskIds: OpId[] = [];
  private readonly trace: ((line: string) => void) | undefined;
  private readonly bites = { crashes: 0, machineCrashes: 0, cancels: 0, pauses: 0, clockJumps: 0, deaths: 0 };
  /** The node that went down for good. */
  private dead: SimNode | undefined;

  /** `parts`: broken pieces of nodes, for those who test the checks. */
  constructor(o: { seed: number; knobs: StormKnobs; trace?: (line: string) => void; parts?: Partial<SimParts> }) {
    this.seed = o.seed;
    this.knobs = o.knobs;
    this.trace = o.trace;
    this.random = new Random(o.seed);
    this.network = new Network({
      time: this.time,
      random: this.random.fork(),
      knobs: o.knobs,
      sent: (frame) => this.history.sent(frame),
    });
    for (let index = 0; index < o.knobs.nodes; index++) {
      this.nodes.push(
        new SimNode({
          index,
          time: this.time,
          random: this.random.fork(),
          network: this.network,
          history: this.history,
          knobs: o.knobs,
          parts: { ...REAL_PARTS, ...o.parts },
        }),
      );
    }
  }

  async run(): Promise<Verdict> {
    const { time, knobs } = this;
    for (const node of this.nodes) {
      this.network.join(node);
      node.start();
      for (let n = 0; n < knobs.agentsPerNode; n++)
        time.after(1, () => void node.registerAgent(`agent-${node.index}-${n}`));
    }
    this.planTasks();
    this.planFaults();
    await time.run({ untilMs: knobs.stormMs, maxEvents: EVENTS_MAX });
    this.say('heal');
    this.network.quiet = true;
    this.network.healAll();
    for (const node of this.nodes) node.unpause();
    for (const node of this.living()) node.start();
    await time.run({ untilMs: knobs.stormMs + knobs.healMs, maxEvents: EVENTS_MAX, enough: () => this.isSettled() });
    const { history, taskIds } = this;
    const mustEnd = (id: OpId): boolean => this.mustEnd(id);
    checkFinally({ history, living: this.living(), gone: this.dead?.id, taskIds, mustEnd });
    return this.verdict();
  }

  private say(text: string): void {
    this.trace?.(`${String(Math.round(this.time.nowMs)).padStart(8)} ms  ${text}`);
  }

  private at(fraction: number, run: () => void): void {
    this.time.after(this.random.unit() * this.knobs.stormMs * fraction, run);
  }

  private planTasks(): void {
    for (let n = 0; n < this.knobs.tasks; n++) this.at(0.8, () => void this.createTask(n));
  }

  private async createTask(n: number): Promise<void> {
    const home = this.random.pick(this.nodes.filter((node) => node.up()));
    if (home === undefined) return;
    const earlier = this.random.chance(this.knobs.dependsProbability) ? this.random.pick(this.taskIds) : undefined;
    const body = taskBody({
      title: `task ${n}`,
      home: home.id,
      voters: home.votersForNewTask(),
      priority: this.random.between(0, 3),
      dependsOn: earlier === undefined ? [] : [earlier],
    });
    const cancels = this.random.chance(this.knobs.cancelProbability);
    const arrivals = await home.append([{ entity: undefined, by: userPrincipal('sim'), body }]);
    const op = arrivals?.[0]?.op;
    if (op === undefined) return;
    this.say(`task ${n} ${opId(op)} created at node ${home.index}`);
    this.taskIds.push(opId(op));
    if (cancels) this.time.after(this.random.unit() * 2_000, () => this.cancel(opId(op)));
  }

  private cancel(task: OpId): void {
    this.bites.cancels += 1;
    const door = this.random.pick(this.nodes);
    this.say(`cancel ${task} at node ${door?.index}`);
    door?.cancel(task);
  }

  private planFaults(): void {
    const { knobs, random, network } = this;
    for (let n = 0; n < knobs.crashes; n++) {
      const node = random.pick(this.nodes);
      const machine = random.chance(knobs.holderDiesProbability);
      this.at(1, () => {
        if (node?.up() !== true) return;
        this.bites.crashes += 1;
        if (machine) this.bites.machineCrashes += 1;
        this.say(`${machine ? 'machine' : 'node'} ${node.index} crashes`);
        node.crash(machine);
        this.time.after(random.between(50, knobs.downMaxMs), () => {
          if (node === this.dead) return;
          this.say(`node ${node.index} starts again`);
          node.start();
        });
      });
    }
    for (let n = 0; n < knobs.pauses; n++) {
      const node = random.pick(this.nodes);
      this.at(1, () => this.pauseFor(node, random.between(100, PAUSE_MAX_MS)));
    }
    for (let n = 0; n < knobs.clockJumps; n++) {
      const node = random.pick(this.nodes);
      this.at(1, () => this.setClock(node, random.between(-DAY_MS, DAY_MS)));
    }
    if (random.chance(knobs.deathProbability)) this.at(1, () => this.die(random.pick(this.nodes)));
    for (let n = 0; n < knobs.cuts; n++) {
      const [a, b] = [random.pick(this.nodes), random.pick(this.nodes)];
      if (a === undefined || b === undefined || a === b) continue;
      this.at(1, () => {
        this.say(`link ${a.index}-${b.index} is cut`);
        network.cut(a.id, b.id);
        this.time.after(random.between(100, 10_000), () => network.heal(a.id, b.id));
      });
    }
  }

  private pauseFor(node: SimNode | undefined, ms: number): void {
    if (node?.up() !== true) return;
    this.bites.pauses += 1;
    this.say(`node ${node.index} is paused for ${ms} ms`);
    node.pause();
    this.time.after(ms, () => node.unpause());
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
    this.dead = node;
    node.crash(true);
  }

  private living(): SimNode[] {
    return this.nodes.filter((node) => node !== this.dead);
  }

  /** A task whose only majority died with its machine ends nowhere: that is what is promised. */
  private mustEnd(id: OpId): boolean {
    const dead = this.dead?.id;
    if (dead === undefined) return true;
    const created = this.living()
      .map((node) => node.committed().get('task', id)?.created)
      .find((one) => one !== undefined);
    if (created === undefined) return !id.startsWith(dead);
    const left = created.voters.filter((voter) => voter !== dead).length;
    const depends = created.dependsOn.every((one) => this.mustEnd(one));
    return depends && left > created.voters.length / 2;
  }

  /** Every task over, every node the same. */
  private isSettled(): boolean {
    const [first, ...rest] = this.living().map((node) => node.committed());
    if (first === undefined) return true;
    const over = this.taskIds
      .filter((id) => this.mustEnd(id))
      .every((id) => {
        const row = first.get('task', id);
        return row !== undefined && taskChain(row).ended !== undefined;
      });
    return over && rest.every((store) => store.lamport() === first.lamport()) && agree(this.living());
  }

  /** What only the rarer turns of a history bring about. */
  private rare(): Record<string, number> {
    const rows = this.taskIds
      .map((id) => this.living()[0]?.committed().get('task', id))
      .filter((row) => row !== undefined);
    const ends = rows.flatMap((row) => Object.values(row.ends));
    const grants = rows.flatMap((row) => Object.values(row.grants).map((grant) => ({ row, grant })));
    return {
      reports: rows.reduce((sum, row) => sum + Object.keys(row.reports).length, 0),
      lostAttempts: ends.filter((end) => end.value.kind === 'lost').length,
      slowWrites: this.nodes.reduce((sum, node) => sum + node.disk.slowWrites, 0),
      takeovers: grants.filter(({ row, grant }) => grant.stamp.node !== row.created?.home).length,
    };
  }

  private verdict(): Verdict {
    const statuses = this.taskIds.map((id) => {
      const row = this.living()[0]?.committed().get('task', id);
      return row === undefined ? 'unknown' : taskChain(row).status;
    });
    const count = (status: string): number => statuses.filter((one) => one === status).length;
    return {
      seed: this.seed,
      violations: [...new Set(this.history.violations)],
      bites: { ...this.bites, ...this.network.bites, ...this.rare() },
      tasks: { completed: count('completed'), failed: count('failed'), cancelled: count('cancelled') },
      starts: this.history.starts.length,
      events: this.time.events(),
      virtualMs: Math.round(this.time.nowMs),
    };
  }
}
