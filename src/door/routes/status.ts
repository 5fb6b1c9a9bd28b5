/** How this node and the swarm are. */
import { z } from 'zod';
import { linkJsonSchema, linksJson } from '../json/link.ts';
import { nodeJsonSchema, nodesJson } from '../json/node.ts';
import { healthJson, healthJsonSchema, statusJson, statusJsonSchema } from '../json/status.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none } from './input.ts';

const health = jsonRoute({
  method: 'GET',
  path: '/health',
  summary: 'Whether this node answers; with a token, which node it is and for how long it has run',
  action: 'health.read',
  params: none,
  query: none,
  body: none,
  answer: healthJsonSchema,
  status: 200,
  handle: ({ caller, door }) => healthJson(door, caller !== undefined),
});

const status = jsonRoute({
  method: 'GET',
  path: '/api/swarm/status',
  summary: 'This node, and how many tasks and agents there are',
  action: 'status.read',
  params: none,
  query: none,
  body: none,
  answer: statusJsonSchema,
  status: 200,
  handle: ({ door }) => statusJson(door),
});

const nodes = jsonRoute({
  method: 'GET',
  path: '/api/swarm/nodes',
  summary: 'Nodes of the swarm as this one sees them, this one first',
  action: 'node.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(nodeJsonSchema),
  status: 200,
  handle: ({ door }) => nodesJson(door),
});

const links = jsonRoute({
  method: 'GET',
  path: '/api/swarm/links',
  summary: 'Links of this node, and what went over each',
  action: 'node.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(linkJsonSchema),
  status: 200,
  handle: ({ door }) => linksJson(door),
});

const digest = jsonRoute({
  method: 'GET',
  path: '/api/swarm/digest',
  summary: 'What this node holds: two nodes agree when digest and heads are equal',
  action: 'node.read',
  params: none,
  query: none,
  body: none,
  answer: z.object({ digest: z.string(), heads: z.record(z.string(), z.number().int()), lamport: z.number().int() }),
  status: 200,
  handle: ({ door }) => ({
    digest: door.node.store.digest(),
    heads: Object.fromEntries([...door.node.store.heads()].map(([node, head]) => [node, head.seq])),
    lamport: door.node.store.lamport(),
  }),
});

export const statusRoutes: readonly Route[] = [health, status, nodes, links, digest];
