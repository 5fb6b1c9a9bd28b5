/** Agents of the whole swarm: list, register, withdraw, talk to, look at. */
import { z } from 'zod';
import type { BodyOf } from '#core/schema/body.ts';
import { SHELL } from '#core/task/fit.ts';
import { isLive, isPaused } from '#core/view/agent.ts';
import { appendOne } from '../append.ts';
import { agentJson, agentJsonSchema } from '../json/agent.ts';
import { dateText } from '../json/text.ts';
import { findAgent } from '../lookup.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import {
  capabilitiesInput,
  folderInput,
  idParams,
  IN_TERMINAL,
  listQuery,
  none,
  optionalText,
  orNull,
  requiredText,
  turnsInput,
  turnsOf,
  turnsRefusal,
} from './input.ts';
import { linesQuery } from './task-work.ts';

const LIST_MAX = 1_000;
/** One message to an agent. */
const SEND_MAX_CHARS = 1024 * 1024;

const list = jsonRoute({
  method: 'GET',
  path: '/api/swarm/agents',
  summary: 'Agents of the whole swarm, oldest first',
  action: 'agent.read',
  params: none,
  query: listQuery(LIST_MAX),
  body: none,
  answer: z.array(agentJsonSchema),
  status: 200,
  handle: ({ query: { limit, offset }, door }) =>
    door.roster
      .agents()
      .slice(offset, offset + limit)
      .map((agent) => agentJson(agent, door)),
});

const budgetInput = z.number().positive().max(1_000_000).describe('What it may cost a day (UTC), in US dollars');

const bodyInput = z.object({
  name: requiredText('name', 64),
  tool: optionalText(64).describe('claude when left out'),
  capabilities: capabilitiesInput,
  project_path: folderInput,
  tmux_session_id: optionalText(128),
  drive: z
    .enum(['terminal', 'protocol'])
    .nullish()
    .describe('terminal: typed to; protocol: by the structured protocol of the tool. terminal when left out'),
  max_concurrent_tasks: z.number().int().min(1).max(64).nullish(),
  budget_usd_day: budgetInput.nullish(),
  home: z
    .enum(['own', 'person'])
    .nullish()
    .describe("own: a configuration directory apart from the user's. person when left out"),
  turns: turnsInput,
  account: optionalText(64).describe('What its tool is logged in to; agents of one account share its cap'),
});

const create = jsonRoute({
  method: 'POST',
  path: '/api/swarm/agents',
  summary: 'Register an agent of this node',
  action: 'agent.register',
  params: none,
  query: none,
  body: bodyInput,
  answer: agentJsonSchema,
  status: 201,
  handle: async ({ body: input, by, door }) => {
    const tool = orNull(input.tool) ?? 'claude';
    const projectPath = orNull(input.project_path);
    const account = orNull(input.account);
    const home = input.home ?? 'person';
    const place = await door.node.agentPlace({
      tool,
      drive: input.drive ?? 'terminal',
      projectPath,
      tmuxSessionId: orNull(input.tmux_session_id),
      home,
    });
    if (isRefusal(place)) return place;
    const unfit = turnsRefusal(input.turns, place.tmuxSessionId === null ? tool : IN_TERMINAL);
    if (unfit !== undefined) return unfit;
    const body: BodyOf<'agent.registered'> = {
      type: 'agent.registered',
      name: input.name,
      tool,
      capabilities: capabilitiesOf(place.tmuxSessionId === null ? tool : '', input.capabilities ?? []),
      projectPath,
      ...place,
      maxConcurrentTasks: input.max_concurrent_tasks ?? 1,
      ...(account === null ? {} : { account }),
      ...(typeof input.budget_usd_day === 'number' ? { budgetUsdDay: input.budget_usd_day } : {}),
      ...(home === 'own' ? { home } : {}),
      ...turnsOf(input.turns),
    };
    const arrival = await appendOne({ entity: undefined, by, body }, door);
    if (isRefusal(arrival)) return arrival;
    const row = door.node.store.get('agent', arrival.op.header.entity);
    if (!isLive(row)) throw new Error('an agent that was just registered is not there');
    return agentJson(row, door);
  },
});

/** A shell agent takes tasks that require `shell`, so it has that capability whether its owner thought of it or not. */
function capabilitiesOf(tool: string, given: readonly string[]): string[] {
  return [...new Set(tool === 'shell' ? [...given, SHELL] : given)];
}

