/** What became of a message at each reader, and an operator's word that wakes one of them. */
import { z } from 'zod';
import { NUDGE_SOURCE } from '#core/message/nudge.ts';
import { messageJson, messageJsonSchema } from '../json/message.ts';
import { readerJsonSchema, readersJson } from '../json/reader.ts';
import { findMessage } from '../lookup.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, none } from './input.ts';
import { channelOf } from './messages.ts';

const TEXT_MAX_CHARS = 4_096;
const TEXT = 'An operator asks you to look at what waits for you, and to go on.';

const readers = jsonRoute({
  method: 'GET',
  path: '/api/messages/{id}/readers',
  summary: 'What became of it at each of its readers, as far as this node knows',
  action: 'message.read',
  params: idParams,
  query: none,
  body: none,
  answer: z.array(readerJsonSchema),
  status: 200,
  handle: ({ params, door }) => {
    const row = findMessage(params.id, door);
    return isRefusal(row) ? row : readersJson(row, door);
  },
});

const nudge = jsonRoute({
  method: 'POST',
  path: '/api/swarm/agents/{id}/nudge',
  summary: 'Wake an agent that waits for messages; it is stored until the agent listens, and may cost a turn',
  action: 'message.send',
  params: idParams,
  query: none,
  body: z.object({ text: z.string().max(TEXT_MAX_CHARS).default('') }),
  answer: messageJsonSchema,
  status: 201,
  handle: async ({ params: { id }, body, by, door }) => {
    const channel = channelOf(id, door);
    if (isRefusal(channel)) return channel;
    if (channel.startsWith('#') || channel === '@operator')
      return refused('invalid', 'a nudge goes to one agent', {
        expected: 'an agent, or @identity of the hub',
        got: shown(id),
      });
    const text = body.text.trim() === '' ? TEXT : body.text;
    const rest = { replyTo: null, dueMs: null, sender: undefined, kind: 'event', source: NUDGE_SOURCE } as const;
    const sent = await door.node.messages.send({ ...rest, by, channels: [channel], text });
    if (isRefusal(sent)) return sent;
    const [message] = sent.messages;
    if (message === undefined) throw new Error('a nudge that was just written is not there');
    return messageJson(message, door);
  },
});

export const deliveryRoutes: readonly Route[] = [readers, nudge];
