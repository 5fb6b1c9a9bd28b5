/** Who is told of what becomes of a proposal: the two whose it is, in their mailboxes, and everybody of what is offered and taken, in #bounties. */
import type { NodeId, OpId, Principal } from '../brand.ts';
import { nodePrincipal } from '../brand.ts';
import type { Draft } from '../op.ts';
import type { Body } from '../schema/body.ts';
import { isKnownMessage } from '../view/message.ts';
import type { KnownProposal } from '../view/proposal.ts';
import { workerOf } from '../view/proposal.ts';
import type { Views } from '../view/views.ts';
import { speakerId, speakerName } from './speaker.ts';

const BOUNTIES = '#bounties';
/** Of a task's text in a line. */
const TASK_MAX_CHARS = 200;

export type News = { body: Extract<Body, { type: `proposal.${string}` }>; by: Principal };
type Around = { views: Views; self: NodeId };

const spoken = (channel: string, text: string, self: NodeId): Draft => ({
  entity: undefined,
  by: nodePrincipal(self),
  body: {
    type: 'message.sent',
    channel,
    kind: channel.startsWith('#') ? 'text' : 'event',
    text,
    replyTo: null,
    thread: null,
    hops: 0,
    source: channel.startsWith('#') ? 'server' : 'market',
    dueMs: null,
  },
});

const short = (task: string): string => {
  const line = task.replace(/\s+/g, ' ').trim();
  return line.length <= TASK_MAX_CHARS ? line : `${line.slice(0, TASK_MAX_CHARS - 1)}…`;
};

/** `(5 USD) [stake: 10 ELO]`, of what there is. */
const price = ({ made }: KnownProposal): string => {
  const amount = made.amount === null ? '' : ` (${made.amount}${made.currency === null ? '' : ` ${made.currency}`})`;
  return `${amount}${made.stake === 0 ? '' : ` [stake: ${made.stake} ELO]`}`;
};

/** Of a proposal that was just made. */
export function madeNotices(row: KnownProposal, { views, self }: Around): Draft[] {
  const { made, id } = row;
  const to = made.to === null ? BOUNTIES : speakerId(made.to);
  const line = `[BOUNTY] ${speakerId(made.by)} → ${to}: "${short(made.task)}"${price(row)} — ${id}`;
  const drafts = [spoken(BOUNTIES, line, self)];
  const mailbox = made.to === null ? undefined : mailboxOfAgent(made.to);
  if (mailbox === undefined) return drafts;
  const terms = made.terms === null ? '' : `\nTerms: ${made.terms}`;
  const text = `[PROPOSAL] ${id} by ${speakerName(views, made.by)}: ${made.task}${price(row)}${terms}`;
  return [...drafts, spoken(mailbox, text, self)];
}

/** Announcements of a node that are looked at; a proposal that is older than all of them was announced long ago. */
const LOOKED_MAX = 1_000;

/** Those of this node's proposals that nobody was told of: it was killed between a proposal and its news. From the log alone, so it is known after a restart. */
export function untold(rows: readonly KnownProposal[], { views, self }: Around): KnownProposal[] {
  const where = { channel: BOUNTIES, node: self };
  const lines = views.list('message', { where, order: [['seq', 'desc']], limit: LOOKED_MAX }).filter(isKnownMessage);
  const oldest = lines.length < LOOKED_MAX ? 0 : (lines.at(-1)?.sent.stamp.seq ?? 0);
  // What others say there announces nothing.
  const own = lines.filter(({ sent }) => sent.from === nodePrincipal(self));
  const told = new Set(own.map(({ sent: { text } }) => (typeof text === 'string' ? / — (\S+)$/.exec(text)?.[1] : '')));
  return rows.filter(({ id, made }) => made.home === self && made.stamp.seq > oldest && !told.has(id));
}

/** Of a word on a proposal: to the other of the two, where it is an agent of the swarm, which hears by its mailbox. */
export function noticesOf(row: KnownProposal, { body, by }: News, { views, self }: Around): Draft[] {
  const text = textOf(row.id, body, speakerName(views, by));
  if (text === undefined) return [];
  const drafts: Draft[] = [];
  const { made } = row;
  if (body.type === 'proposal.accepted') {
    const line = `[CLAIMED] ${row.id} accepted by ${speakerId(by)} — "${short(made.task)}"`;
    drafts.push(spoken(BOUNTIES, line, self));
  }
  // Also of a completion that came about by itself, in the worker's name: it learns of it like the payer.
  const worker = workerOf(row) ?? by;
  const told = new Set([made.by, worker].filter((who) => who !== by || isByItself(body)));
  for (const who of told) {
    const mailbox = mailboxOfAgent(who);
    if (mailbox !== undefined) drafts.push(spoken(mailbox, text, self));
  }
  return drafts;
}

const isByItself = (body: News['body']): boolean =>
  body.type === 'proposal.completed' && body.evidence.kind !== 'payer' && body.sig === null;

const mailboxOfAgent = (who: Principal): string | undefined =>
  who.startsWith('agent:') ? `@${who.slice('agent:'.length)}` : undefined;

function textOf(id: OpId, body: News['body'], name: string): string | undefined {
  switch (body.type) {
    case 'proposal.accepted':
      return `[ACCEPTED] ${id} by ${name}`;
    case 'proposal.rejected':
      return `[REJECTED] ${id} by ${name}${body.reason === null ? '' : `: ${body.reason}`}`;
    case 'proposal.delivered':
      return `[DELIVERED] ${id}: ${name} says that it is done${body.proof === null ? '' : ` (${body.proof})`}. Complete it, or dispute it.`;
    case 'proposal.completed':
      return `[COMPLETED] ${id} by ${body.evidence.kind === 'payer' ? name : `evidence (${body.evidence.kind})`}`;
    case 'proposal.disputed':
      return `[DISPUTED] ${id} by ${name}: ${body.reason}. An operator decides.`;
    case 'proposal.settled':
      return `[SETTLED] ${id}: at fault ${body.fault}${body.note === '' ? '' : ` (${body.note})`}`;
    default:
      return undefined;
  }
}
