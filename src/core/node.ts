/**
 * One node without I/O: links, frames and time go in; a {@link Turn} comes out: relays, one write, and what may happen once that write is on
 * disk. The host and the simulator run this same class.
 *
 * A turn: inputs fill it → `take` → the shell sends the relays, commits the write → `settle` with the same turn → the shell sends and acts.
 */
import type { NodeId, OpId, Principal } from './brand.ts';
import type { BootStanding } from './boot-check.ts';
import { BootCheck } from './boot-check.ts';
import type { CallAnswer } from './calls.ts';
import { Calls } from './calls.ts';
import type { Clock, CoreOptions } from './core-options.ts';
import { storedLog } from './core-options.ts';
import { followUp } from './follow-up.ts';
import { Forks } from './fork.ts';
import { isMeshTimer, Mesh } from './mesh.ts';
import { Mail } from './message/mail.ts';
import type { Draft, Op } from './op.ts';
import { type AgentSeen, OwnAgents } from './own-agents.ts';
import type { NodePresence } from './presence.ts';
import { PresenceBoard } from './presence.ts';
import { Reach } from './reach.ts';
import type { EndValue } from './schema/body.ts';
import type { CallFrame, Frame, MemberState } from './schema/frame.ts';
import { FRAME } from './schema/frame.ts';
import type { Tally } from './tally.ts';
import { Tasks } from './task/tasks.ts';
import { Timers } from './timers.ts';
import type { Outgoing, Turn } from './turn.ts';
import { emptyTurn } from './turn.ts';
import { World } from './world.ts';

export type { Clock, CoreOptions } from './core-options.ts';

export class NodeCore {
  private readonly world: World;
  private readonly presence: PresenceBoard;
  private readonly mesh: Mesh;
  private readonly calls: Calls;
  private readonly tasks: Tasks;
  private readonly forks: Forks;
  private readonly bootCheck: BootCheck;
  private readonly reach: Reach;
  private readonly ownAgents = new OwnAgents();
  private readonly mailing: Mail;

  constructor(o: CoreOptions) {
    this.world = new World({ ...o, log: storedLog(o), timers: new Timers(), turn: emptyTurn() });
    this.forks = new Forks(this.world);
    this.presence = new PresenceBoard(this.world, () => this.ownAgents.list(this.tasks));
    this.reach = new Reach(this.world, this.presence, { tasks: () => this.tasks, calls: () => this.calls });
    this.mesh = new Mesh(this.world, {
      presence: this.presence,
      partners: () => [...this.tasks.partners(), ...this.calls.called()],
      keepsAll: () => !this.bootCheck.hasPassed(),
    });
    this.calls = new Calls(this.world, this.presence);
    this.tasks = new Tasks(this.world, {
      calls: this.calls,
      isHeld: (agent) => this.ownAgents.isHeld(agent),
      isSaidBusy: (node, agent) => this.presence.isBusy(node, agent),
      isSaidIdle: (node, agent) => this.presence.takesWork(node, agent),
    });
    this.mailing = new Mail(this.world);
    this.bootCheck = new BootCheck(this.world, { tasks: this.tasks, presence: this.presence });
  }

  /** Once, first: goes on with what was open, as soon as the check after the start lets it. */
  boot(clock: Clock): void {
    this.at(clock);
    this.mesh.boot();
    this.bootCheck.boot();
    this.mailing.boxes.boot();
    this.mesh.onWork();
    // From here on this node looks at the clock every heartbeat, linked or not: else a lonely voter would take each wait for a pause.
    this.presence.announce();
    // A proof of a fork may have been stored in the moment before the last stop.
    this.forks.boot();
  }

  linkUp(o: { node: NodeId; roundTripMs: number | undefined }, clock: Clock): void {
    this.at(clock);
    this.world.links.add(o.node);
    this.reach.detector.onLinkUp(o.node);
    if (o.roundTripMs !== undefined) this.world.setRoundTrip(o.node, o.roundTripMs);
    this.bootCheck.onLinkUp(o.node);
    this.mesh.onLinkUp(o.node);
    this.calls.onWaysChanged();
    this.presence.announce();
    this.tasks.onLinkUp(o.node);
  }

