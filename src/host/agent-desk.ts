/** What an attempt needs of its node while its agent works. */
import type { OpId } from '#core/brand.ts';
import type { AgentEvent, PermissionAnswer, PermissionRequest, SessionSpec, Usage } from '#agent-ports.ts';
import type { AgentHome } from './agent-homes.ts';
import type { AttemptPlan } from './attempt-plan.ts';
import type { Spending } from './budgets.ts';
import type { Completion } from './completion.ts';
import type { Crashes } from './crash-watch.ts';

/** `completion`: undefined for an agent without tools of skep, whose protocol's end is all there is. */
export type Equipment = Pick<SessionSpec, 'instructions' | 'servers'> & {
  completion: Completion | undefined;
  /** Of an agent with a configuration directory of its own. */
  home: AgentHome | undefined;
  /** How long its agent may wait for people. */
  patienceMs: number;
};

/** Why nobody waits for an answer any more. `detached`: the node stops, and the agent asks again when it is back. */
export type Void = 'withdrawn' | 'ended' | 'detached';

export type Question = {
  /** Of a turn that is no task's, the agent itself stands for the task. */
  plan: Pick<AttemptPlan, 'task' | 'attempt' | 'agent'>;
  /** The folder that the attempt was given. */
  cwd: string;
  request: PermissionRequest;
  /** Aborted with a {@link Void} as its reason. */
  closed: AbortSignal;
  /** Shows a line of skep's own in the output of the attempt. */
  tell: (line: string) => void;
};

export type AgentDesk = {
  /** Undefined: void before anybody decided. Never rejects. */
  ask(question: Question): Promise<PermissionAnswer | undefined>;
  /** What its driver sees now; undefined when the attempt is over. */
  stands(agent: OpId, state: Extract<AgentEvent, { kind: 'state' }> | undefined): void;
  /** What is in its conversation now. */
  holds(agent: OpId, context: { tokens: number; max: number | null }): void;
  /** After a restart of the node it may come again with the same `id`, unique in its attempt: it counts once. */
  used(o: { task: OpId; attempt: number; agent: OpId; id: string; usage: Usage }): void;
  /** What the attempt may still cost. */
  spending(plan: AttemptPlan): Spending;
  /** A turn has ended, or the agent: what it used is on disk when it resolves. */
  turnOver(plan: AttemptPlan, turn: { name: string; timeMs: number }): Promise<void>;
  /** What is offered to the agent beside its own tools: after a restart of the node the same. */
  equip(plan: AttemptPlan): Promise<Equipment>;
  /** How often its program ended by itself. */
  crashesOf(agent: OpId): Crashes;
  /** The attempt is over, and its files go. */
  leave(one: { task: OpId; attempt: number }): Promise<void>;
};
