/**
 * One slot, some proposers and 3 or 5 voters, and every kind of bad luck at random: messages late, twice, never or in another order, proposers and
 * voters that crash and come back with what was on their disk. It finds what storms of whole swarms miss, such as a round that is used twice.
 */
import type { NodeId } from '#core/brand.ts';
import { opIdOf } from '#core/brand.ts';
import type { AcceptorRow, VoteReply } from '#core/register/acceptor.ts';
import { accept, NOTHING_PROMISED, prepare } from '#core/register/acceptor.ts';
import type { Ballot } from '#core/register/ballot.ts';
import { majorityOf } from '#core/register/ballot.ts';
import type { Phase, ProposerRow, Round } from '#core/register/proposer.ts';
import { onVote, openRound, wanting } from '#core/register/proposer.ts';
import type { GrantValue, SlotValue } from '#core/schema/body.ts';
import { simNodeId } from './crypto.ts';
import { Random } from './random.ts';

/** What a mutant replaces. `rowOnDisk` and `voteOnDisk` say what a crash leaves. */
export type Rules = {
  prepare: typeof prepare;
  accept: typeof accept;
  openRound: typeof openRound;
  onVote: typeof onVote;
  wanting: typeof wanting;
  rowOnDisk: (before: ProposerRow | undefined, after: ProposerRow) => ProposerRow | undefined;
  voteOnDisk: (before: AcceptorRow, after: AcceptorRow) => AcceptorRow;
};

export const RULES: Rules = {
  prepare,
  accept,
  openRound,
  onVote,
  wanting,
  rowOnDisk: (_before, after) => after,
  voteOnDisk: (_before, after) => after,
};

export type Verdict = { violations: string[]; decided: SlotValue | undefined; rounds: number; crashes: number };

type Message =
  | { kind: 'ask'; from: Proposer; to: number; phase: Phase; ballot: Ballot; value: SlotValue }
  | { kind: 'reply'; from: NodeId; to: Proposer; life: number; phase: Phase; ballot: Ballot; reply: VoteReply };

type Proposer = {
  node: NodeId;
  owns: boolean;
  disk: ProposerRow | undefined;
  row: ProposerRow | undefined;
  round: Round | undefined;
  above: Ballot | undefined;
  life: number;
};

const TASK = opIdOf(simNodeId(0), 1);
const STEPS = 70;
/** Rounds that one undisturbed proposer may need: it has to learn the highest ballot in its way once. */
const QUIET_ROUNDS = 4;

export class Explorer {
  private readonly rules: Rules;
  private readonly random: Random;
  private readonly voters: NodeId[];
  private readonly acceptors: { memory: AcceptorRow; disk: AcceptorRow }[];
  private readonly proposers: Proposer[];
  private readonly bag: Message[] = [];
  private readonly proposed = new Set<string>();
  private readonly decided = new Map<string, SlotValue>();
  private readonly accepted = new Map<string, { value: string; voters: Set<number> }>();
  private readonly violations = new Set<string>();
  private claims = 0;
  private rounds = 0;
  private crashes = 0;

  constructor(o: { seed: number; voters: 3 | 5; rules?: Partial<Rules> }) {
    this.rules = { ...RULES, ...o.rules };
    this.random = new Random(o.seed);
    this.voters = Array.from({ length: o.voters }, (_, index) => simNodeId(index));
    this.acceptors = this.voters.map(() => ({ memory: NOTHING_PROMISED, disk: NOTHING_PROMISED }));
    // The owner of ballot 0, another voter, and a node that does not vote.
    this.proposers = [0, 1, o.voters].map((index) => ({
      node: simNodeId(index),
      owns: index === 0,
      disk: undefined,
      row: undefined,
      round: undefined,
      above: undefined,
      life: 0,
    }));
  }

  run(): Verdict {
    for (let step = 0; step < STEPS; step++) this.step();
    this.quiet();
    const values = [...this.decided.values()];
    return { violations: [...this.violations], decided: values[0], rounds: this.rounds, crashes: this.crashes };
  }

  private step(): void {
    const luck = this.random.unit();
    const proposer = this.random.pick(this.proposers);
    if (proposer === undefined) return;
    if (luck < 0.08) this.propose(proposer);
    else if (luck < 0.11) this.crashProposer(proposer);
    else if (luck < 0.13) this.crashVoter(this.random.between(0, this.voters.length - 1));
    else this.deliverSome();
  }

  /** One message out of the bag: usually delivered, sometimes also kept for later, sometimes lost. */
  private deliverSome(): void {
    if (this.bag.length === 0) return;
    const at = this.random.between(0, this.bag.length - 1);
    const message = this.bag[at];
    const luck = this.random.unit();
    if (luck >= 0.12) this.bag.splice(at, 1);
    if (message !== undefined && luck < 0.9) this.deliver(message);
  }