  linkDown(node: NodeId, clock: Clock): void {
    this.at(clock);
    this.world.links.delete(node);
    this.bootCheck.onLinkDown(node);
    this.mesh.onLinkDown(node);
    this.presence.onLinkDown(node);
    this.reach.detector.onLinkDown(node);
    this.calls.onWaysChanged();
    this.tasks.onLinkDown(node);
    this.presence.announce();
  }

  drained(node: NodeId, clock: Clock): void {
    this.at(clock);
    this.mesh.onDrained(node);
  }

  roundTrip(node: NodeId, roundTripMs: number): void {
    this.world.setRoundTrip(node, roundTripMs);
  }

  /** A frame of a linked peer. Frames that only watchers care for never reach the core. */
  frame(from: NodeId, frame: Frame, clock: Clock): void {
    this.at(clock);
    if ('count' in frame) this.world.counts.heard('from' in frame ? frame.from : from, frame.count);
    this.reach.detector.onHeard(from);
    switch (frame.type) {
      case FRAME.probe:
      case FRAME.probeAnswer:
        return this.reach.detector.onFrame(from, frame);
      case FRAME.agentHeartbeat:
        this.world.log.witness(frame.lamport_ts);
        return this.reach.onHeartbeat(from, frame);
      case FRAME.call:
        if (!this.calls.relayed(frame, from)) this.serve(frame);
        return;
      case FRAME.reply:
        if (!this.calls.relayed(frame, from)) this.calls.onReply(frame);
        return;
      default:
        this.onMeshFrame(from, frame);
    }
  }

  /** Ops of this node. On disk, and visible, once the turn they are in is settled. `comparing`: not yet, see {@link standing}. */
  append(drafts: readonly Draft[], clock: Clock): Op[] | 'tooLarge' | 'comparing' {
    this.at(clock);
    if (!this.world.mayAppend()) return 'comparing';
    return this.world.append(drafts);
  }

  /** Messages of this node's agents, and what is sent here. */
  mail(clock: Clock): Mail {
    this.at(clock);
    return this.mailing;
  }

  /** `done` runs once the cancellation, or another end, is decided and on disk here. */
  cancelTask(
    o: { task: OpId; by: Principal; done: (outcome: 'cancelled' | 'over' | 'unreachable') => void },
    clock: Clock,
  ): void {
    this.at(clock);
    this.tasks.cancel(o);
  }

  /** An attempt of this node ended and its work is where it should be. */
  attemptEnded(o: { task: OpId; attempt: number; value: EndValue }, clock: Clock): void {
    this.at(clock);
    this.tasks.attemptEnded(o);
  }

  /** An attempt of this node is stopped and cleaned; its agent may work again. */
  attemptGone(o: { task: OpId; attempt: number }, clock: Clock): void {
    this.at(clock);
    this.tasks.attemptGone(o);
    this.presence.announce();
  }

  /** What the shell saw of an own agent: only idle ones take work. Undefined: as the tasks say. */
  agentState(o: AgentSeen, clock: Clock): void {
    this.at(clock);
    if (!this.ownAgents.see(o)) return;
    this.presence.announce();
    this.tasks.seek();
  }

  /** What this node can work on changed: a project was cloned, a tool appeared. */
  abilitiesChanged(clock: Clock): void {
    this.at(clock);
    this.tasks.seek();
  }

  call(
    o: { to: NodeId; method: string; params: unknown; deadlineMs: number; done: (answer: CallAnswer) => void },
    clock: Clock,
  ): void {
    this.at(clock);
    this.calls.start(o);
  }

  /** Answers a call handed out as a `serve` action. */
  reply(call: CallFrame, answer: CallAnswer, clock: Clock): void {
    this.at(clock);
    this.calls.reply(call, answer);
  }

