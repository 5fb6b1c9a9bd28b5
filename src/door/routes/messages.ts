/** Messages, as people see and send them. What agents do with theirs is said at their sockets. */
import { z } from 'zod';
import { parsedOpId } from '#core/brand.ts';
import { channelOf as existingChannel, isOpenToAll } from '#core/channel/rules.ts';
import { mailboxOf, OPERATOR_CHANNEL } from '#core/message/address.ts';
import { allowed } from '#core/policy.ts';
import { isKnownMessage } from '#core/view/message.ts';
import { appendOne } from '../append.ts';
import type { Door } from '../door.ts';
import { messageJson, messageJsonSchema } from '../json/message.ts';
import { findAgent, findMessage } from '../lookup.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, none, queryNumber, requiredText } from './input.ts';

const LIST_MAX = 1_000;
const LIST_DEFAULT = 50;
const BODY_MAX_CHARS = 1024 * 1024;

/** `operator`, `#channel`, one agent, or the id of one who came to the hub with a key. */
export function channelOf(name: string, door: Door): string | DoorRefusal {
  if (name === 'operator') return OPERATOR_CHANNEL;
  if (name.startsWith('@') && door.node.store.get('identity', name.slice(1))?.key !== undefined) return name;
  if (name.startsWith('#')) {
    const channel = existingChannel(door.node.store, name);
    return channel?.id ?? refused('not_found', 'there is no such channel', { got: shown(name) });
  }
  const agent = findAgent(name, door);
  return isRefusal(agent) ? agent : mailboxOf(agent.id);
}

const list = jsonRoute({
  method: 'GET',
  path: '/api/messages',
  summary:
    'Messages, newest first: all, those to one reader, or one conversation; a viewer sees those of open channels',
  action: 'channel.read',
  params: none,
  query: z.object({
    to: z.string().min(1).max(200).optional().describe('operator, an agent, @identity of the hub, or a #channel'),
    thread: z.string().min(1).max(200).optional(),
    state: z.enum(['open', 'acknowledged', 'bounced']).optional().describe('With `to` alone'),
    limit: queryNumber({ min: 1, max: LIST_MAX, default: LIST_DEFAULT }),
    offset: queryNumber({ min: 0, max: 999_999_999, default: 0 }),
  }),
  body: none,
  answer: z.array(messageJsonSchema),
  status: 200,
  handle: ({ query: { to, thread, state, limit, offset }, caller, door }) => {
    const channel = to === undefined ? undefined : channelOf(to, door);
    if (isRefusal(channel)) return channel;
    const isLimited = !allowed(caller, 'message.read');
    if (isLimited && (channel === undefined || !isOpenToAll(door.node.store, channel)))
      return refused('forbidden', 'a viewer reads what is said in open channels', { expected: 'to: such a #channel' });
    if (thread !== undefined) return threadOf(thread, { within: isLimited ? channel : undefined, limit, offset, door });
    if (state !== undefined && channel === undefined)
      return refused('invalid', 'state is asked of one reader', { expected: 'to and state' });
    const where = channel === undefined ? {} : { channel, ...(state === undefined ? {} : { state }) };
    const rows = door.node.store.list('message', { where, order: [['lamport', 'desc']], limit, offset });
    return rows.filter(isKnownMessage).map((row) => messageJson(row, door));
  },
});

type ThreadAsked = { within: string | undefined; limit: number; offset: number; door: Door };

/** The message that began it, and all that answer it, newest first. `within`: those to this channel alone, since an answer may go to one reader. */
function threadOf(ref: string, o: ThreadAsked) {
  const first = findMessage(ref, o.door);
  if (isRefusal(first)) return first;
  const { within, limit, offset } = o;
  const thread = first.sent.thread ?? first.id;
  const rows = o.door.node.store.list('message', { where: { thread }, order: [['lamport', 'desc']], limit, offset });
  const begun = o.door.node.store.get('message', thread);
  const isLast = rows.length < limit;
  const all = isLast && begun !== undefined ? [...rows, begun] : rows;
  const seen = all.filter(isKnownMessage).filter(({ sent }) => within === undefined || sent.channel === within);
  return seen.map((row) => messageJson(row, o.door));
}

