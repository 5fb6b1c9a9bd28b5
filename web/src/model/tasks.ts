/** Which tasks are shown, and in which order. */
import { holdsAll, wordsOf } from '../../../src/core/task/words.ts';
import type { Task } from './frame.ts';
import { isEnded } from './swarm.ts';
import { shortId } from './text.ts';

export const GROUPS = ['pending', 'active', 'completed', 'failed', 'cancelled'] as const;
export type Group = (typeof GROUPS)[number];

/** What the seed's tiles count together: claimed and in progress are active. */
export const groupOf = ({ status }: Task): Group =>
  status === 'claimed' || status === 'in_progress' ? 'active' : status;

export type Filter = {
  /** Words that must all occur in title, id, description, names or capabilities. */
  text: string;
  group: Group | undefined;
  project: string | undefined;
};

/** As long as the node takes them. */
const SEARCH_MAX_CHARS = 200;

export const EVERYTHING: Filter = { text: '', group: undefined, project: undefined };

/** What the node is asked for behind `?`, so that it finds the same: empty for all tasks, undefined where all that can be found are followed anyway. */
export function queryOf({ text, group, project }: Filter): string | undefined {
  if (group === 'active') return undefined;
  const query = new URLSearchParams();
  const words = wordsOf(text).join(' ').slice(0, SEARCH_MAX_CHARS);
  if (words !== '') query.set('q', words);
  if (group !== undefined) query.set('status', group);
  if (project !== undefined) query.set('project', project);
  return query.toString();
}

/** Open tasks as agents take them, most urgent first and then oldest first; behind them the ended ones, newest first. */
export function compareTasks(a: Task, b: Task): number {
  if (isEnded(a) !== isEnded(b)) return isEnded(a) ? 1 : -1;
  if (isEnded(a)) return compareTexts(b.updated_at, a.updated_at) || b.lamport_ts - a.lamport_ts;
  const waits = (task: Task): number => (task.status === 'pending' ? 1 : 0);
  return (
    waits(a) - waits(b) ||
    b.priority - a.priority ||
    compareTexts(a.created_at, b.created_at) ||
    compareTexts(a.id, b.id)
  );
}

/** By code units: dates and ids need no language, and a language costs fifty times as much over a thousand tasks. */
export const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `nameOf` says agents' and nodes' names, which are found too. */
export function filterTasks(tasks: Iterable<Task>, filter: Filter, nameOf: (id: string) => string): Task[] {
  const wanted = wordsOf(filter.text);
  const isShown = (task: Task): boolean => {
    if (filter.group !== undefined && groupOf(task) !== filter.group) return false;
    if (filter.project !== undefined && task.project !== filter.project) return false;
    if (wanted.length === 0) return true;
    const held = [
      task.title,
      shortId(task.id),
      task.id,
      task.alias ?? '',
      task.description,
      ...task.required_capabilities,
    ];
    const names = [task.assigned_to, task.assigned_node].map((id) => (id === null ? '' : nameOf(id)));
    return holdsAll([...held, ...names], wanted);
  };
  return [...tasks].filter(isShown).toSorted(compareTasks);
}

/** A task that does the same again, in place of this one; dependents accept either. */
export const retryBody = (task: Task): Record<string, unknown> => ({
  title: task.title,
  description: task.description,
  context: task.context,
  priority: task.priority,
  required_capabilities: task.required_capabilities,
  project: task.project,
  project_path: task.project_path,
  base: task.base,
  depends_on: task.depends_on,
  attempts_max: task.attempts_max,
  time_limit_s: task.time_limit_s,
  budget_usd: task.budget_usd,
  fork: task.fork?.task_id ?? null,
  supersedes: task.id,
});
