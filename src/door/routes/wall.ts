/** The graffiti wall, as the seed's demo had it: whom this node is linked with, a few counts, and its page. Posts are in posts.ts. */
import { z } from 'zod';
import { statusJson } from '../json/status.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none } from './input.ts';

const count = z.number().int();

const peers = jsonRoute({
  method: 'GET',
  path: '/api/peers',
  summary: 'Nodes that this one is linked with',
  action: 'node.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(z.object({ node_id: z.string(), host: z.string(), port: count })),
  status: 200,
  handle: ({ door }) => door.node.links().map(({ node, address }) => ({ node_id: node, ...placeOf(address) })),
});

/** Of `127.0.0.1:7102`, or `[::1]:7102`. */
function placeOf(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) };
}

const status = jsonRoute({
  method: 'GET',
  path: '/api/status',
  summary: 'This node and its wall, in a few counts',
  action: 'status.read',
  params: none,
  query: none,
  body: none,
  answer: z.object({
    node_id: z.string(),
    uptime: z.number().describe('Seconds'),
    posts: count,
    peers: count,
    lamport_clock: count,
    http_port: count,
    p2p_port: count,
    ws_clients: count.describe('Streams of events that are open'),
  }),
  status: 200,
  handle: ({ door }) => {
    const { node_id, uptime, posts, links, lamport, http_port, p2p_port } = statusJson(door);
    return {
      node_id,
      uptime,
      posts,
      peers: links,
      lamport_clock: lamport,
      http_port,
      p2p_port,
      ws_clients: door.feed.readers(),
    };
  },
});

export const wallRoutes: readonly Route[] = [peers, status];
