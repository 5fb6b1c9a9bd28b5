/** What a model is told of why its listening ended. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { agentPrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import type { MessageWanted } from '#core/message/messaging.ts';
import { mailboxOf } from '#core/message/address.ts';
import { callTool } from '#door/mcp/call.ts';
import { SELF } from '../fake-node.ts';
import type { Served } from '../serve.ts';
import { serve } from '../serve.ts';
import { bearerOf } from './bearer.ts';

const AGENT = parsedOpId(`${SELF}-2`);
let served: Served;

beforeEach(async () => {
  served = await serve();
  await served.post('/api/swarm/agents', { name: 'ada', tool: 'shell' });
});
afterEach(() => served.close());

/** What is handed out is what this sends. */
async function heardOf(o: Pick<MessageWanted, 'kind' | 'source'> | undefined): Promise<string> {
  const { messages } = served.node;
  const rest = { sender: undefined, text: 'the build', replyTo: null, dueMs: null, channels: [mailboxOf(AGENT)] };
  const sent = o === undefined ? undefined : await messages.send({ ...rest, ...o, by: userPrincipal('operator') });
  const rows = sent === undefined || 'refused' in sent ? [] : sent.messages;
  messages.receive = async () => rows.map((message) => ({ message, deliveries: 1, redelivered: false }));
  const bearer = bearerOf(AGENT);
  const said = await callTool('agentchat_listen', {}, { by: agentPrincipal(AGENT), bearer, door: served.door });
  return typeof said === 'string' ? (said.split('\n')[0] ?? '') : `refused: ${said.message}`;
}

it.each([
  [undefined, 'No message.'],
  [{ kind: 'event', source: 'nudge' } as const, 'An operator nudges you.'],
  [{ kind: 'reminder', source: null } as const, 'A reminder of yours is due.'],
  [{ kind: 'text', source: null } as const, 'Messages from others, one JSON object a line.'],
])('of %j it is told: %s', async (o, said) => {
  expect(await heardOf(o)).toContain(said);
});
