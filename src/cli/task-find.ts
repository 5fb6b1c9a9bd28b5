/** Which task is meant: whatever a node takes as an id, or `last` for the newest. */
import { z } from 'zod';
import type { Task } from './answers.ts';
import { read, taskSchema } from './answers.ts';
import type { Client } from './client.ts';
import { ask } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';

/** Tasks that one answer holds. */
const PAGE = 1_000;
/** Beyond a hundred thousand tasks, the newest one is better named by its id. */
const PAGES_MAX = 100;

export const TASK_ID: readonly [string, string] = ['<id>', 'the task: its id, short id or own name, or `last`'];

/** `/api/swarm/tasks/<id>`, with what follows it. */
export async function taskPath(typed: string, node: Client, rest = ''): Promise<string> {
  const id = typed === 'last' ? (await newest(node)).id : typed;
  return `/api/swarm/tasks/${encodeURIComponent(id)}${rest}`;
}

/** The task with its whole texts. */
export const getTask = async (typed: string, node: Client): Promise<Task> =>
  read(taskSchema, await ask(node, { method: 'GET', path: await taskPath(typed, node) }));

async function newest(node: Client): Promise<Task> {
  let best: Task | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { limit: PAGE, offset: page * PAGE };
    const tasks = read(z.array(taskSchema), await ask(node, { method: 'GET', path: '/api/swarm/tasks', query }));
    for (const task of tasks) if (best === undefined || isNewer(task, best)) best = task;
    if (tasks.length < PAGE) break;
  }
  if (best !== undefined) return best;
  throw new CommandFailure(EXIT.refused, 'there is no task yet', {
    hints: ['make one: skep run --shell "echo hello"'],
    detail: { code: 'not_found' },
  });
}

/** By the time of creation, which has whole seconds; within one, by the number in the author's log. */
function isNewer(a: Task, b: Task): boolean {
  const [atA, atB] = [a.created_at ?? '', b.created_at ?? ''];
  return atA === atB ? numberOf(a.id) > numberOf(b.id) : atA > atB;
}

const numberOf = (id: string): number => Number(id.split('-').at(-1));
