/** Everything one node does about tasks: claims for its agents, grants as home, votes as voter, attempts as grantee. */
import type { NodeId, OpId, Principal } from '../brand.ts';
import { parsedOpId } from '../brand.ts';
import type { Calls } from '../calls.ts';
import { Slots } from '../register/slots.ts';
import { Members } from '../members.ts';
import type { VoteReply } from '../register/acceptor.ts';
import type { EndValue } from '../schema/body.ts';
import { taskChain } from '../view/chain.ts';
import type { Heartbeat } from '../schema/frame.ts';
import type { TaskRow } from '../view/task.ts';
import type { Column } from '../view/view.ts';
import type { World } from '../world.ts';
import type { Hold } from './admission.ts';
import { Board } from './board.ts';
import type { CancelDone } from './canceller.ts';
import { Canceller } from './canceller.ts';
import { Claimer } from './claimer.ts';
import { Duplicates } from './duplicates.ts';
import { Endorser } from './endorser.ts';
import type { PendingTask } from './fit.ts';
import { isPending, supersededBy } from './fit.ts';
import { Granter } from './granter.ts';
import type { ActiveAttempt } from './grantee.ts';
import { Grantee } from './grantee.ts';
import { Leases } from './leases.ts';
import { Optimist } from './optimist.ts';
import { Waiters } from './waiters.ts';

/** Pending tasks that are claimed, or wait for others, read so many a time. */
const PAGE = 500;

type TasksOptions = {
  calls: Calls;
  /** An own agent takes no work now, whatever the log says. */
  isHeld: (agent: OpId) => boolean;
  /** Another node says that its agent works on something. */
  isSaidBusy: (node: NodeId, agent: OpId) => boolean;
  /** Another node says that its agent would take work. */
  isSaidIdle: (node: NodeId, agent: OpId) => boolean;
};

export class Tasks {
  private readonly world: World;
  private readonly board = new Board();
  private readonly waiters = new Waiters();
  private readonly slots: Slots;
  private readonly claimer: Claimer;
  private readonly granter: Granter;
  private readonly grantee: Grantee;
  private readonly leases: Leases;
  private readonly endorser: Endorser;
  private readonly optimist: Optimist;
  private readonly duplicates: Duplicates;
  private readonly members: Members;
  private begun = false;

  constructor(world: World, o: TasksOptions) {
    this.world = world;
    this.slots = new Slots(world, o.calls, (row) => this.leases.isHeld(row));
    this.leases = new Leases(world, this.slots);
    this.endorser = new Endorser(world, this.slots);
    this.optimist = new Optimist(world);
    this.duplicates = new Duplicates(world, this.slots);
    this.members = new Members(world);
    this.claimer = new Claimer(world, {
      board: this.board,
      isHeld: o.isHeld,
      workOf: (agent) => this.grantee.workOf(agent),
    });
    this.granter = new Granter(world, { board: this.board, ...o, slots: this.slots });
    this.grantee = new Grantee(world, this.slots, {
      optimist: this.optimist,
      isOwn: (agent) => this.claimer.own().has(agent),
      onStart: (agent, task) => this.claimer.onStart(agent, task),
    });
  }

  /** Reads what is open and goes on with it. Before this, nothing is done but to note whom this node met. */
  boot(): void {
    this.begun = true;
    const open = this.board.load(this.world.store);
    this.granter.load();
    this.grantee.load();
    this.slots.resume();
    this.claimer.load();
    for (const task of open) this.onTask(task);
    // A dependency may have ended in the moment before the last stop.
    for (const task of this.waiters.load(this.world.store)) this.look(task);
  }

  /** What had to be left aside after the start may be decided from now on. */
  goOn(): void {
    for (const task of this.board.load(this.world.store)) this.onTask(task);
    this.onReach();
  }

  /** These have new rows; called before anything follows from any of them. */
  onRows(tasks: Iterable<OpId>): void {
    this.claimer.onRows(tasks);
  }

  /** Ops were taken out of the log: any row may be another now. */
  onTruncated(): void {
    this.claimer.onTruncated();
  }

  /** Committed ops changed a task: whatever follows is recomputed from its row. */
  onTask(id: OpId): void {
    const row = this.world.store.get('task', id);
    if (row === undefined || !this.begun) return;
    const touched = this.board.update(row);
    this.claimer.onCommitted(row);
    this.waiters.update(row);
    const chain = taskChain(row);
    for (const slot of [...Object.keys(row.grants), ...Object.keys(row.ends)]) this.slots.onTask(row, Number(slot));
    this.reportConflicts(row);
    this.optimist.onTask(row);
    this.duplicates.onTask(row);
    this.grantee.onTask(row);
    this.leases.onTask(row);
    this.endorser.onTask(row);
    if (isPending(row)) this.onPending(row);
    if (chain.ended !== undefined) this.onEnded(row);
    this.claimer.onFree(touched);
    for (const agent of touched) this.granter.onFree(agent);
  }

  onAgent(id: OpId): void {
    if (!this.begun) return;
    this.granter.onAgent(id);
    this.claimer.onAgent(id);
  }

  /** Every input says what time it is. */
  at(nowMs: number): void {
    this.leases.at(nowMs);
  }

  onHeartbeat(frame: Heartbeat): void {
    if (!this.begun) return;
    this.leases.onHeartbeat(frame);
    const heard = new Set([frame.node_id, ...frame.links.filter((node) => !this.world.links.has(node))]);
    this.claimer.onHeard(heard);
    this.granter.onNodes(heard);
  }

