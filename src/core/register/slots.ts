/**
 * The slot register of this node: proposer and acceptor of all slots it has to do with. A decision becomes an op (`task.granted`, `task.ended`)
 * appended by whoever sees the majority; a second copy is harmless.
 */
import type { NodeId, OpId } from '../brand.ts';
import { parsedOpId } from '../brand.ts';
import type { CallAnswer, Calls } from '../calls.ts';
import type { SlotValue } from '../schema/body.ts';
import type { TaskRow } from '../view/task.ts';
import type { World } from '../world.ts';
import type { VoteReply } from './acceptor.ts';
import { slotKey, voteReplySchema } from './acceptor.ts';
import { decidedValue, isGrant, openedBy, openerOf } from './admissible.ts';
import type { Ballot } from './ballot.ts';
import type { Caller, Outcome } from './callers.ts';
import { earliestMs, wantedBy } from './callers.ts';
import type { ProposerRow, Round } from './proposer.ts';
import { onVote, openRound, proposerRowSchema, wanting } from './proposer.ts';
import { REPAIR_MS, Voter } from './voter.ts';

/** A round without its majority is given up after this, and the next one waits a random time up to it: two proposers must not keep pace. */
const ROUND_MS = 1_000;
const BACKOFF_MAX_MS = 5_000;

type Proposal = {
  task: OpId;
  slot: number;
  row: ProposerRow;
  round: Round | undefined;
  above: Ballot | undefined;
  tries: number;
  callers: Caller[];
};

export class Slots {
  private readonly world: World;
  private readonly calls: Calls;
  private readonly voter: Voter;
  private readonly proposals = new Map<string, Proposal>();

  constructor(world: World, calls: Calls, isHeld: (row: TaskRow) => boolean) {
    this.world = world;
    this.calls = calls;
    this.voter = new Voter(world, isHeld);
  }

  /**
   * Goes on with what was under way before a restart; what is decided by now is forgotten. That an attempt is lost is not proposed again: its lease
   * starts anew, and its own node asks the holder.
   */
  resume(): void {
    const { store, timers, nowMs } = this.world;
    for (const { key, value } of store.localRows('proposal')) {
      const row = proposerRowSchema.safeParse(value);
      const [task, slot] = this.keyParts(key);
      if (this.forgetDecided(task, slot) || !row.success) continue;
      if (row.data.wanted && row.data.value.kind !== 'lost') this.propose({ task, slot, value: row.data.value });
    }
    for (const { key } of store.localRows('vote'))
      if (!this.forgetDecided(...this.keyParts(key))) timers.set(`repair:${key}`, nowMs + REPAIR_MS);
  }

  /**
   * Wants `value` decided in a slot. `done` runs once: after the decision is on disk here as an op (its value may be another's), or at `untilMs`,
   * when it may still come to be decided. While several want something of one slot, one of their values is proposed.
   */
  propose(o: {
    task: OpId;
    slot: number;
    value: SlotValue;
    untilMs?: number;
    done?: (outcome: Outcome) => void;
  }): void {
    const { task, slot } = o;
    const key = slotKey(task, slot);
    const row = this.world.store.get('task', task);
    const decided = row === undefined ? undefined : decidedValue(row, slot);
    if (decided !== undefined) {
      o.done?.({ kind: 'decided', value: decided });
      return;
    }
    const caller: Caller = { value: o.value, untilMs: o.untilMs, done: o.done };
    const held = this.proposals.get(key);
    const stored = proposerRowSchema.safeParse(this.world.row('proposal', key));
    const proposal: Proposal = held ?? {
      task,
      slot,
      row: wanting(stored.success ? stored.data : undefined, o.value),
      round: undefined,
      above: undefined,
      tries: 0,
      callers: [],
    };
    this.proposals.set(key, proposal);
    this.setCallers(key, proposal, [...proposal.callers, caller]);
    if (held === undefined) this.openNext(key);
  }

  isProposing(task: OpId, slot: number): boolean {
    return this.proposals.has(slotKey(task, slot));
  }

  /** A link came up: rounds that waited for it go on at once. */
  onLinkUp(): void {
    for (const key of this.proposals.keys()) if (this.proposals.get(key)?.round === undefined) this.openNext(key);
  }

