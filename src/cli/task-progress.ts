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
      return `pending${task.pending_reason === undefined ? '' : `: ${printableLine(task.pending_reason)}`}`;
    case 'claimed':
    case 'in_progress':
      return `${task.status === 'claimed' ? 'given to an agent' : 'running'}${attempt}`;
    case 'completed':
      return `completed${tookOf(task)}${attempt}`;
    default:
      return `${task.status}${whyOf(task)}${attempt}`;
  }
}

function tookOf(task: Task): string {
  if (task.claimed_at === undefined || task.completed_at === undefined) return '';
  return ` in ${duration(Date.parse(task.completed_at) - Date.parse(task.claimed_at))}`;
}

function whyOf(task: Task): string {
  const reason = task.reason === undefined || task.reason === task.status ? '' : ` (${task.reason})`;
  return `${reason}${task.error === undefined ? '' : `: ${printableLine(task.error)}`}`;
}