const remove = jsonRoute({
  method: 'DELETE',
  path: '/api/swarm/agents/{id}',
  summary: 'Withdraw an agent; its node stops it',
  action: 'agent.deregister',
  params: idParams,
  query: z.object({ home: z.literal('removed').optional().describe('its own configuration directory goes with it') }),
  body: none,
  answer: z.object({ status: z.literal('deregistered'), agent_id: z.string() }),
  status: 200,
  handle: async ({ params, query, by, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const body = { type: 'agent.deregistered' as const, ...query };
    const arrival = await appendOne({ entity: agent.id, by, body }, door);
    return isRefusal(arrival) ? arrival : { status: 'deregistered' as const, agent_id: agent.id };
  },
});

const pause = pauseRoute('pause', true, 'Let an agent take nothing more; what it is at goes on');
const resume = pauseRoute('resume', false, 'Let a paused agent take tasks again');

function pauseRoute(verb: string, paused: boolean, summary: string): Route {
  return jsonRoute({
    method: 'POST',
    path: `/api/swarm/agents/{id}/${verb}`,
    summary,
    action: 'agent.pause',
    params: idParams,
    query: none,
    body: none,
    answer: agentJsonSchema,
    status: 200,
    handle: async ({ params, by, door }) => {
      const agent = findAgent(params.id, door);
      if (isRefusal(agent)) return agent;
      if (isPaused(agent) !== paused) {
        const arrival = await appendOne({ entity: agent.id, by, body: { type: 'agent.paused', paused } }, door);
        if (isRefusal(arrival)) return arrival;
      }
      const now = door.node.store.get('agent', agent.id);
      return agentJson(isLive(now) ? now : agent, door);
    },
  });
}

const budget = jsonRoute({
  method: 'POST',
  path: '/api/swarm/agents/{id}/budget',
  summary:
    'Say what an agent may cost a day; above it an attempt is ended, and it takes nothing more until the next day',
  action: 'agent.budget',
  params: idParams,
  query: none,
  body: z.object({ usd_day: budgetInput.nullable() }),
  answer: agentJsonSchema,
  status: 200,
  handle: async ({ params, body, by, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const budgeted: BodyOf<'agent.budgeted'> = { type: 'agent.budgeted', usdDay: body.usd_day };
    const arrival = await appendOne({ entity: agent.id, by, body: budgeted }, door);
    if (isRefusal(arrival)) return arrival;
    const now = door.node.store.get('agent', agent.id);
    return agentJson(isLive(now) ? now : agent, door);
  },
});

const send = jsonRoute({
  method: 'POST',
  path: '/api/swarm/agents/{id}/send',
  summary: 'Say something to an agent, wherever it runs',
  action: 'agent.send',
  params: idParams,
  query: none,
  body: z.object({ text: requiredText('text', SEND_MAX_CHARS) }),
  answer: z.object({ sent: z.boolean() }),
  status: 200,
  handle: async ({ params, body, door }) => {
    const agent = findAgent(params.id, door);
    return isRefusal(agent) ? agent : door.node.agentSend(agent.id, body.text);
  },
});

const output = jsonRoute({
  method: 'GET',
  path: '/api/swarm/agents/{id}/output',
  summary: 'The last lines of an agent, wherever it runs; `status` is what its driver sees',
  action: 'agent.read',
  params: idParams,
  query: linesQuery,
  body: none,
  answer: z.object({ agent_id: z.string(), status: z.string(), output: z.string() }),
  status: 200,
  handle: async ({ params, query, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const answer = await door.node.agentOutput(agent.id, query.lines);
    return isRefusal(answer) ? answer : { agent_id: agent.id, ...answer };
  },
});

const explain = jsonRoute({
  method: 'GET',
  path: '/api/swarm/agents/{id}/explain',
  summary: 'Why an agent is said to be in its state: the rule, and what it found',
  action: 'agent.read',
  params: idParams,
  query: none,
  body: none,
  answer: z.object({
    agent_id: z.string(),
    name: z.string(),
    tool: z.string(),
    state: z.string(),
    source: z.string(),
    exact: z.boolean(),
    rule: z.string(),
    evidence: z.array(z.object({ zone: z.string(), text: z.string() })),
    since: z.string().nullable().describe('By the clock of its node; null where nobody knows'),
  }),
  status: 200,
  handle: async ({ params, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const answer = await door.node.agentExplain(agent.id);
    if (isRefusal(answer)) return answer;
    const { sinceMs, ...told } = answer;
    const since = sinceMs === undefined ? null : dateText(sinceMs);
    return { agent_id: agent.id, name: agent.registered.name, ...told, since };
  },
});

const attach = jsonRoute({
  method: 'GET',
  path: '/api/swarm/agents/{id}/attach',
  summary: 'What to type on which machine to sit at the terminal of an agent',
  action: 'agent.send',
  params: idParams,
  query: none,
  body: none,
  answer: z.object({
    agent_id: z.string(),
    node_name: z.string(),
    command: z.array(z.string()),
    host: z.string(),
    user: z.string(),
    ssh: z.string().nullable(),
  }),
  status: 200,
  handle: async ({ params, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const answer = await door.node.agentAttach(agent.id);
    const { node } = agent.registered;
    return isRefusal(answer) ? answer : { agent_id: agent.id, node_name: door.roster.nodeName(node), ...answer };
  },
});

export const agentRoutes: readonly Route[] = [
  list,
  create,
  remove,
  pause,
  resume,
  budget,
  send,
  output,
  explain,
  attach,
];
