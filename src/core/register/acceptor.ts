/**
 * The acceptor of one slot: single-decree Paxos (Lamport, "The Part-Time Parliament"), with ballot 0 reserved for an owner who may skip
 * phase 1. Pure: the caller stores the returned row before it sends the reply. A message twice gives the same answer.
 */
import { z } from 'zod';
import type { NodeId, OpId } from '../brand.ts';
import type { SlotValue } from '../schema/body.ts';
import { slotValueSchema } from '../schema/body.ts';
import { opIdSchema } from '../schema/ids.ts';
import type { Ballot } from './ballot.ts';
import { ballotSchema, compareBallots } from './ballot.ts';

/** What an acceptor remembers of one slot. */
export type AcceptorRow = {
  promised: Ballot | null;
  accepted: { ballot: Ballot; value: SlotValue } | null;
  /** The decision of the slot before, as the message that opened this slot carried it. */
  carried: SlotValue | null;
};

export const NOTHING_PROMISED: AcceptorRow = { promised: null, accepted: null, carried: null };

const votedSchema = z.object({ ballot: ballotSchema, value: slotValueSchema });

export const acceptorRowSchema: z.ZodType<AcceptorRow> = z.object({
  promised: ballotSchema.nullable(),
  accepted: votedSchema.nullable(),
  carried: slotValueSchema.nullable(),
});

const at = { task: opIdSchema, slot: z.number().int().min(1).max(10_000), ballot: ballotSchema };

/**
 * `slot.prepare`: phase 1. `carry` is the decision of the slot before; null for slot 1. `wants` is the kind of the proposer's own value: a voter
 * that still hears the grantee promises nothing to who wants its attempt `lost`.
 */
export const prepareSchema = z.object({ ...at, carry: slotValueSchema.nullable(), wants: z.string().max(32) });
export type Prepare = z.output<typeof prepareSchema>;

/** `slot.accept`: phase 2, or the owner's ballot 0. */
export const acceptSchema = z.object({ ...at, value: slotValueSchema, carry: slotValueSchema.nullable() });
export type Accept = z.output<typeof acceptSchema>;

export const voteReplySchema = z.discriminatedUnion('vote', [
  z.object({ vote: z.literal('promised'), accepted: votedSchema.nullable() }),
  z.object({ vote: z.literal('accepted') }),
  /** A higher ballot was promised; nothing changed. */
  z.object({ vote: z.literal('refused'), promised: ballotSchema }),
  /** The slot is decided already. */
  z.object({ vote: z.literal('decided'), value: slotValueSchema }),
  /** This node cannot vote on it (yet): the task is unknown here, the slot before is open, or the value does not fit. Nothing changed. */
  z.object({ vote: z.literal('silent'), reason: z.string().max(200) }),
]);
export type VoteReply = z.output<typeof voteReplySchema>;

export type Voted = { row: AcceptorRow | undefined; reply: VoteReply };

/** Promises a ballot above all promised before. A repeated prepare of the promised ballot is answered again. */
export function prepare(row: AcceptorRow, message: Prepare): Voted {
  if (row.promised !== null && compareBallots(message.ballot, row.promised) < 0) {
    return { row: undefined, reply: { vote: 'refused', promised: row.promised } };
  }
  const next = { ...row, promised: message.ballot, carried: row.carried ?? message.carry };
  return { row: next, reply: { vote: 'promised', accepted: row.accepted } };
}

/** Accepts at or above the promised ballot. `owner` is the only node whose ballot of round 0 counts, if any does. */
export function accept(row: AcceptorRow, message: Accept, owner: NodeId | undefined): Voted {
  const { ballot, value } = message;
  if (ballot.round === 0 && ballot.node !== owner) {
    return { row: undefined, reply: { vote: 'silent', reason: 'ballot 0 of this slot belongs to another node' } };
  }
  if (row.promised !== null && compareBallots(ballot, row.promised) < 0) {
    return { row: undefined, reply: { vote: 'refused', promised: row.promised } };
  }
  const next: AcceptorRow = { promised: ballot, accepted: { ballot, value }, carried: row.carried ?? message.carry };
  return { row: next, reply: { vote: 'accepted' } };
}

/** Key of a slot's rows. */
export const slotKey = (task: OpId, slot: number): string => `${task}/${slot}`;