  tick(clock: Clock): void {
    this.at(clock);
    for (const name of this.world.timers.due(clock.nowMs)) {
      if (name === 'beat') this.presence.announce();
      else if (name === 'counts') this.world.writeWaiting(this.world.turn);
      else if (name === 'alone' || name.startsWith('away/')) this.bootCheck.onTimer(name);
      else if (name.startsWith('member:')) this.reach.detector.onTimer(name);
      else if (isMeshTimer(name)) for (const node of this.mesh.onTimer(name)) this.onLost(node);
      else if (name.startsWith('mail:')) this.mailing.boxes.onTimer(name);
      else if (name.startsWith('call:')) this.calls.onDeadline(name.slice(5));
      else this.tasks.onTimer(name);
    }
  }

  /** This node stops on purpose: its last words to all links. They stand for nothing on disk. */
  leave(clock: Clock): Outgoing[] {
    this.at(clock);
    return this.reach.leaving();
  }

  /** When `tick` is due; undefined while nothing waits. */
  nextWakeMs(): number | undefined {
    return this.world.timers.nextMs();
  }

  /** Closes the turn under way and opens the next; undefined when it is empty. Signs the last op of each own batch. */
  take(): Turn | undefined {
    return this.world.takeTurn();
  }

  /** The turn's write is on disk: decisions follow from it, and its sends and actions may happen. */
  settle(turn: Turn, clock: Clock): void {
    this.at(clock);
    const { world, tasks, forks, ownAgents, bootCheck, mailing } = this;
    world.settled(turn);
    turn.sends.push(...this.mesh.onCommitted(turn.ops));
    const { self } = world;
    if (followUp(turn, { self, tasks, forks, ownAgents, bootCheck, mailing })) this.presence.announce();
    this.mesh.onWork();
    for (const run of turn.after) run();
  }

  /** How far the check after the start has come. */
  standing(): BootStanding {
    return this.bootCheck.standing();
  }

  presences(): ReadonlyMap<NodeId, NodePresence> {
    return this.presence.all();
  }

  /** Every other node that is linked or was heard of, as it is shown. */
  standings(): ReadonlyMap<NodeId, MemberState> {
    return this.reach.standings();
  }

  /** Why an agent of this node leaves work that fits it to others now, in words. */
  readonly heldBack = (agent: OpId): string | undefined => this.tasks.heldBack(agent)?.text;

  votersForNewTask(): NodeId[] {
    return this.tasks.votersForNewTask();
  }

  /** What became of the batches of ops that each node sent or relayed. */
  tallies(): ReadonlyMap<NodeId, Tally> {
    return this.mesh.tallies();
  }

  headsDigest = (): string => this.world.log.digest();

  private at(clock: Clock): void {
    this.world.nowMs = clock.nowMs;
    this.world.wallMs = clock.wallMs;
    this.tasks.at(clock.nowMs);
  }

  private onMeshFrame(from: NodeId, frame: Frame): void {
    if (frame.type === FRAME.heads) {
      this.bootCheck.onHeads(from, frame);
      this.mesh.onWork();
    }
    for (const result of this.mesh.onFrame(from, frame) ?? []) {
      if (result.kind === 'fork') this.forks.found(result);
      if (result.kind === 'ahead') this.bootCheck.forgot(from, `holds ${result.seq} ops of its log`);
    }
  }

  /** It was wanted and cannot be dialled: what waited for it goes on without. */
  private onLost(node: NodeId): void {
    this.reach.detector.onLost(node);
    this.calls.onWaysChanged();
    this.tasks.onGone(node);
  }

  private serve(call: CallFrame): void {
    this.world.log.witness(call.lamport);
    const vote = this.tasks.vote(call.method, call.params);
    if (vote === undefined) this.world.turn.actions.push({ kind: 'serve', call });
    else this.calls.reply(call, { ok: true, result: vote });
  }
}
