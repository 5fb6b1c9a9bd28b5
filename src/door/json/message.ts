/** A message in JSON, for people and for agents. */
import { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { covers } from '#core/channel/history.ts';
import { speakerName as nameOf } from '#core/market/speaker.ts';
import { homeOf, OPERATOR_CHANNEL, outsiderIdOf, readerOf } from '#core/message/address.ts';
import type { Handed } from '#core/message/mailboxes.ts';
import { cursorId } from '#core/view/cursor.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { messageState, outcomeOf } from '#core/view/message.ts';
import type { Door } from '../door.ts';
import { dateText } from './text.ts';

export const messageJsonSchema = z
  .object({
    id: z.string(),
    from: z.string().describe('A name: of an agent, a person, or the node itself'),
    from_name: z.string().describe('What it calls itself: of one who came to the hub from outside, anything'),
    from_id: z.string().describe('user:…, agent:… or node:…'),
    to: z.string().describe('A name, operator for the people, #channel, or @identity of the hub'),
    kind: z.enum(['text', 'reminder', 'question', 'answer', 'event']),
    body: z.string().describe('The beginning, where truncated_bytes says that there is more'),
    truncated_bytes: z
      .number()
      .int()
      .nullable()
      .describe('Size of the whole text, where the body is only its beginning'),
    in_reply_to: z.string().nullable(),
    thread: z.string().describe('The first message of the conversation'),
    hops: z.number().int().describe('How many messages led to this one'),
    source: z.string().nullable().describe('Of an event: where it happened'),
    due_at: z.string().nullable(),
    options: z.array(z.string()).nullable(),
    sent_at: z.string(),
    lamport_ts: z
      .number()
      .int()
      .describe('Its place: messages of one channel are in the order of it, then of their ids'),
    handed: z
      .boolean()
      .nullable()
      .describe(
        'Its one reader was given it, maybe more than once; null for a channel, for people, and where only another node knows',
      ),
    state: z.enum(['open', 'acknowledged', 'bounced', 'sent']).describe('sent: to readers with a cursor each'),
    bounce_reason: z.string().nullable(),
    question: z.enum(['open', 'answered', 'expired', 'cancelled']).nullable(),
  })
  .meta({ id: 'Message' });
export type MessageJson = z.output<typeof messageJsonSchema>;

/** As a reader gets it. */
export type HandedJson = Pick<MessageJson, 'id' | 'from' | 'kind' | 'body'> & Record<string, unknown>;

export function messageJson(row: KnownMessage, door: Door): MessageJson {
  const { id, sent } = row;
  const outcome = outcomeOf(row);
  const state = messageState(row);
  return {
    id,
    from: speakerName(sent.from, door),
    from_name: speakerCalled(sent.from, door),
    from_id: sent.from,
    to: readerName(sent.channel, door),
    kind: sent.kind,
    body: typeof sent.text === 'string' ? sent.text : sent.text.head,
    truncated_bytes: typeof sent.text === 'string' ? null : sent.text.sizeBytes,
    in_reply_to: sent.replyTo,
    thread: sent.thread ?? id,
    hops: sent.hops,
    source: sent.source,
    due_at: sent.dueMs === null ? null : dateText(sent.dueMs),
    options: sent.options ?? null,
    sent_at: dateText(sent.wallMs),
    lamport_ts: sent.stamp.lamport,
    handed: wasHanded(row, door),
    state: state === 'unknown' ? 'open' : state,
    bounce_reason: outcome?.kind === 'bounced' ? outcome.reason : null,
    question: sent.kind === 'question' ? (row.closed?.how ?? 'open') : null,
  };
}

/** What is empty is left out: it is read by a model. */
export function handedJson({ message, deliveries, redelivered }: Handed, door: Door): HandedJson {
  const json = messageJson(message, door);
  const { id, from, kind, body, truncated_bytes, in_reply_to, thread, source, options, sent_at } = json;
  return {
    id,
    from,
    ...(message.sent.channel.startsWith('#') ? { to: message.sent.channel } : {}),
    kind,
    body,
    ...(truncated_bytes === null ? {} : { truncated_bytes }),
    ...(in_reply_to === null ? {} : { in_reply_to }),
    ...(thread === id ? {} : { thread }),
    ...(source === null ? {} : { source }),
    ...(options === null ? {} : { options }),
    sent_at,
    redelivered,
    ...(redelivered ? { deliveries } : {}),
  };
}

function speakerName(from: Principal, door: Door): string {
  const [kind = '', ...rest] = from.split(':');
  const name = rest.join(':');
  if (kind === 'agent') return door.roster.agentName(parsedOpId(name));
  return kind === 'node' ? 'system' : name;
}

/** Guests have no name in the log. */
const speakerCalled = (from: Principal, door: Door): string =>
  outsiderIdOf(from) === undefined ? speakerName(from, door) : nameOf(door.node.store, from);

function wasHanded(row: KnownMessage, { node }: Door): boolean | null {
  const { channel } = row.sent;
  const agent = readerOf(channel);
  if (agent !== undefined) {
    if (outcomeOf(row)?.kind === 'acknowledged') return true;
    return homeOf(agent) === node.info.self ? node.store.localRow('lease', row.id) !== undefined : null;
  }
  if (channel.startsWith('#') || channel === OPERATOR_CHANNEL) return null;
  const cursor = node.store.get('cursor', cursorId({ reader: userPrincipal(channel), channel }));
  return covers(cursor?.upTo ?? {}, row);
}

function readerName(channel: string, door: Door): string {
  const reader = readerOf(channel);
  if (reader !== undefined) return door.roster.agentName(reader);
  return channel === OPERATOR_CHANNEL ? 'operator' : channel;
}
