/** Taking nodes out of the swarm, for good. */
import type { Action } from '#core/policy.ts';
import { appendOne } from '../append.ts';
import { nodeJson, nodeJsonSchema } from '../json/node.ts';
import { findNode } from '../lookup.ts';
import { isRefusal, refused } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, none } from './input.ts';

/** A node that is out already is left as it is. Its log counts up to what this node holds of it now. */
const exclusion = (o: {
  verb: 'revoke' | 'retire';
  type: 'node.revoked' | 'node.retired';
  summary: string;
  action: Action;
}) =>
  jsonRoute({
    method: 'POST',
    path: `/api/swarm/nodes/{id}/${o.verb}`,
    summary: o.summary,
    action: o.action,
    params: idParams,
    query: none,
    body: none,
    answer: nodeJsonSchema,
    status: 200,
    handle: async ({ params, by, door }) => {
      const row = findNode(params.id, door);
      if (isRefusal(row)) return row;
      if (row.id === door.node.info.self) {
        const detail = { expected: 'another node, or this request at another node', got: params.id };
        return refused('conflict', `a node cannot ${o.verb} itself`, detail);
      }
      if (row.excluded !== undefined && (o.verb === 'retire' || row.excluded.how === 'revoked'))
        return nodeJson(row.id, door);
      const lastSeq = door.node.store.heads().get(row.id)?.seq ?? 0;
      const body = { type: o.type, node: row.id, lastSeq };
      const arrival = await appendOne({ entity: row.entity, by, body }, door);
      return isRefusal(arrival) ? arrival : nodeJson(row.id, door);
    },
  });

export const nodeRoutes: readonly Route[] = [
  exclusion({
    verb: 'revoke',
    type: 'node.revoked',
    summary: 'Trust a node no more: nobody links with it, and what it writes from now on counts nowhere. For good',
    action: 'node.revoke',
  }),
  exclusion({
    verb: 'retire',
    type: 'node.retired',
    summary: 'Take a node whose machine is gone out of the swarm: nobody waits for it. For good',
    action: 'node.retire',
  }),
];
