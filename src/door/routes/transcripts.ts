/** What agents did, entry by entry, from whichever node has it: read backwards from its end, or on from a change. */
import { z } from 'zod';
import type { TranscriptRange } from '#core/schema/transcript.ts';
import { agentTurnsSchema, TURNS_ASKED_MAX } from '#core/schema/agent-turn.ts';
import { ENTRIES_ASKED_MAX, transcriptSchema } from '#core/schema/transcript.ts';
import { holderOf, taskChain } from '#core/view/chain.ts';
import { findAgent, findTask } from '../lookup.ts';
import { isRefusal, refused } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, none, queryNumber } from './input.ts';

const LIMIT_DEFAULT = 100;
const CHANGE_MAX = 999_999_999;
const ATTEMPT_MAX = 20;

/** 0 stands for what was not said. */
const rangeQuery = z.object({
  before: queryNumber({ min: 0, max: CHANGE_MAX, default: 0 }).describe('Entries before this one (`n`)'),
  after: z
    .string()
    .regex(/^\d{1,9}$/, 'a whole number is expected')
    .optional()
    .describe('Entries that changed after this `change`, in the order of their changes'),
  limit: queryNumber({ min: 1, max: ENTRIES_ASKED_MAX, default: LIMIT_DEFAULT }),
});

function rangeOf({ before, after, limit }: z.output<typeof rangeQuery>): TranscriptRange {
  if (after !== undefined) return { after: Number(after), limit };
  return before === 0 ? { limit } : { before, limit };
}

const bothGiven = ({ before, after }: z.output<typeof rangeQuery>) =>
  before !== 0 && after !== undefined ? refused('invalid', 'before and after do not go together') : undefined;

const ofTask = jsonRoute({
  method: 'GET',
  path: '/api/swarm/tasks/{id}/transcript',
  summary:
    'What the agent of an attempt did: turns, words, tool calls, questions; the newest entries, or those asked for',
  action: 'task.read',
  params: idParams,
  query: rangeQuery.extend({
    attempt: queryNumber({ min: 0, max: ATTEMPT_MAX, default: 0 }).describe('0: the one that runs, or the last'),
  }),
  body: none,
  answer: transcriptSchema,
  status: 200,
  handle: async ({ params, query, door }) => {
    const task = findTask(params.id, door);
    if (isRefusal(task)) return task;
    const attempt = query.attempt === 0 ? undefined : query.attempt;
    return bothGiven(query) ?? door.node.taskTranscript({ task: task.id, attempt }, rangeOf(query));
  },
});

const ofAgent = jsonRoute({
  method: 'GET',
  path: '/api/swarm/agents/{id}/transcript',
  summary: 'What an agent did in its newest attempt',
  action: 'agent.read',
  params: idParams,
  query: rangeQuery,
  body: none,
  answer: transcriptSchema,
  status: 200,
  handle: async ({ params, query, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    return bothGiven(query) ?? door.node.agentTranscript(agent.id, rangeOf(query));
  },
});

const open = jsonRoute({
  method: 'POST',
  path: '/api/swarm/tasks/{id}/open',
  summary:
    'Go on with the conversation of an attempt that is over, in a terminal of its node; refused while it is at work',
  action: 'task.open',
  params: idParams,
  query: none,
  body: z.object({
    attempt: z.number().int().min(1).max(ATTEMPT_MAX).nullish().describe('The last one when left out'),
    terminal: z
      .enum(['held', 'own'])
      .nullish()
      .describe(
        'held: in one that skep holds, as an agent of its own; own: the command for one of yours. held when left out',
      ),
  }),
  answer: z.object({
    task_id: z.string(),
    agent_id: z.string().nullable().describe('The agent in whose terminal it is open; null: in none'),
    node_name: z.string(),
    command: z.array(z.string()),
    host: z.string(),
    user: z.string(),
    ssh: z.string().nullable(),
  }),
  status: 200,
  handle: async ({ params, body, by, door }) => {
    const task = findTask(params.id, door);
    if (isRefusal(task)) return task;
    const attempt = body.attempt ?? undefined;
    const how = { by, terminal: body.terminal ?? ('held' as const) };
    const opened = await door.node.openConversation({ task: task.id, attempt }, how);
    if (isRefusal(opened)) return opened;
    const node = holderOf(task, attempt ?? taskChain(task).attempt)?.value.node ?? door.node.info.self;
    const { agent, ...typed } = opened;
    return { task_id: task.id, agent_id: agent, node_name: door.roster.nodeName(node), ...typed };
  },
});

const TURNS_DEFAULT = 20;

const turnsOfAgent = jsonRoute({
  method: 'GET',
  path: '/api/swarm/agents/{id}/turns',
  summary: 'Turns of an agent that is woken by messages, the newest first, and what waits for it',
  action: 'agent.read',
  params: idParams,
  query: z.object({ limit: queryNumber({ min: 1, max: TURNS_ASKED_MAX, default: TURNS_DEFAULT }) }),
  body: none,
  answer: agentTurnsSchema,
  status: 200,
  handle: async ({ params, query, door }) => {
    const agent = findAgent(params.id, door);
    return isRefusal(agent) ? agent : door.node.agentTurns(agent.id, query.limit);
  },
});

export const transcriptRoutes: readonly Route[] = [ofTask, ofAgent, turnsOfAgent, open];
