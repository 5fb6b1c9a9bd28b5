/** What only the node of an agent, or of an attempt, can say or do, asked from any node. */
import type { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { isLive } from '#core/view/agent.ts';
import { holderOf, taskChain } from '#core/view/chain.ts';
import type { OpStore } from '#ports.ts';
import type { AttemptName } from '#store/transcripts.ts';
import type { Remote } from './remote.ts';

const CALL_DEADLINE_MS = 10_000;

export type AtHomeParts = { self: NodeId; store: Pick<OpStore, 'get'>; remote: Remote };

type Asked<A> = { method: string; params: unknown; answer: z.ZodType<A>; deadlineMs?: number };

/** Does it here where the agent is this node's, else calls its node. */
export async function atAgentHome<A>(
  agent: OpId,
  parts: AtHomeParts,
  o: Asked<A> & { here: () => Promise<A | Refusal> },
): Promise<A | Refusal> {
  const row = parts.store.get('agent', agent);
  if (!isLive(row)) return refusal('not_found', 'Agent not found', { got: agent });
  const { node } = row.registered;
  if (node === parts.self) return o.here();
  const { method, params, answer, deadlineMs = CALL_DEADLINE_MS } = o;
  return parts.remote.ask({ to: node, method, params, answer, deadlineMs });
}

/** The same for an attempt of a task, by default the running or last one: `params` go out with its `task` and `attempt`. */
export async function atAttemptHome<A>(
  of: { task: OpId; attempt?: number | undefined },
  parts: AtHomeParts,
  o: Asked<A> & { params: object; here: (name: AttemptName) => A | Refusal | Promise<A | Refusal> },
): Promise<A | Refusal> {
  const row = parts.store.get('task', of.task);
  if (row === undefined) return refusal('not_found', 'Task not found', { got: of.task });
  const chain = taskChain(row);
  const attempt = of.attempt ?? chain.attempt;
  const node = holderOf(row, attempt)?.value.node;
  if (node === undefined)
    return refusal('no_work', 'no agent has worked on this task yet', { got: `attempt ${attempt}, ${chain.status}` });
  const name = { task: of.task, attempt };
  if (node === parts.self) return o.here(name);
  const { method, params, answer, deadlineMs = CALL_DEADLINE_MS } = o;
  return parts.remote.ask({ to: node, method, params: { ...params, ...name }, answer, deadlineMs });
}
