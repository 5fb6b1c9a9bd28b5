/** What this node says of itself: the seed's counts first, then what skep adds. */
import { z } from 'zod';
import type { Door } from '../door.ts';
import type { PublicStatus } from './task.ts';

const count = z.number().int();

export const statusJsonSchema = z
  .object({
    node_id: z.string(),
    uptime: z.number().describe('Seconds'),
    tasks: z.object({
      total: count,
      pending: count,
      claimed: count,
      in_progress: count,
      completed: count,
      failed: count,
      cancelled: count,
    }),
    agents: z.object({ total: count }),
    name: z.string(),
    role: z.enum(['emperor', 'worker']),
    version: z.string(),
    http_port: count,
    p2p_port: count,
    nodes: count,
    links: count,
    posts: count.describe('On the wall'),
    lamport: count,
    tools: z.array(z.string()).describe('Tools that this node has a driver for'),
    log: z
      .object({
        ops: count,
        sealed: count.describe('Stored in sealed runs, which take a fraction of the room'),
        seal_after: count.describe('Newest ops that are not sealed; 0: none is ever'),
        size_bytes: count.describe('Of log and views on disk'),
      })
      .describe('What this node holds of all logs'),
    boot_check: z
      .object({
        state: z.enum(['comparing', 'alone', 'passed']),
        answered: count,
        needed: count,
        waits_for: z.array(z.string()).describe('Names of the nodes'),
      })
      .describe(
        'After each start a node asks its peers whether it forgot anything. comparing: it decides and writes nothing yet; alone: too few answered, it decides what depends on it alone',
      ),
  })
  .meta({ id: 'Status' });
export type StatusJson = z.output<typeof statusJsonSchema>;

export const healthJsonSchema = z.object({
  status: z.literal('ok'),
  uptime: z.number().optional().describe('Seconds, one decimal; only with a token'),
  node_id: z.string().optional(),
  posts: count.optional().describe('On the wall; only with a token'),
  peers: count.optional().describe('Linked nodes; only with a token'),
});

/** What `/health` says to anybody, and more to whoever has a token. */
export const healthJson = (door: Door, isKnown: boolean): z.output<typeof healthJsonSchema> =>
  isKnown
    ? {
        status: 'ok',
        uptime: uptimeSeconds(door),
        node_id: door.node.info.self,
        posts: door.node.store.count('post', {}),
        peers: door.node.links().length,
      }
    : { status: 'ok' };

/** Seconds since the node started, one decimal. */
export const uptimeSeconds = (door: Door): number =>
  Math.round(Math.max(0, door.now() - door.node.info.startedMs) / 100) / 10;

export function statusJson(door: Door): StatusJson {
  const { node } = door;
  const of = (status: PublicStatus): number => node.store.count('task', { status });
  const tasks = {
    pending: of('pending'),
    claimed: of('claimed'),
    in_progress: of('in_progress'),
    completed: of('completed'),
    failed: of('failed'),
    cancelled: of('cancelled'),
  };
  return {
    node_id: node.info.self,
    uptime: uptimeSeconds(door),
    tasks: { total: Object.values(tasks).reduce((sum, one) => sum + one, 0), ...tasks },
    agents: { total: door.roster.agents().length },
    name: node.info.name,
    role: node.info.role,
    version: node.info.version,
    http_port: node.info.httpPort,
    p2p_port: node.info.p2pPort,
    nodes: door.roster.nodes().length,
    links: node.links().length,
    posts: node.store.count('post', {}),
    lamport: node.store.lamport(),
    tools: [...node.tools()],
    log: logJson(door),
    boot_check: bootCheckJson(door),
  };
}

function logJson({ node: { store, info } }: Door): StatusJson['log'] {
  const ops = [...store.heads().values()].reduce((sum, { seq }) => sum + seq, 0);
  return { ops, sealed: store.sealedOps(), seal_after: info.sealAfter, size_bytes: store.sizeBytes() };
}

function bootCheckJson({ node, roster }: Door): StatusJson['boot_check'] {
  const { state, answered, needed, awaited } = node.standing();
  return { state, answered, needed, waits_for: awaited.map((id) => roster.nodeName(id)) };
}
