/** What an agent does with messages, whichever door it came by: its socket, MCP, a tool by HTTP. Who it is comes from the door. */
import { z } from 'zod';
import type { OpId, Principal } from '#core/brand.ts';
import { agentPrincipal, parsedOpId } from '#core/brand.ts';
import { mailboxOf, OPERATOR_CHANNEL } from '#core/message/address.ts';
import type { Handed } from '#core/message/mailboxes.ts';
import type { MailCounts, MessagesSent } from '#core/message/messaging.ts';
import { isNudge } from '#core/message/nudge.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { Door } from '../door.ts';
import type { HandedJson } from '../json/message.ts';
import { handedJson } from '../json/message.ts';
import { findAgent } from '../lookup.ts';
import { channelFor } from './channel-desk.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';

/** A reader waits so long at most; many a client waits less, and asks again. */
export const WAIT_MAX_S = 3_600;
/** Messages handed out at once. */
export const BATCH_MAX = 32;
/** Reminders of one agent that are not due yet. */
const REMINDERS_MAX = 100;
const REMINDER_MAX_CHARS = 4_096;
const TTL_MAX_S = 6 * 3_600;
const TTL_DEFAULT_S = 3_600;
const DELAY_MAX_S = 366 * 86_400;
const BODY_MAX_CHARS = 1024 * 1024;

const id = z.string().regex(/^[0-9a-f]{32}-[1-9][0-9]{0,15}$/, 'the id of a message is expected');
const body = z.string().min(1).max(BODY_MAX_CHARS);
const to = z.string().min(1).max(200);

/** The arguments, by what is done. */
export const INPUT = {
  send: z.object({ to, body, in_reply_to: id.nullish() }),
  receive: z.object({
    wait_seconds: z.number().min(0).max(WAIT_MAX_S).nullish(),
    max: z.number().int().min(1).max(BATCH_MAX).nullish(),
  }),
  ids: z.object({ ids: z.array(id).min(1).max(1_000).nullish() }),
  one: z.object({ id }),
  recent: z.object({ limit: z.number().int().min(1).max(100).nullish() }),
  ask: z.object({
    question: z.string().min(1).max(BODY_MAX_CHARS),
    options: z.array(z.string().min(1).max(200)).max(16).nullish(),
    multi: z.boolean().nullish(),
    ttl_seconds: z.number().int().min(1).max(TTL_MAX_S).nullish(),
    to: to.nullish(),
  }),
  answer: z.object({ id, answer: body }),
  remind: z.object({
    message: z.string().min(1).max(REMINDER_MAX_CHARS),
    delay_seconds: z.number().min(0).max(DELAY_MAX_S).nullish(),
    at_unix_timestamp: z.number().int().min(0).nullish(),
  }),
  status: z.object({ text: z.string().max(200) }),
  wake: z.object({ from: z.string().min(1).max(64), body }),
};
type Input<N extends keyof typeof INPUT> = z.output<(typeof INPUT)[N]>;

/** An agent of this node at a door. `signal`: it waits no longer; `isGone`: no answer would reach it. */
export type AtDesk = { agent: OpId; door: Door; signal: AbortSignal; isGone: () => boolean };

const ids = ({ messages }: MessagesSent): OpId[] => messages.map((message) => message.id);

/** `operator`, `#channel`, `*` for all other agents, or one agent; one from outside by its id, `@3f1c9a0b7d2e4455`. */
function channelsOf(name: string, at: AtDesk): string[] | DoorRefusal {
  const { agent, door } = at;
  if (name === 'operator') return [OPERATOR_CHANNEL];
  if (name.startsWith('#')) {
    const channel = channelFor(name, at);
    return isRefusal(channel) ? channel : [channel];
  }
  if (name === '*') {
    const others = door.roster.agents().filter((one) => one.id !== agent);
    return others.map((one) => mailboxOf(one.id));
  }
  if (door.node.store.get('identity', name.slice(1))?.key !== undefined && name.startsWith('@')) return [name];
  const found = findAgent(name.replace(/^@/, ''), door);
  if (isRefusal(found)) return found;
  if (found.id === agent)
    return refused('invalid', 'a message to yourself goes nowhere', {
      expected: 'another agent, operator, or * for all; for yourself: remind',
      got: shown(name),
    });
  return [mailboxOf(found.id)];
}