  onLinkUp(node: NodeId): void {
    this.members.met(node);
    this.onReach();
  }

  onLinkDown(node: NodeId): void {
    this.members.met(node);
    this.onGone(node);
  }

  /** The node cannot be reached now. */
  onGone(node: NodeId): void {
    if (!this.begun) return;
    this.claimer.onLinkDown(node);
    this.onDoubt(node);
  }

  /** It is out of reach or suspected: others act for it where they may. Nothing of its own ends by that. */
  onDoubt(node: NodeId): void {
    this.regrant();
    // What a silent home would cancel, another voter has to.
    for (const row of this.rows({ waits: 1 })) if (row.created.home === node) this.granter.onPending(row);
  }

  /** Others are within reach now, or out of it: whoever waited for one of them goes on. */
  onReach(): void {
    if (!this.begun) return;
    this.slots.onLinkUp();
    this.claimer.seekAll({ afresh: true });
    this.regrant();
  }

  /** Claims may be granted now that their node is in reach; and in place of a home that is not. */
  private regrant(): void {
    for (const row of this.rows({ contested: 1 })) this.granter.onPending(row);
  }

  private *rows(where: Record<string, Column>): Generator<PendingTask> {
    for (let offset = 0; ; offset += PAGE) {
      const page = this.world.store.list('task', { where, limit: PAGE, offset });
      yield* page.filter(isPending);
      if (page.length < PAGE) return;
    }
  }

  seek(): void {
    if (this.begun) this.claimer.seekAll({ afresh: true });
  }

  onTimer(name: string): void {
    const [kind, key = ''] = name.split(/:(.*)/s);
    if (kind === 'round') this.slots.onRoundTimer(key);
    else if (kind === 'until') this.slots.onUntilTimer(key);
    else if (kind === 'repair') this.slots.onRepairTimer(key);
    else if (kind === 'grant') this.granter.onGrantTimer(parsedOpId(key));
    else if (kind === 'takeover') this.granter.onTakeoverTimer(parsedOpId(key));
    else if (kind === 'lease') this.leases.onTimer(key);
    else if (kind === 'report') this.grantee.onReportTimer(key);
    else if (kind === 'endorse') this.endorser.onTimer(parsedOpId(key));
    else if (kind === 'withdraw') this.claimer.onWithdrawTimer(parsedOpId(key));
    else if (kind === 'settle') this.onSettled(parsedOpId(key));
    else if (kind === 'seek') this.claimer.seekAll({ afresh: false });
  }

  vote(method: string, params: unknown): VoteReply | undefined {
    return this.slots.vote(method, params);
  }

  /** Proposes the cancellation in whichever slot is open, until it or another end of the task is decided. */
  cancel(o: { task: OpId; by: Principal; done: CancelDone }): void {
    if (this.begun) new Canceller(this.world, this.slots, o).propose();
    else o.done('unreachable');
  }

  attemptEnded(o: { task: OpId; attempt: number; value: EndValue }): void {
    if (o.value.reason === 'setup_failed') this.claimer.onSetupFailed(o);
    this.grantee.ended(o);
  }

  attemptGone(o: { task: OpId; attempt: number }): void {
    const agent = this.grantee.gone(o.task, o.attempt);
    const row = this.world.store.get('task', o.task);
    if (row !== undefined) this.grantee.onTask(row);
    if (agent !== undefined) this.claimer.onFree([agent]);
  }

  ownAgents(): Iterable<OpId> {
    return this.claimer.own().keys();
  }

  /** Nodes that vote on what runs here: they hear of it by this node's heartbeat. */
  partners(): NodeId[] {
    const works = [...this.claimer.own().keys()].flatMap((agent) => this.grantee.workOf(agent) ?? []);
    return works.flatMap(({ task }) => this.world.store.get('task', task)?.created?.voters ?? []);
  }

  workOf(agent: OpId): ActiveAttempt | undefined {
    return this.grantee.workOf(agent);
  }

  /** Why an own agent leaves work to others that it could do: a cap, or too little memory. */
  heldBack(agent: OpId): Hold | undefined {
    return this.claimer.heldBack(agent);
  }

  /** Home first: 3 as soon as it knows two other members, 5 from four others on. The number makes the choice differ from task to task. */
  votersForNewTask(): NodeId[] {
    const { log, self } = this.world;
    const voters = this.members.votersFor(`${self} ${log.head(self).seq} ${this.world.random()}`);
    return this.begun && !this.world.canDecide(voters) ? [self] : voters;
  }

  private onSettled(task: OpId): void {
    this.optimist.onTimer(task);
    const row = this.world.store.get('task', task);
    if (row !== undefined) this.grantee.onTask(row);
  }

  /** Dependents may start now, or are cancelled by their home; also those of a task that this one stands in for. */
  private onEnded(row: TaskRow): void {
    for (const task of [row.id, ...supersededBy(this.world.store, row)])
      for (const dependent of this.waiters.on(task)) this.look(dependent);
  }

  private look(task: OpId): void {
    const row = this.world.store.get('task', task);
    if (isPending(row)) this.onPending(row);
  }

  private onPending(row: PendingTask): void {
    this.claimer.onPending(row);
    this.granter.onPending(row);
  }

  private reportConflicts(row: TaskRow): void {
    for (const slot of Object.keys(row.conflicts))
      this.world.alarm(`slot ${slot} of task ${row.id} was decided in two ways`);
  }
}
