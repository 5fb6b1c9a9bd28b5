/**
 * A race in three lines: `create t at 0; kill home after claim t; expect t completed`. Steps run one after the other in virtual time; `after EVENT`
 * waits for what an observer sees. docs/simulator.md has the words.
 */
import type { NodeId, OpId } from '#core/brand.ts';
import { taskChain } from '#core/view/chain.ts';
import type { TaskRow } from '#core/view/task.ts';
import type { SimNode } from './node.ts';
import type { SimParts } from './parts.ts';
import { Random } from './random.ts';
import type { Step } from './scenario-text.ts';
import { readScenario } from './scenario-text.ts';
import { SKELETON_STORM } from './storm-knobs.ts';
import type { SwarmKnobs } from './swarm.ts';
import { Swarm } from './swarm.ts';

export type ScenarioVerdict = {
  violations: string[];
  /** From the creation of each task to the moment at which some node knew its end; undefined: it did not end. */
  tookMs: Map<string, number | undefined>;
};

/** Longer than any rest that is right: a lease of two minutes, and what comes before and after it. */
const SETTLE_MAX_MS = 900_000;
const EVENTS_MAX = 2_000_000;
const START_MS = 1_000;

type Task = { id: OpId; createdMs: number; endedMs: number | undefined };

export class Scenario {
  private readonly swarm: Swarm;
  private readonly random: Random;
  private readonly steps: Step[];
  private readonly tasks = new Map<string, Task>();
  private readonly votersMax: number;
  private readonly trace: (line: string) => void;
  /** The task that `home`, `grantee` and `voter` speak of: the last one named. */
  private focus = '';

  constructor(text: string, o: { seed: number; trace?: (line: string) => void; parts?: Partial<SimParts> }) {
    const { swarm, steps } = readScenario(text);
    const workMs = swarm.workMs;
    const knobs: SwarmKnobs = {
      ...SKELETON_STORM,
      nodes: swarm.nodes,
      agentsPerNode: swarm.agents,
      leaseMs: swarm.leaseMs,
      workMinMs: workMs,
      workMaxMs: workMs,
      failProbability: 0,
      hangProbability: 0,
      lossProbability: 0,
      duplicateProbability: 0,
      slowDiskProbability: 0,
    };
    this.steps = steps;
    this.votersMax = swarm.voters;
    this.random = new Random(o.seed);
    this.swarm = new Swarm({ random: this.random, knobs, parts: o.parts });
    this.trace = o.trace ?? (() => {});
  }

  async run(): Promise<ScenarioVerdict> {
    const { swarm } = this;
    swarm.start();
    await this.until(SETTLE_MAX_MS, () => swarm.isSettled());
    await this.until(START_MS, () => false);
    for (const step of this.steps) {
      const { after } = step;
      if (after !== undefined && !(await this.until(SETTLE_MAX_MS, () => this.happened(after))))
        swarm.history.broken(`scenario: "${step.text}" waited in vain`);
      this.trace(`${String(Math.round(swarm.time.nowMs)).padStart(8)} ms  ${step.text}`);
      await this.do(step);
    }
    swarm.history.checkSlots();
    return { violations: [...new Set(swarm.history.violations)], tookMs: this.took() };
  }

  /** Runs until `enough`, at most so long; false when it was never so. */
  private async until(maxMs: number, enough: () => boolean): Promise<boolean> {
    const { time } = this.swarm;
    let was = false;
    const look = (): boolean => {
      this.watchEnds();
      was = enough();
      return was;
    };
    await time.run({ untilMs: time.nowMs + maxMs, maxEvents: EVENTS_MAX, enough: look });
    return was || look();
  }

  private watchEnds(): void {
    for (const task of this.tasks.values()) {
      if (task.endedMs !== undefined || !this.swarm.history.happened.has(`over ${task.id}`)) continue;
      task.endedMs = this.swarm.time.nowMs;
    }
  }

  private took(): Map<string, number | undefined> {
    return new Map(
      [...this.tasks].map(([name, { createdMs, endedMs }]) => [
        name,
        endedMs === undefined ? undefined : endedMs - createdMs,
      ]),
    );
  }

  private happened(after: NonNullable<Step['after']>): boolean {
    const task = this.task(after.task);
    if (after.event === 'known')
      return this.swarm.nodes.every((node) => node.committed().get('task', task.id)?.created !== undefined);
    return this.swarm.history.happened.has(
      `${after.event} ${task.id}${after.attempt === undefined ? '' : ` ${after.attempt}`}`,
    );
  }

