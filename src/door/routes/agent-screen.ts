/** The terminal of an agent, wherever it runs: what it shows now, and typing into it. Changes come with `/ws?agent=`. */
import { z } from 'zod';
import { findAgent } from '../lookup.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, none } from './input.ts';

const KEYS_MAX_CHARS = 4_096;
const PASTE_MAX_CHARS = 256 * 1024;

const screen = jsonRoute({
  method: 'GET',
  path: '/api/swarm/agents/{id}/screen',
  summary: 'What the terminal of an agent shows now, with the colours of its characters',
  action: 'agent.read',
  params: idParams,
  query: none,
  body: none,
  answer: z.object({
    agent_id: z.string(),
    text: z.string().describe('Lines; of escape sequences only those that colour characters are meant'),
    columns: z.number().int(),
    rows: z.number().int(),
    cursor: z.tuple([z.number().int(), z.number().int()]).nullable().describe('Column and line, from 0; null: hidden'),
  }),
  status: 200,
  handle: async ({ params, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const answer = await door.node.agentScreen(agent.id);
    if (isRefusal(answer)) return answer;
    const { text, columns, rows, cursor } = answer;
    const place: [number, number] | null = cursor === null ? null : [cursor[0], cursor[1]];
    return { agent_id: agent.id, text, columns, rows, cursor: place };
  },
});

const type = jsonRoute({
  method: 'POST',
  path: '/api/swarm/agents/{id}/type',
  summary:
    'Type into the terminal of an agent as who sits at it would, whatever it is at; false: its program has ended',
  action: 'agent.send',
  params: idParams,
  query: none,
  body: z
    .object({
      keys: z
        .string()
        .min(1)
        .max(KEYS_MAX_CHARS)
        .optional()
        .describe('As a terminal sends them: \\u001b[A is the arrow up'),
      paste: z.string().min(1).max(PASTE_MAX_CHARS).optional().describe('A text that was pasted'),
    })
    .refine(({ keys, paste }) => (keys === undefined) !== (paste === undefined), 'keys or paste is required'),
  answer: z.object({ typed: z.boolean() }),
  status: 200,
  handle: async ({ params, body: { keys, paste }, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    return door.node.agentType(agent.id, paste === undefined ? { keys: keys ?? '' } : { paste });
  },
});

export const agentScreenRoutes: readonly Route[] = [screen, type];