  private deliver(message: Message): void {
    if (message.kind === 'ask') this.vote(message);
    else this.take(message);
  }

  private propose(proposer: Proposer): void {
    // A proposer may come to want something else: after a crash, or because it gave up and was asked again.
    proposer.row = this.rules.wanting(
      proposer.row,
      proposer.row === undefined || this.random.chance(0.3) ? this.fresh(proposer) : proposer.row.value,
    );
    const opened = this.rules.openRound({
      row: proposer.row,
      self: proposer.node,
      ownsBallotZero: proposer.owns,
      above: proposer.above,
    });
    this.rounds += 1;
    proposer.disk = this.rules.rowOnDisk(proposer.disk, opened.row);
    proposer.row = opened.row;
    proposer.round = opened.round;
    this.ask(proposer, opened.round);
  }

  private ask(proposer: Proposer, round: Round): void {
    for (const to of this.voters.keys()) {
      this.bag.push({ kind: 'ask', from: proposer, to, phase: round.phase, ballot: round.ballot, value: round.value });
    }
  }

  private vote({ from, to, phase, ballot, value }: Extract<Message, { kind: 'ask' }>): void {
    const held = this.acceptors[to];
    const voter = this.voters[to];
    const owner = this.voters[0];
    if (held === undefined || voter === undefined || owner === undefined) return;
    const at = { task: TASK, slot: 1, ballot, carry: null };
    const { row, reply } =
      phase === 'prepare'
        ? this.rules.prepare(held.memory, { ...at, wants: value.kind })
        : this.rules.accept(held.memory, { ...at, value }, owner);
    if (row !== undefined) {
      held.disk = this.rules.voteOnDisk(held.disk, row);
      held.memory = row;
    }
    if (reply.vote === 'accepted') this.countAcceptance(to, ballot, value);
    this.bag.push({ kind: 'reply', from: voter, to: from, life: from.life, phase, ballot, reply });
  }

  private take({ from, to, life, phase, ballot, reply }: Extract<Message, { kind: 'reply' }>): void {
    const { round } = to;
    if (life !== to.life || round === undefined || round.phase !== phase || round.ballot.round !== ballot.round) return;
    const step = this.rules.onVote(round, { from, reply, voters: this.voters });
    switch (step.kind) {
      case 'wait':
        return;
      case 'accept':
        to.round = step.round;
        return this.ask(to, step.round);
      case 'beaten':
        to.round = undefined;
        to.above = step.above ?? to.above;
        return;
      case 'decided':
        to.round = undefined;
        return this.decide(step.value);
    }
  }

  private crashProposer(proposer: Proposer): void {
    this.crashes += 1;
    Object.assign(proposer, { row: proposer.disk, round: undefined, above: undefined, life: proposer.life + 1 });
  }

  private crashVoter(index: number): void {
    const held = this.acceptors[index];
    if (held === undefined) return;
    this.crashes += 1;
    held.memory = held.disk;
  }

  private countAcceptance(voter: number, ballot: Ballot, value: SlotValue): void {
    const key = `${ballot.round} ${ballot.node}`;
    const held = this.accepted.get(key) ?? { value: keyOf(value), voters: new Set<number>() };
    this.accepted.set(key, held);
    if (held.value !== keyOf(value)) this.violations.add('always/one-value-a-ballot');
    held.voters.add(voter);
    if (held.voters.size >= majorityOf(this.voters)) this.decide(value);
  }

  /** Told by a proposer, or seen from outside in the votes. */
  private decide(value: SlotValue): void {
    this.decided.set(keyOf(value), value);
    if (this.decided.size > 1) this.violations.add('always/one-value-decided');
    if (!this.proposed.has(keyOf(value))) this.violations.add('always/decided-was-proposed');
  }

  /** No more bad luck: whoever proposes alone now gets its decision, and it is the one that stands. */
  private quiet(): void {
    this.bag.length = 0;
    const proposer = this.proposers[1];
    if (proposer === undefined) return;
    const before = this.decided.size;
    let answered = false;
    for (let round = 0; round < QUIET_ROUNDS && !answered; round++) {
      this.propose(proposer);
      for (let message = this.bag.shift(); message !== undefined; message = this.bag.shift()) this.deliver(message);
      answered = proposer.round === undefined && this.decided.size > 0;
    }
    if (!answered || this.decided.size < before) this.violations.add('finally/decided');
  }

  private fresh(proposer: Proposer): GrantValue {
    this.claims += 1;
    const agent = opIdOf(proposer.node, 1);
    const claim = opIdOf(proposer.node, this.claims);
    const value: GrantValue = { kind: 'granted', attempt: 1, claim, node: proposer.node, agent };
    this.proposed.add(keyOf(value));
    return value;
  }
}

const keyOf = (value: SlotValue): string => (value.kind === 'granted' ? String(value.claim) : value.kind);
