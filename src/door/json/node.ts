/** Nodes and projects in JSON. */
import { z } from 'zod';
import type { NodeId } from '#core/brand.ts';
import type { LiveProject } from '#core/view/project.ts';
import type { Door } from '../door.ts';
import { dateText } from './text.ts';

export const NODE_STATES = ['self', 'alive', 'suspect', 'dead', 'left', 'replaced', 'revoked', 'retired'] as const;
export type NodeState = (typeof NODE_STATES)[number];

export const nodeJsonSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    status: z.enum(NODE_STATES),
    addresses: z.array(z.string()).describe('Where its mesh can be dialled; empty for a node that only dials'),
    version: z.string(),
    agents: z.number().int(),
    http_port: z.number().int().nullable().describe('Port of its page; null while this node has no link to it'),
    round_trip_ms: z.number().nullable(),
    links: z.array(z.string()).describe('Nodes that it is linked with, as it last said'),
    last_heard_at: z.string().nullable(),
    registered_at: z.string(),
    forked: z.boolean().describe('Its log was signed twice and counts only up to the fork'),
    replaced_by: z.string().nullable().describe('The node that was last made from a backup of this one'),
  })
  .meta({ id: 'Node' });
export type NodeJson = z.output<typeof nodeJsonSchema>;

/** All nodes that ever registered, this one first, then by name. */
export const nodesJson = (door: Door): NodeJson[] =>
  door.roster
    .nodes()
    .map((row) => nodeJson(row.id, door))
    .toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

const rank = (node: NodeJson): number => (node.status === 'self' ? 0 : 1);

/** What of a node changes without an op about it. */
export function nodeNow(id: NodeId, door: Door): Pick<NodeJson, 'status' | 'http_port' | 'links'> {
  const own = id === door.node.info.self;
  const links = door.node.links();
  const httpPort = links.find((one) => one.node === id)?.httpPort;
  return {
    status: door.roster.nodeState(id),
    http_port: own ? door.node.info.httpPort : (httpPort ?? null),
    links: own ? links.map((one) => one.node) : [...(door.roster.presence().get(id)?.links ?? [])],
  };
}

export function nodeJson(id: NodeId, door: Door): NodeJson {
  const row = door.roster.node(id);
  const link = door.node.links().find((one) => one.node === id);
  const said = door.roster.presence().get(id);
  const heardMs = said?.heardMs;
  const now = nodeNow(id, door);
  return {
    id,
    name: row?.name ?? '',
    status: now.status,
    addresses: row?.addresses ?? [],
    version: row?.version ?? '',
    agents: door.roster.agents().filter((agent) => agent.registered.node === id).length,
    http_port: now.http_port,
    round_trip_ms: link?.roundTripMs ?? null,
    links: now.links,
    last_heard_at: heardMs === undefined ? null : dateText(heardMs),
    registered_at: dateText(row?.registeredMs ?? 0),
    forked: row?.forkedAt !== undefined,
    replaced_by: row?.replacedBy?.node ?? null,
  };
}

export const projectJsonSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    origin: z.string(),
    base: z.string().nullable(),
    setup: z.string().nullable(),
    node_id: z.string(),
    registered_at: z.string(),
  })
  .meta({ id: 'Project' });
export type ProjectJson = z.output<typeof projectJsonSchema>;

export const projectJson = ({ id, registered }: LiveProject): ProjectJson => ({
  id,
  name: registered.name,
  origin: registered.origin,
  base: registered.base,
  setup: registered.setup,
  node_id: registered.node,
  registered_at: dateText(registered.wallMs),
});