  /** `round:<key>`: the round under way failed, or the pause before the next one is over. */
  onRoundTimer(key: string): void {
    const proposal = this.proposals.get(key);
    if (proposal === undefined) return;
    if (proposal.round === undefined) this.openNext(key);
    else this.pause(key, proposal, proposal.round.highest);
  }

  /** `until:<key>`: somebody waited long enough. When nobody is left, nothing more is proposed; the row stays, so that no round is used again. */
  onUntilTimer(key: string): void {
    const proposal = this.proposals.get(key);
    if (proposal === undefined) return;
    const { nowMs } = this.world;
    this.release(key, proposal, ({ untilMs }) => untilMs !== undefined && untilMs <= nowMs);
  }

  private release(key: string, proposal: Proposal, isOver: (caller: Caller) => boolean): void {
    const over = proposal.callers.filter(isOver);
    const left = proposal.callers.filter((caller) => !isOver(caller));
    if (left.length === 0) {
      this.proposals.delete(key);
      for (const timer of ['round', 'until']) this.world.timers.clear(`${timer}:${key}`);
      this.world.persist({ table: 'proposal', key, value: { ...proposal.row, wanted: false } });
    } else this.setCallers(key, proposal, left);
    for (const caller of over) caller.done?.({ kind: 'unreachable' });
  }

  /**
   * `repair:<key>`: this node voted, and still nobody appended the decision; or what opened this slot is a decision without an op. 1. A slot is
   * decided, its op not yet on disk at its author. 2. The next slot's votes carry it. 3. Whoever knew it goes down.
   */
  onRepairTimer(key: string): void {
    const [task, slot] = this.keyParts(key);
    const vote = this.voter.row(key);
    const row = this.world.store.get('task', task);
    if (row?.created === undefined || decidedValue(row, slot) !== undefined) return;
    const opener = openerOf(row.created, slot);
    if (vote.carried !== null && decidedValue(row, opener) === undefined) {
      this.append(task, opener, vote.carried);
      this.world.timers.set(`repair:${key}`, this.world.nowMs + REPAIR_MS);
      return;
    }
    if (vote.accepted === null) return;
    this.propose({ task, slot, value: vote.accepted.value });
  }

  /** Committed ops changed a task: proposals and votes of decided slots are over. */
  onTask(row: TaskRow, slot: number): void {
    const value = decidedValue(row, slot);
    if (value === undefined) return;
    const key = slotKey(row.id, slot);
    for (const table of ['vote', 'proposal'] as const) {
      if (this.world.row(table, key) !== undefined) this.world.persist({ table, key, value: undefined });
    }
    for (const timer of ['repair', 'round', 'until']) this.world.timers.clear(`${timer}:${key}`);
    const proposal = this.proposals.get(key);
    this.proposals.delete(key);
    for (const caller of proposal?.callers ?? []) caller.done?.({ kind: 'decided', value });
  }

  private forgetDecided(task: OpId, slot: number): boolean {
    const row = this.world.store.get('task', task);
    if (row === undefined || decidedValue(row, slot) === undefined) return false;
    this.onTask(row, slot);
    return true;
  }

  private setCallers(key: string, proposal: Proposal, callers: Caller[]): void {
    proposal.callers = callers;
    const wanted = wantedBy(callers);
    if (wanted !== undefined) proposal.row = wanting(proposal.row, wanted);
    const untilMs = earliestMs(callers);
    if (untilMs === undefined) this.world.timers.clear(`until:${key}`);
    else this.world.timers.set(`until:${key}`, untilMs);
  }

  /** Answers a vote call; undefined for another method. */
  vote(method: string, params: unknown): VoteReply | undefined {
    return this.voter.vote(method, params);
  }

  private openNext(key: string): void {
    const proposal = this.proposals.get(key);
    const row = proposal === undefined ? undefined : this.world.store.get('task', proposal.task);
    if (proposal === undefined || row?.created === undefined) return;
    if (!this.world.canDecide(row.created.voters)) return this.pause(key, proposal, undefined);
    const { slot } = proposal;
    const opening = openedBy(row, slot);
    if (opening === undefined) return this.pause(key, proposal, undefined);
    const { before, owner } = opening;
    const opened = openRound({
      row: proposal.row,
      self: this.world.self,
      ownsBallotZero: owner === this.world.self,
      above: proposal.above,
    });
    proposal.row = opened.row;
    proposal.round = opened.round;
    this.world.persist({ table: 'proposal', key, value: opened.row });
    this.world.timers.set(`round:${key}`, this.world.nowMs + ROUND_MS);
    this.ask(key, proposal, opened.round, { row, before });
  }

