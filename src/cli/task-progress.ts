/** Lines that say how a followed task fares: each change once, on standard error so that the agent's own output stays apart. */
import type { Task } from './answers.ts';
import { paint } from './table.ts';
import { duration, printableLine } from './text.ts';
import type { World } from './world.ts';

/** Takes the task at each change; says something only when a person would want to know. */
export function progressOf(world: World): (task: Task) => void {
  let said = '';
  return (task) => {
    const line = lineOf(task);
    if (line === said) return;
    said = line;
    const style = task.status === 'completed' ? 'green' : task.status === 'failed' ? 'red' : 'dim';
    world.err.write(`${paint(world.err, style, line)}\n`);
  };
}

function lineOf(task: Task): string {
  const attempt = task.attempt > 1 ? ` (attempt ${task.attempt} of ${task.attempts_max})` : '';
  switch (task.status) {
    case 'pending':
      return `pending${againOf(task)}${task.pending_reason === undefined ? '' : `: ${printableLine(task.pending_reason)}`}`;
    case 'claimed':
    case 'in_progress':
      return `${task.status === 'claimed' ? 'given to an agent' : 'running'}${attempt}`;
    case 'completed':
      return `completed${tookOf(task)}${attempt}`;
    default:
      return `${task.status}${whyOf(task)}${attempt}`;
  }
}

function againOf({ attempt, reason }: Task): string {
  return attempt === 0
    ? ''
    : ` again: attempt ${attempt} did not complete${reason === undefined ? '' : ` (${reason})`}`;
}

function tookOf(task: Task): string {
  if (task.claimed_at === undefined || task.completed_at === undefined) return '';
  // Both have whole seconds only.
  const tookMs = Date.parse(task.completed_at) - Date.parse(task.claimed_at);
  return tookMs < 1_000 ? ' within a second' : ` in ${duration(tookMs)}`;
}

function whyOf(task: Task): string {
  const reason = task.reason === undefined || task.reason === task.status ? '' : ` (${task.reason})`;
  return `${reason}${task.error === undefined ? '' : `: ${printableLine(task.error)}`}`;
}
