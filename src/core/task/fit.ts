/** Which agent may work which task. The claiming node asks before it claims, home asks again before it grants. */
import type { OpId } from '../brand.ts';
import type { AgentRow, LiveAgent } from '../view/agent.ts';
import { hasTurns, isBoxed, isLive, isPaused } from '../view/agent.ts';
import { taskChain } from '../view/chain.ts';
import type { TaskCreated, TaskRow } from '../view/task.ts';
import type { Views } from '../view/views.ts';

/** The capability without which a shell agent takes nothing: a description is a script only where its author said so. */
export const SHELL = 'shell';

/** Tools a node drives at all are a matter of that node; here only what the log says counts. */
export const fits = (agent: AgentRow, row: Pick<TaskRow, 'allowed'> & { created: TaskCreated }): boolean =>
  isFor(agent, row) && fitsKind(agent, row);

/** Whether a conversation that is to be copied is that agent's, or there is none. */
export const isFor = ({ id }: Pick<AgentRow, 'id'>, { created: { fork } }: { created: TaskCreated }): boolean =>
  fork === undefined || fork.agent === id;

/** As {@link fits}, the same for all agents of one kind: whose conversation is to be copied does not count. */
export function fitsKind(agent: AgentRow, row: Pick<TaskRow, 'allowed'> & { created: TaskCreated }): boolean {
  if (!isLive(agent) || isPaused(agent) || hasTurns(agent) || needsAllow(row)) return false;
  const task = row.created;
  if (needsBox(row) && !isBoxed(agent)) return false;
  const { tool, capabilities, tmuxSessionId, opens } = agent.registered;
  // What goes on in it is a person's.
  if (opens !== null) return false;
  // An agent in a terminal works in its own folder, and a project's task in a worktree of its own.
  if (tmuxSessionId !== null && task.project !== null) return false;
  if (tool === SHELL && tmuxSessionId === null && !task.requiredCapabilities.includes(SHELL)) return false;
  return task.requiredCapabilities.every((wanted) => capabilities.includes(wanted));
}

/** Agents with the same text here fit the same tasks: all that {@link fitsKind} asks of a living agent. */
export function kindOf(agent: LiveAgent): string {
  const { tool, capabilities, tmuxSessionId, opens } = agent.registered;
  return JSON.stringify([
    isPaused(agent),
    isBoxed(agent),
    hasTurns(agent),
    tool === SHELL,
    tmuxSessionId === null,
    opens === null,
    [...new Set(capabilities)].toSorted(),
  ]);
}

/**
 * A task that came out of a box must not leave it: it is worked in a box, whoever allows it. All kinds of boxes count as equally tight: none has a
 * network, and all share the kernel.
 */
export const needsBox = ({ created }: { created: TaskCreated }): boolean => created.fromBox !== undefined;

/** A task that an agent made waits for an operator: each attempt may make more of them. */
export const needsAllow = ({ created, allowed }: Pick<TaskRow, 'allowed'> & { created: TaskCreated }): boolean =>
  created.by.startsWith('agent:') && !allowed;

export type Dependencies = 'met' | 'waiting' | 'broken';

/** Tasks that may stand in for one task: an operator forces rarely. */
const SUPERSEDING_MAX = 20;
/** How often a task that stands in for another may itself be stood in for. */
const DEPTH_MAX = 20;

/** How a task stands for its dependents: `completed` also when a task that supersedes it completed, or one that supersedes that. */
function standingFor(views: Views, id: OpId, depth = 0): 'completed' | 'open' | 'over' {
  const row = views.get('task', id);
  const ended = row === undefined ? undefined : taskChain(row).ended;
  if (ended?.value.kind === 'completed') return 'completed';
  let standing: 'open' | 'over' = ended === undefined ? 'open' : 'over';
  if (depth === DEPTH_MAX) return standing;
  for (const heir of views.list('task', { where: { supersedes: id }, limit: SUPERSEDING_MAX })) {
    const standingOfHeir = standingFor(views, heir.id, depth + 1);
    if (standingOfHeir === 'completed') return 'completed';
    if (standingOfHeir === 'open') standing = 'open';
  }
  return standing;
}

/** The tasks that this one stands in for, nearest first. */
export function supersededBy(views: Views, row: TaskRow): OpId[] {
  const found: OpId[] = [];
  for (let next = row.created?.supersedes; next !== null && next !== undefined && found.length < DEPTH_MAX;) {
    found.push(next);
    next = views.get('task', next)?.created?.supersedes;
  }
  return found;
}

/** `met` when every dependency, or a task that supersedes it, is decided `completed`; `broken` when one ended otherwise. */
export function dependencies(views: Views, task: TaskCreated): Dependencies {
  let state: Dependencies = 'met';
  for (const id of task.dependsOn) {
    const standing = standingFor(views, id);
    if (standing === 'over') return 'broken';
    if (standing === 'open') state = 'waiting';
  }
  return state;
}

/** A task that waits for a grant now, with its creation at hand. */
export type PendingTask = TaskRow & { created: TaskCreated };

export const isPending = (row: TaskRow | undefined): row is PendingTask =>
  row?.created !== undefined && taskChain(row).status === 'pending';