  private ask(key: string, proposal: Proposal, round: Round, o: { row: TaskRow; before: SlotValue | null }): void {
    const { task, slot } = proposal;
    const common = { task, slot, ballot: round.ballot, carry: o.before };
    const [method, params] =
      round.phase === 'prepare'
        ? ['slot.prepare', { ...common, wants: proposal.row.value.kind }]
        : ['slot.accept', { ...common, value: round.value }];
    for (const voter of o.row.created?.voters ?? []) {
      if (voter === this.world.self) {
        this.voteMyself(key, round, method, params);
        continue;
      }
      this.calls.start({
        to: voter,
        method,
        params,
        deadlineMs: ROUND_MS,
        done: (answer) => this.onAnswer(key, round, voter, answer),
      });
    }
  }

  /** This node's own vote counts once it is on disk, like anybody's. */
  private voteMyself(key: string, round: Round, method: string, params: unknown): void {
    const reply = this.vote(method, params);
    if (reply !== undefined) this.world.afterWrite(() => this.onReply(key, round, { from: this.world.self, reply }));
  }

  private onAnswer(key: string, round: Round, from: NodeId, answer: CallAnswer): void {
    if (!answer.ok) return;
    const reply = voteReplySchema.safeParse(answer.result);
    if (reply.success) this.onReply(key, round, { from, reply: reply.data });
  }

  private onReply(key: string, round: Round, o: { from: NodeId; reply: VoteReply }): void {
    const proposal = this.proposals.get(key);
    const row = proposal === undefined ? undefined : this.world.store.get('task', proposal.task);
    if (proposal === undefined || proposal.round !== round || row?.created === undefined) return;
    const step = onVote(round, { ...o, voters: row.created.voters });
    switch (step.kind) {
      case 'wait':
        return;
      case 'accept': {
        if (step.isOwn && step.round.value.kind === 'lost' && this.voter.hears(row.id, this.world.self))
          return this.takeBack(key, proposal);
        proposal.round = step.round;
        const before = openedBy(row, proposal.slot)?.before ?? null;
        return this.ask(key, proposal, step.round, { row, before });
      }
      case 'beaten':
        return this.pause(key, proposal, step.above);
      case 'decided':
        return this.record(proposal, step.value);
    }
  }

  /** The grantee was heard of since the first phase: nobody who hears it calls its attempt lost, whatever the others promised. */
  private takeBack(key: string, proposal: Proposal): void {
    this.release(key, proposal, ({ value }) => value.kind === 'lost');
    if (this.proposals.get(key) === proposal) this.pause(key, proposal, undefined);
  }

  /** The op is appended once; {@link onTask} ends the proposal when it is committed. */
  private record(proposal: Proposal, value: SlotValue): void {
    proposal.round = undefined;
    const { task, slot } = proposal;
    this.world.timers.set(`round:${slotKey(task, slot)}`, this.world.nowMs + BACKOFF_MAX_MS);
    this.append(task, slot, value);
  }

  private append(task: OpId, slot: number, value: SlotValue): void {
    if (isGrant(value)) this.world.state(task, { type: 'task.granted', slot, value });
    else this.world.state(task, { type: 'task.ended', slot, value });
  }

  private pause(key: string, proposal: Proposal, above: Ballot | undefined): void {
    proposal.round = undefined;
    proposal.above = above ?? proposal.above;
    proposal.tries += 1;
    const limitMs = Math.min(ROUND_MS * proposal.tries, BACKOFF_MAX_MS);
    this.world.timers.set(`round:${key}`, this.world.nowMs + Math.ceil(this.world.random() * limitMs));
  }

  private keyParts(key: string): [OpId, number] {
    const [task = '', slot = '0'] = key.split('/');
    return [parsedOpId(task), Number(slot)];
  }
}
