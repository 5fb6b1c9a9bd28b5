/** From three nodes that are up to a swarm that can be used: linked, agents there, the demo project known. */
import { z } from 'zod';
import { agentSchema, nodeSchema, projectSchema, read } from '../answers.ts';
import type { Client } from '../client.ts';
import { ask } from '../client.ts';

/** Links and registrations take well under a second; a machine that is very busy gets this. */
const SETTLE_WITHIN_MS = 30_000;

export type Settled = { nodes: number; agents: number };

/** Waits until the node sees so many nodes alive and so many agents that are not offline. Resolves with what it sees, complete or when time is up. */
export async function waitForSwarm(node: Client, wanted: Settled): Promise<Settled> {
  const signal = AbortSignal.timeout(SETTLE_WITHIN_MS);
  let seen = await look(node);
  const isWhole = (): boolean => seen.nodes >= wanted.nodes && seen.agents >= wanted.agents;
  // The first event comes at once, so that nothing is missed between the look and the stream.
  for await (const { event } of node.events({}, signal)) {
    if (event === 'snapshot' || event === 'presence' || /^(agent|node)\./.test(event)) seen = await look(node);
    if (isWhole()) break;
  }
  return seen;
}

async function look(node: Client): Promise<Settled> {
  const nodes = read(z.array(nodeSchema), await ask(node, { method: 'GET', path: '/api/swarm/nodes' }));
  const agents = read(z.array(agentSchema), await ask(node, { method: 'GET', path: '/api/swarm/agents' }));
  return {
    nodes: nodes.filter((each) => each.status === 'self' || each.status === 'alive').length,
    agents: agents.filter((agent) => agent.status !== 'offline').length,
  };
}

/** Names of the agents that wait for somebody to resume them. */
export async function pausedAgents(node: Client): Promise<{ name: string; tool: string }[]> {
  const agents = read(z.array(agentSchema), await ask(node, { method: 'GET', path: '/api/swarm/agents' }));
  return agents.filter((agent) => agent.paused).map(({ name, tool }) => ({ name, tool }));
}

/** Registers the demo repository as project `demo`, unless it is registered already. */
export async function ensureProject(node: Client, origin: string): Promise<void> {
  const projects = read(z.array(projectSchema), await ask(node, { method: 'GET', path: '/api/swarm/projects' }));
  if (projects.some((project) => project.name === 'demo' && project.origin === origin)) return;
  await ask(node, { method: 'POST', path: '/api/swarm/projects', body: { name: 'demo', origin } });
}