const by = (agent: OpId): Principal => agentPrincipal(agent);
const plain = { replyTo: null, source: null, dueMs: null } as const;

export async function send(input: Input<'send'>, at: AtDesk): Promise<{ ids: OpId[]; masked: boolean } | DoorRefusal> {
  const channels = channelsOf(input.to, at);
  if (isRefusal(channels)) return channels;
  if (channels.length === 0) return refused('not_found', 'there is nobody else', { expected: 'another agent' });
  const replyTo = typeof input.in_reply_to === 'string' ? parsedOpId(input.in_reply_to) : null;
  const text = input.body;
  const sent = await at.door.node.messages.send({
    ...plain,
    by: by(at.agent),
    sender: at.agent,
    channels,
    kind: 'text',
    text,
    replyTo,
  });
  return isRefusal(sent) ? sent : { ids: ids(sent), masked: sent.masked };
}

/** Why a reader that waited has its answer. */
type ListenReason = 'message' | 'reminder' | 'nudge' | 'timeout';

function reasonOf(handed: readonly Handed[]): ListenReason {
  const sent = handed.map(({ message }) => message.sent);
  if (sent.length === 0) return 'timeout';
  if (sent.some(isNudge)) return 'nudge';
  return sent.every(({ kind }) => kind === 'reminder') ? 'reminder' : 'message';
}

export async function receive(
  input: Input<'receive'>,
  { agent, door, signal, isGone }: AtDesk,
): Promise<{ reason: ListenReason; messages: HandedJson[]; waiting: number }> {
  const waitMs = (input.wait_seconds ?? 0) * 1_000;
  const handed = await door.node.messages.receive({ agent, max: input.max ?? 1, waitMs, signal });
  if (isGone()) await door.node.messages.requeue({ agent, messages: handed.map(({ message }) => message.id) });
  const { waiting } = door.node.messages.counts(agent);
  return { reason: reasonOf(handed), messages: handed.map((one) => handedJson(one, door)), waiting };
}

const some = (input: Input<'ids'>): OpId[] | undefined => input.ids?.map((one) => parsedOpId(one));

export const acknowledge = (input: Input<'ids'>, { agent, door }: AtDesk): Promise<number | DoorRefusal> =>
  door.node.messages.acknowledge({ agent, messages: some(input) });

export const requeue = (input: Input<'ids'>, { agent, door }: AtDesk): Promise<number> =>
  door.node.messages.requeue({ agent, messages: some(input) });

export const counts = ({ agent, door }: AtDesk): MailCounts => door.node.messages.counts(agent);

/** The newest of its mailbox, whatever became of them. */
export function recent(input: Input<'recent'>, { agent, door }: AtDesk): HandedJson[] {
  const where = { channel: mailboxOf(agent) };
  const rows = door.node.store.list('message', { where, order: [['lamport', 'desc']], limit: input.limit ?? 20 });
  return rows.filter(isKnownMessage).map((message) => handedJson({ message, deliveries: 0, redelivered: false }, door));
}

/** The whole text of a long message, for its reader and its sender. */
export async function read(input: Input<'one'>, { agent, door }: AtDesk): Promise<string | DoorRefusal> {
  const row = door.node.store.get('message', input.id);
  const isOwn = isKnownMessage(row) && (row.sent.channel === mailboxOf(agent) || row.sent.from === by(agent));
  if (!isOwn || !isKnownMessage(row))
    return refused('not_found', 'there is no such message of yours', { got: input.id });
  return door.node.unstash(row.sent.text);
}

