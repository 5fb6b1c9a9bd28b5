/** What an attempt needs of its node while its agent works. */
import type { OpId } from '#core/brand.ts';
import type { AgentEvent, PermissionAnswer, PermissionRequest, SessionSpec, Usage } from '#agent-ports.ts';
import type { AttemptPlan } from './attempt.ts';

export type AgentDesk = {
  /** Undefined: void before anybody decided, because `closed` was aborted. Never rejects. */
  ask(plan: AttemptPlan, request: PermissionRequest, closed: AbortSignal): Promise<PermissionAnswer | undefined>;
  /** What its driver sees now; undefined when the attempt is over. */
  stands(agent: OpId, state: Extract<AgentEvent, { kind: 'state' }> | undefined): void;
  /** After a restart of the node it may come again with the same `id`, unique in its attempt: it counts once. */
  used(o: { task: OpId; attempt: number; agent: OpId; id: string; usage: Usage }): void;
  /** What is offered to the agent beside its own tools. */
  equip(plan: AttemptPlan): Pick<SessionSpec, 'instructions' | 'servers'>;
};
