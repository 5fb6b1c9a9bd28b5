/**
 * The proposer of one slot. Pure: `next` tells what to send; its row is durable before its first message, and a round is never used twice,
 * also not after a crash, because the row names the highest one used.
 */
import { z } from 'zod';
import type { NodeId } from '../brand.ts';
import { canonicalJson } from '../canonical.ts';
import type { SlotValue } from '../schema/body.ts';
import { slotValueSchema } from '../schema/body.ts';
import type { VoteReply } from './acceptor.ts';
import type { Ballot } from './ballot.ts';
import { compareBallots, majorityOf } from './ballot.ts';

/** Durable. */
export type ProposerRow = {
  /** Highest round used; -1 before any. */
  round: number;
  /** What this node wants decided; with ballot 0 it never changes again. */
  value: SlotValue;
  /** This node sent `value` at ballot 0, or is about to. */
  first: boolean;
  /** Somebody still wants it: it is taken up again after a restart. */
  wanted: boolean;
};

export const proposerRowSchema: z.ZodType<ProposerRow> = z.object({
  round: z.number().int().min(-1),
  value: slotValueSchema,
  first: z.boolean(),
  wanted: z.boolean(),
});

export type Phase = 'prepare' | 'accept';

/** One round under way; in memory only. */
export type Round = {
  ballot: Ballot;
  phase: Phase;
  /** The value of phase 2: own, or the one adopted in phase 1. */
  value: SlotValue;
  replies: Map<NodeId, VoteReply>;
  /** Highest ballot that was in the way. */
  highest: Ballot | undefined;
};

/**
 * The row of a node that wants `value` decided. What was sent at ballot 0 is never replaced there, because a second value at one ballot would be two
 * truths: whoever wants something else now goes on with rounds, like anybody.
 */
export function wanting(row: ProposerRow | undefined, value: SlotValue): ProposerRow {
  if (row === undefined) return { round: -1, value, first: false, wanted: true };
  if (canonicalJson(row.value) === canonicalJson(value)) return { ...row, wanted: true };
  return { round: row.round, value, first: false, wanted: true };
}

/** Opens the next round: ballot 0 if this node owns it and never went beyond, else phase 1 above every ballot seen. */
export function openRound(o: { row: ProposerRow; self: NodeId; ownsBallotZero: boolean; above: Ballot | undefined }): {
  row: ProposerRow;
  round: Round;
} {
  const { row, self } = o;
  const zero = o.ownsBallotZero && row.round <= 0 && o.above === undefined && (row.first || row.round === -1);
  const number = zero ? 0 : Math.max(row.round, o.above?.round ?? 0, 0) + 1;
  const next: ProposerRow = { ...row, round: number, first: row.first || zero };
  const round: Round = {
    ballot: { round: number, node: self },
    phase: zero ? 'accept' : 'prepare',
    value: row.value,
    replies: new Map(),
    highest: undefined,
  };
  return { row: next, round };
}

export type Step =
  | { kind: 'wait' }
  /** Phase 1 has its majority: send accepts of `round.value`, which is the proposer's own where no voter had accepted any. */
  | { kind: 'accept'; round: Round; isOwn: boolean }
  | { kind: 'decided'; value: SlotValue }
  /** A majority can no longer be had in this round. */
  | { kind: 'beaten'; above: Ballot | undefined };

/** Takes one vote in. A reply of another phase or ballot must not be handed in. */
export function onVote(round: Round, o: { from: NodeId; reply: VoteReply; voters: readonly NodeId[] }): Step {
  const { from, reply, voters } = o;
  if (reply.vote === 'decided') return { kind: 'decided', value: reply.value };
  if (!voters.includes(from)) return { kind: 'wait' };
  round.replies.set(from, reply);
  if (reply.vote === 'refused') {
    const higher = round.highest === undefined || compareBallots(reply.promised, round.highest) > 0;
    if (higher) round.highest = reply.promised;
  }
  const wanted = round.phase === 'prepare' ? 'promised' : 'accepted';
  const votes = [...round.replies.values()];
  const inFavour = votes.filter((vote) => vote.vote === wanted).length;
  const against = votes.filter((vote) => vote.vote === 'refused').length;
  if (against > voters.length - majorityOf(voters)) return { kind: 'beaten', above: round.highest };
  if (inFavour < majorityOf(voters)) return { kind: 'wait' };
  if (round.phase === 'accept') return { kind: 'decided', value: round.value };
  const value = adopted(round);
  return {
    kind: 'accept',
    round: { ...round, phase: 'accept', value: value ?? round.value, replies: new Map() },
    isOwn: value === undefined,
  };
}

/** The value of the highest ballot any voter had accepted. */
function adopted(round: Round): SlotValue | undefined {
  let highest: { ballot: Ballot; value: SlotValue } | undefined;
  for (const reply of round.replies.values()) {
    if (reply.vote !== 'promised' || reply.accepted === null) continue;
    if (highest === undefined || compareBallots(reply.accepted.ballot, highest.ballot) > 0) highest = reply.accepted;
  }
  return highest?.value;
}