export async function ask(input: Input<'ask'>, at: AtDesk): Promise<{ id: OpId; expiresMs: number } | DoorRefusal> {
  const name = input.to ?? 'operator';
  const channels = name === '*' ? refused('invalid', 'a question goes to one', { got: name }) : channelsOf(name, at);
  if (isRefusal(channels)) return channels;
  const expiresMs = at.door.now() + (input.ttl_seconds ?? TTL_DEFAULT_S) * 1_000;
  const sent = await at.door.node.messages.send({
    ...plain,
    by: by(at.agent),
    sender: at.agent,
    channels,
    kind: 'question',
    text: input.question,
    question: { options: input.options ?? [], multi: input.multi ?? false, expiresMs },
  });
  if (isRefusal(sent)) return sent;
  const [first] = ids(sent);
  if (first === undefined) throw new Error('a question that was just written is not there');
  return { id: first, expiresMs };
}

export const answer = (input: Input<'answer'>, { agent, door }: AtDesk): Promise<OpId | DoorRefusal> =>
  door.node.messages.answer({ question: parsedOpId(input.id), by: by(agent), text: input.answer });

export async function remind(input: Input<'remind'>, at: AtDesk): Promise<{ id: OpId; dueMs: number } | DoorRefusal> {
  const { agent, door } = at;
  const { delay_seconds: delay, at_unix_timestamp: moment } = input;
  const dueMs = typeof delay === 'number' ? door.now() + delay * 1_000 : (moment ?? Number.NaN) * 1_000;
  if (Number.isNaN(dueMs) || (typeof delay === 'number' && typeof moment === 'number'))
    return refused('invalid', 'a reminder is due at one moment', { expected: 'delay_seconds or at_unix_timestamp' });
  const { later } = counts(at);
  if (later >= REMINDERS_MAX)
    return refused('too_many', `you have ${later} reminders`, { expected: `fewer than ${REMINDERS_MAX}: cancel some` });
  const wanted = { ...plain, by: by(agent), sender: agent, channels: [mailboxOf(agent)], text: input.message };
  const sent = await door.node.messages.send({ ...wanted, kind: 'reminder', dueMs: Math.round(dueMs) });
  if (isRefusal(sent)) return sent;
  const [first] = ids(sent);
  if (first === undefined) throw new Error('a reminder that was just written is not there');
  return { id: first, dueMs: Math.round(dueMs) };
}

/** Takes back a reminder that is not due, or a question that nobody answered. */
export async function cancel(input: Input<'one'>, { agent, door }: AtDesk): Promise<true | DoorRefusal> {
  const message = parsedOpId(input.id);
  const row = door.node.store.get('message', message);
  if (!isKnownMessage(row) || row.sent.from !== by(agent))
    return refused('not_found', 'there is no such reminder or question of yours', { got: input.id });
  if (row.sent.kind === 'question') {
    const closed = await door.node.messages.cancel(message);
    return isRefusal(closed) ? closed : true;
  }
  const gone = row.sent.kind === 'reminder' && (await door.node.messages.withdraw({ agent, message }));
  if (isRefusal(gone)) return gone;
  return gone
    ? true
    : refused('conflict', 'it is sent, and cannot be taken back', { expected: 'a reminder or a question' });
}

/** Something happened outside that the agent should know of: told by a program of its own. */
export async function wake(input: Input<'wake'>, { agent, door }: AtDesk): Promise<OpId[] | DoorRefusal> {
  const wanted = { ...plain, by: by(agent), sender: agent, channels: [mailboxOf(agent)], text: input.body };
  const sent = await door.node.messages.send({ ...wanted, kind: 'event', source: input.from });
  return isRefusal(sent) ? sent : ids(sent);
}

export async function setStatus(input: Input<'status'>, { agent, door }: AtDesk): Promise<true | DoorRefusal> {
  if (door.node.store.get('agent', agent)?.status?.text === input.text) return true;
  const text = input.text;
  const arrivals = await door.node.append([{ entity: agent, by: by(agent), body: { type: 'agent.statusSet', text } }]);
  return isRefusal(arrivals) ? arrivals : true;
}
