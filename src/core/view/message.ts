/**
 * Messages, and what became of each. One node decides that: the node of the reader says whether it was handled, the node of the asker whether a
 * question is answered; what others write about it is left aside, and of what that node wrote the first word stands.
 */
import type { NodeId, OpId, Principal } from '../brand.ts';
import { homeOf, isReadByCursor, readerOf } from '../message/address.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { compareStamps, createsEntity, stampOf } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { ViewSpec } from './view.ts';

export type SentMessage = Omit<BodyOf<'message.sent'>, 'type'> & {
  from: Principal;
  /** Where it was let in. */
  node: NodeId;
  stamp: Stamp;
  wallMs: number;
};

export type MessageOutcome =
  | { kind: 'acknowledged'; stamp: Stamp; wallMs: number }
  | { kind: 'bounced'; reason: BodyOf<'message.bounced'>['reason']; stamp: Stamp; wallMs: number };

export type QuestionEnd = Omit<BodyOf<'question.closed'>, 'type'> & { stamp: Stamp; wallMs: number };

export type MessageRow = {
  id: OpId;
  sent: SentMessage | undefined;
  /** By the agent that it became so for; only the reader's counts, see {@link outcomeOf}. */
  outcomes: Record<OpId, MessageOutcome>;
  closed: QuestionEnd | undefined;
};

export type KnownMessage = MessageRow & { sent: SentMessage };

export const isKnownMessage = (row: MessageRow | undefined): row is KnownMessage => row?.sent !== undefined;

/** What became of it at its reader; undefined while it is open, or its own op has not arrived. */
export function outcomeOf({ sent, outcomes }: MessageRow): MessageOutcome | undefined {
  const reader = sent === undefined ? undefined : readerOf(sent.channel);
  return reader === undefined ? undefined : outcomes[reader];
}

/**
 * `unknown` while the message itself has not arrived. In the mailbox of the people only a question is ever over: when it is closed. `sent`: it went to
 * readers who keep a cursor each, a channel's or one of the hub, and is never closed.
 */
export type MessageState = 'unknown' | 'open' | 'acknowledged' | 'bounced' | 'sent';

export function messageState(row: MessageRow): MessageState {
  if (row.sent === undefined) return 'unknown';
  if (isReadByCursor(row.sent.channel)) return 'sent';
  if (readerOf(row.sent.channel) === undefined) return row.closed === undefined ? 'open' : 'acknowledged';
  return outcomeOf(row)?.kind ?? 'open';
}

const isFirst = (held: { stamp: Stamp } | undefined, stamp: Stamp): boolean =>
  held === undefined || compareStamps(stamp, held.stamp) < 0;

function fold(row: MessageRow | undefined, op: KnownOp): MessageRow {
  const { body, header } = op;
  const known: MessageRow = row ?? { id: header.entity, sent: undefined, outcomes: {}, closed: undefined };
  const at = { stamp: stampOf(op), wallMs: header.wallMs };
  switch (body.type) {
    case 'message.sent': {
      if (!createsEntity(op)) return known;
      const { type: _type, ...fields } = body;
      return { ...known, sent: { ...fields, from: header.by, node: header.node, ...at } };
    }
    case 'message.acknowledged':
      return withOutcome(known, op, { agent: body.agent, outcome: { kind: 'acknowledged', ...at } });
    case 'message.bounced':
      return withOutcome(known, op, { agent: body.agent, outcome: { kind: 'bounced', reason: body.reason, ...at } });
    case 'question.closed':
      if (header.node !== homeOf(known.id) || !isFirst(known.closed, at.stamp)) return known;
      return { ...known, closed: { how: body.how, ...at } };
    default:
      return known;
  }
}

function withOutcome(row: MessageRow, op: KnownOp, o: { agent: OpId; outcome: MessageOutcome }): MessageRow {
  if (op.header.node !== homeOf(o.agent) || !isFirst(row.outcomes[o.agent], o.outcome.stamp)) return row;
  return { ...row, outcomes: { ...row.outcomes, [o.agent]: o.outcome } };
}

export const messageView: ViewSpec<MessageRow> = {
  name: 'message',
  version: 2,
  types: ['message.sent', 'message.acknowledged', 'message.bounced', 'question.closed'],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['channel', 'state', 'thread', 'question', 'lamport', 'node', 'seq'],
  columns: (row) => ({
    channel: row.sent?.channel ?? null,
    state: messageState(row),
    thread: row.sent?.thread ?? null,
    question: row.sent?.kind === 'question' ? (row.closed === undefined ? 'open' : 'closed') : null,
    lamport: row.sent?.stamp.lamport ?? null,
    node: row.sent?.stamp.node ?? null,
    seq: row.sent?.stamp.seq ?? null,
  }),
  indexes: [
    ['channel', 'state', 'lamport'],
    ['channel', ['lamport', 'desc']],
    [['lamport', 'desc']],
    ['channel', 'node', ['seq', 'desc']],
  ],
  sparse: ['thread', 'question'],
};
