/** A simulated swarm: machines, the network between them and what an observer saw. Storms, races and scenarios are different hands on it. */
import type { NodeId, OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { opId } from '#core/op.ts';
import { taskChain } from '#core/view/chain.ts';
import type { MemoryStore } from '#store/memory.ts';
import type { TaskShape } from './bodies.ts';
import { taskBody } from './bodies.ts';
import { checkFinally, holdTheSame } from './checks.ts';
import { History } from './history.ts';
import type { NetworkKnobs } from './network.ts';
import { Network } from './network.ts';
import type { MachineKnobs } from './machine-knobs.ts';
import { SimNode } from './node.ts';
import type { SimParts } from './parts.ts';
import { REAL_PARTS } from './parts.ts';
import type { Random } from './random.ts';
import { readingOnce } from './read-once.ts';
import { VirtualTime } from './time.ts';

export type SwarmKnobs = MachineKnobs & NetworkKnobs & { nodes: number; agentsPerNode: number };

/** Within this time of heal all nodes have held the same ops at some moment: what is promised. */
const AGREE_WITHIN_MS = 45_000;
/** How often an observer looks whether a swarm has come to rest: virtual time, so that looking costs little. */
const LOOK_MS = 50;

export class Swarm {
  readonly time = new VirtualTime();
  readonly history = new History();
  readonly network: Network;
  readonly nodes: SimNode[] = [];
  readonly taskIds: OpId[] = [];
  /** The node that went down for good. */
  dead: SimNode | undefined;
  /** When all faults were over, and when all nodes first held the same after it. */
  private healedMs: number | undefined;
  private agreedMs: number | undefined;
  private lookedMs = Number.NEGATIVE_INFINITY;

  /** `parts`: broken pieces of nodes, for those who test the checks. */
  constructor(o: { random: Random; knobs: SwarmKnobs; parts?: Partial<SimParts> | undefined }) {
    const { time, history, knobs } = { ...o, time: this.time, history: this.history };
    history.leases.begin({ leaseMs: knobs.leaseMs, nowMs: () => time.nowMs });
    this.network = new Network({ time, random: o.random.fork(), knobs, sent: (frame) => history.sent(frame) });
    const parts = { ...REAL_PARTS, ...o.parts };
    const readOp = readingOnce();
    for (let index = 0; index < knobs.nodes; index++)
      this.nodes.push(
        new SimNode({ index, time, random: o.random.fork(), network: this.network, history, knobs, parts, readOp }),
      );
    this.agentsPerNode = knobs.agentsPerNode;
  }

  private readonly agentsPerNode: number;

  start(): void {
    for (const node of this.nodes) {
      this.network.join(node);
      node.start();
      for (let n = 0; n < this.agentsPerNode; n++)
        this.time.after(1, () => node.registerAgent(`agent-${node.index}-${n}`));
    }
  }

  /** Resolves when it is acknowledged; undefined when the node is down, or goes down before. */
  async create(home: SimNode, shape: Partial<TaskShape> & { title: string }): Promise<OpId | undefined> {
    const body = taskBody({ voters: home.votersForNewTask(), ...shape, home: home.id });
    const arrivals = await home.append([{ entity: undefined, by: userPrincipal('sim'), body }]);
    const op = arrivals?.[0]?.op;
    if (op === undefined) return undefined;
    this.taskIds.push(opId(op));
    return opId(op);
  }

  /** Every fault is over: links come back, and whoever is not dead for good is up and awake. */
  heal(): void {
    this.network.quiet = true;
    this.network.healAll();
    for (const node of this.nodes) node.unpause();
    for (const node of this.living()) node.start();
    this.healedMs = this.time.nowMs;
  }

  /** Machines that are gone for good, or must not run again. */
  private gone(): ReadonlySet<NodeId> {
    const living = new Set(this.living());
    return new Set(this.nodes.flatMap((node) => (living.has(node) ? [] : [node.id])));
  }

  /** Puts back an older copy of a machine's disk, which is down. */
  putBack(node: SimNode, copy: MemoryStore): void {
    const others = this.nodes.flatMap((other) => (other === node ? [] : [other.committed()]));
    const lost = new Set(node.putBack(copy, others));
    this.taskIds.splice(0, Infinity, ...this.taskIds.filter((id) => !lost.has(id)));
  }

  living(): SimNode[] {
    return this.nodes.filter((node) => node !== this.dead && !node.isOut);
  }

  /** True when a look is due, every tasks that must is over, and all nodes hold the same. To be asked after each event. */
  isSettled(): boolean {
    if (this.time.nowMs - this.lookedMs < LOOK_MS) return false;
    this.lookedMs = this.time.nowMs;
    const same = holdTheSame(this.living());
    if (same) this.agreedMs ??= this.time.nowMs;
    return same && this.taskIds.every((id) => this.isOver(id) || !this.mustEnd(id));
  }

  private isOver(task: OpId): boolean {
    const row = this.living()[0]?.committed().get('task', task);
    return row !== undefined && taskChain(row).ended !== undefined;
  }

  /** A task whose only majority died with its machine ends nowhere: that is what is promised. */
  private mustEnd(id: OpId): boolean {
    const gone = this.gone();
    if (gone.size === 0) return true;
    const created = this.living()
      .map((node) => node.committed().get('task', id)?.created)
      .find((one) => one !== undefined);
    if (created === undefined) return ![...gone].some((node) => id.startsWith(node));
    const left = created.voters.filter((voter) => !gone.has(voter)).length;
    const depends = created.dependsOn.every((one) => this.mustEnd(one));
    return depends && left > created.voters.length / 2;
  }

  /** What must hold at the end of a history. */
  check(): void {
    const { history, taskIds } = this;
    const living = this.living();
    checkFinally({ history, living, gone: this.gone(), taskIds, mustEnd: (id) => this.mustEnd(id) });
    if (this.healedMs === undefined) return;
    const tookMs = this.agreeMs();
    if (tookMs === undefined || tookMs > AGREE_WITHIN_MS)
      history.broken(
        `eventually/agreement-in-time: all nodes held the same ${tookMs ?? 'never'} ms after heal, ${AGREE_WITHIN_MS} is the limit`,
      );
  }

  /** How long after heal all nodes first held the same ops; undefined while they have not. */
  agreeMs(): number | undefined {
    return this.healedMs === undefined || this.agreedMs === undefined ? undefined : this.agreedMs - this.healedMs;
  }

  /** What only the rarer turns of a history bring about. */
  rare(): { reports: number; lostAttempts: number; slowWrites: number; takeovers: number; hung: number } {
    const first = this.living()[0]?.committed();
    const rows = this.taskIds.map((id) => first?.get('task', id)).filter((row) => row !== undefined);
    const ends = rows.flatMap((row) => Object.values(row.ends));
    const grants = rows.flatMap((row) => Object.values(row.grants).map((grant) => ({ row, grant })));
    return {
      reports: rows.reduce((sum, row) => sum + Object.keys(row.reports).length, 0),
      lostAttempts: ends.filter((end) => end.value.kind === 'lost').length,
      slowWrites: this.nodes.reduce((sum, node) => sum + node.disk.slowWrites, 0),
      hung: this.nodes.reduce((sum, node) => sum + node.holder.hung, 0),
      takeovers: grants.filter(({ row, grant }) => grant.stamp.node !== row.created?.home).length,
    };
  }

  /** How many tasks stand so at the first living node. */
  count(status: string): number {
    const first = this.living()[0]?.committed();
    const rows = this.taskIds.map((id) => first?.get('task', id));
    return rows.filter((row) => row !== undefined && taskChain(row).status === status).length;
  }
}