const send = jsonRoute({
  method: 'POST',
  path: '/api/messages',
  summary: 'Write to an agent; resolved when the message is on disk',
  action: 'message.send',
  params: none,
  query: none,
  body: z.object({
    to: requiredText('to', 200).describe('An agent, operator, a #channel, @identity of the hub, or * for all agents'),
    body: requiredText('body', BODY_MAX_CHARS),
    in_reply_to: z.string().max(200).nullish(),
  }),
  answer: z.array(messageJsonSchema),
  status: 201,
  handle: async ({ body, by, door }) => {
    const one = body.to === '*' ? undefined : channelOf(body.to, door);
    if (isRefusal(one)) return one;
    const channels = one === undefined ? door.roster.agents().map((agent) => mailboxOf(agent.id)) : [one];
    const before = typeof body.in_reply_to === 'string' ? findMessage(body.in_reply_to, door) : undefined;
    if (isRefusal(before)) return before;
    const rest = { source: null, dueMs: null, sender: undefined, replyTo: before?.id ?? null };
    const sent = await door.node.messages.send({ ...rest, by, channels, kind: 'text', text: body.body });
    return isRefusal(sent) ? sent : sent.messages.map((message) => messageJson(message, door));
  },
});

const get = jsonRoute({
  method: 'GET',
  path: '/api/messages/{id}',
  summary: 'One message, with its whole text',
  action: 'message.read',
  params: idParams,
  query: none,
  body: none,
  answer: messageJsonSchema,
  status: 200,
  handle: async ({ params, door }) => {
    const row = findMessage(params.id, door);
    if (isRefusal(row)) return row;
    return { ...messageJson(row, door), body: await door.node.unstash(row.sent.text), truncated_bytes: null };
  },
});

const answer = jsonRoute({
  method: 'POST',
  path: '/api/messages/{id}/answer',
  summary: 'Answer a question, from any node: that of the asker takes one answer, once',
  action: 'message.answer',
  params: idParams,
  query: none,
  body: z.object({ answer: requiredText('answer', BODY_MAX_CHARS) }),
  answer: z.object({ id: z.string().describe('The message that holds the answer') }),
  status: 201,
  handle: async ({ params, body, by, door }) => {
    const row = findMessage(params.id, door);
    if (isRefusal(row)) return row;
    const id = await door.node.messages.answer({ question: row.id, by, text: body.answer });
    return isRefusal(id) ? id : { id };
  },
});

const recipients = jsonRoute({
  method: 'POST',
  path: '/api/swarm/agents/{id}/recipients',
  summary: 'To whom the agent may write; to people it always may',
  action: 'agent.restrict',
  params: idParams,
  query: none,
  body: z.object({
    allow: z
      .array(z.string().min(1).max(64))
      .max(64)
      .nullable()
      .describe('Globs of names of agents, #channels and @ids of the hub; null for all'),
  }),
  answer: z.object({ id: z.string(), allow: z.array(z.string()).nullable() }),
  status: 200,
  handle: async ({ params, body, by, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const draft = {
      entity: parsedOpId(agent.id),
      by,
      body: { type: 'agent.recipientsSet' as const, allow: body.allow },
    };
    const arrival = await appendOne(draft, door);
    return isRefusal(arrival) ? arrival : { id: agent.id, allow: body.allow };
  },
});

const outsiders = jsonRoute({
  method: 'POST',
  path: '/api/swarm/agents/{id}/outsiders',
  summary: 'Who of those that come to a hub from outside may write to the agent; without a word nobody may',
  action: 'agent.restrict',
  params: idParams,
  query: none,
  body: z.object({
    allow: z.array(z.string().min(1).max(64)).max(64).describe('Globs of @ids of the hub; empty for nobody'),
  }),
  answer: z.object({ id: z.string(), allow: z.array(z.string()) }),
  status: 200,
  handle: async ({ params, body: { allow }, by, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const body = { type: 'agent.outsidersSet' as const, allow };
    const arrival = await appendOne({ entity: agent.id, by, body }, door);
    return isRefusal(arrival) ? arrival : { id: agent.id, allow };
  },
});

export const messageRoutes: readonly Route[] = [list, send, get, answer, recipients, outsiders];
