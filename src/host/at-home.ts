/** What only an agent's own node can say or do, asked from any node. */
import type { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { isLive } from '#core/view/agent.ts';
import type { OpStore } from '#ports.ts';
import type { Remote } from './remote.ts';

const CALL_DEADLINE_MS = 10_000;

export type AtHomeParts = { self: NodeId; store: Pick<OpStore, 'get'>; remote: Remote };

/** Does it here where the agent is this node's, else calls its node. */
export async function atAgentHome<A>(
  agent: OpId,
  parts: AtHomeParts,
  o: { here: () => Promise<A | Refusal>; method: string; params: unknown; answer: z.ZodType<A>; deadlineMs?: number },
): Promise<A | Refusal> {
  const row = parts.store.get('agent', agent);
  if (!isLive(row)) return refusal('not_found', 'Agent not found', { got: agent });
  const { node } = row.registered;
  if (node === parts.self) return o.here();
  const { method, params, answer, deadlineMs = CALL_DEADLINE_MS } = o;
  return parts.remote.ask({ to: node, method, params, answer, deadlineMs });
}