  private async do(step: Step): Promise<void> {
    const { network } = this.swarm;
    switch (step.verb) {
      case 'create':
        return this.create(step);
      case 'cancel':
        this.focus = step.task;
        return this.node(step.at).cancel(this.task(step.task).id);
      case 'cut':
        return this.links(step.between, (a, b) => network.cut(a, b));
      case 'heal':
        return this.links(step.between, (a, b) => network.heal(a, b));
      case 'kill':
        return this.node(step.who).crash(false);
      case 'crash':
        return this.node(step.who).crash(true);
      case 'die':
        this.swarm.dead = this.node(step.who);
        return this.swarm.dead.crash(true);
      case 'start':
        return this.node(step.who).start();
      case 'pause':
        return this.node(step.who).pause();
      case 'wake':
        return this.node(step.who).unpause();
      case 'wait':
        await this.until(this.random.between(step.minMs, step.maxMs), () => false);
        return;
      case 'settle':
        if (!(await this.until(SETTLE_MAX_MS, () => this.swarm.isSettled())))
          this.swarm.history.broken('eventually/ended: the swarm does not come to rest');
        return this.swarm.check();
      case 'expect':
        return this.expect(step);
    }
  }

  private async create(step: Extract<Step, { verb: 'create' }>): Promise<void> {
    const home = this.node(step.at);
    const created = this.swarm.create(home, {
      title: step.task,
      alias: step.alias,
      voters: home.votersForNewTask().slice(0, this.votersMax),
      dependsOn: step.needs.map((name) => this.task(name).id),
    });
    const createdMs = this.swarm.time.nowMs;
    let id: OpId | undefined;
    void created.then((made) => (id = made));
    await this.until(START_MS, () => id !== undefined);
    if (id === undefined) throw new Error(`scenario: "${step.text}": node ${home.index} did not take it`);
    this.tasks.set(step.task, { id, createdMs, endedMs: undefined });
    this.focus = step.task;
  }

  private expect(step: Extract<Step, { verb: 'expect' }>): void {
    this.focus = step.task;
    const node = step.at === undefined ? this.swarm.living().find((one) => one.up()) : this.node(step.at);
    const row = node?.committed().get('task', this.task(step.task).id);
    const seen = row === undefined ? { status: 'unknown' } : this.seen(row);
    for (const [name, value] of Object.entries(step.wanted)) {
      const wanted = name === 'by' ? String(this.node(value).index) : value;
      const got = String(Object.entries(seen).find(([key]) => key === name)?.[1]);
      if (!wanted.split('|').includes(got))
        this.swarm.history.broken(`scenario: "${step.text}": ${name} is ${got} at node ${node?.index}`);
    }
  }

  private seen(row: TaskRow): Record<string, string | number> {
    const { status, attempt, running, ended } = taskChain(row);
    const last = running ?? Object.values(row.grants).at(-1);
    const late = Object.entries(row.reports).filter(([slot, { value }]) => {
      const end = row.ends[Number(slot)]?.value;
      return end !== undefined && end.kind !== value.kind;
    });
    const by = this.swarm.nodes.find((node) => node.id === last?.value.node)?.index ?? -1;
    return {
      status,
      attempts: attempt,
      late: late.length,
      reason: ended?.value.reason ?? 'none',
      by,
      voters: row.created?.voters.length ?? 0,
    };
  }

  private task(name: string): Task {
    const task = this.tasks.get(name);
    if (task === undefined) throw new Error(`scenario: no task is named "${name}"`);
    return task;
  }

  /** A number, or a part that a node plays in the task in focus; the grantee is that of the first attempt. */
  private node(who: string): SimNode {
    const { nodes } = this.swarm;
    const found = /^\d+$/.test(who) ? nodes[Number(who)] : nodes.find((node) => node.id === this.player(who));
    if (found === undefined) throw new Error(`scenario: no node is "${who}" of task "${this.focus}"`);
    return found;
  }

  private player(who: string): NodeId | undefined {
    const { id } = this.task(this.focus);
    const rows = this.swarm.nodes.map((node) => node.committed().get('task', id));
    const created = rows.find((row) => row?.created !== undefined)?.created;
    const grantee = rows.find((row) => row?.grants[1] !== undefined)?.grants[1]?.value.node;
    if (who === 'home') return created?.home;
    if (who === 'grantee') return grantee;
    if (who === 'voter') return created?.voters.find((node) => node !== created.home && node !== grantee);
    return undefined;
  }

  /** All links, those of one node, or the one between two. */
  private links(between: readonly string[], run: (a: NodeId, b: NodeId) => void): void {
    const [one, two] = between.map((who) => this.node(who));
    for (const a of this.swarm.nodes)
      for (const b of this.swarm.nodes) {
        const isMeant = (one === undefined || a === one) && (two === undefined || b === two);
        if (a !== b && isMeant && (one !== undefined || a.index < b.index)) run(a.id, b.id);
      }
  }
}
