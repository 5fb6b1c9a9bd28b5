/** What people do to an agent at work, wherever it runs: stop it, tell it something, start its program anew. */
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import type { Action } from '#core/policy.ts';
import type { Refusal } from '#core/refusal.ts';
import type { Door } from '../door.ts';
import { findAgent } from '../lookup.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, none, requiredText } from './input.ts';

/** One message to an agent. */
const STEER_MAX_CHARS = 256 * 1024;

const interrupt = controlRoute('interrupt', 'interrupted', {
  summary: 'End the turn an agent is in; it then waits to be told what to do instead (steer), a script ends',
  action: 'agent.interrupt',
  act: (agent, door) => door.node.agentInterrupt(agent),
});

const restart = controlRoute('restart', 'restarted', {
  summary: 'End the program in the terminal of an agent and start it anew; what it was at is interrupted',
  action: 'agent.restart',
  act: (agent, door) => door.node.agentRestart(agent),
});

function controlRoute<S extends string>(
  verb: string,
  status: S,
  o: { summary: string; action: Action; act: (agent: OpId, door: Door) => Promise<{ done: true } | Refusal> },
): Route {
  return jsonRoute({
    method: 'POST',
    path: `/api/swarm/agents/{id}/${verb}`,
    summary: o.summary,
    action: o.action,
    params: idParams,
    query: none,
    body: none,
    answer: z.object({ status: z.literal(status), agent_id: z.string() }),
    status: 200,
    handle: async ({ params, door }) => {
      const agent = findAgent(params.id, door);
      if (isRefusal(agent)) return agent;
      const answer = await o.act(agent.id, door);
      return isRefusal(answer) ? answer : { status, agent_id: agent.id };
    },
  });
}

const steer = jsonRoute({
  method: 'POST',
  path: '/api/swarm/agents/{id}/steer',
  summary: 'Say something in the turn an agent is in, or that was interrupted; refused where its tool cannot take it',
  action: 'agent.send',
  params: idParams,
  query: none,
  body: z.object({ text: requiredText('text', STEER_MAX_CHARS) }),
  answer: z.object({ status: z.literal('steered'), agent_id: z.string() }),
  status: 200,
  handle: async ({ params, body, door }) => {
    const agent = findAgent(params.id, door);
    if (isRefusal(agent)) return agent;
    const answer = await door.node.agentSteer(agent.id, body.text);
    return isRefusal(answer) ? answer : { status: 'steered' as const, agent_id: agent.id };
  },
});

export const agentControlRoutes: readonly Route[] = [interrupt, steer, restart];
