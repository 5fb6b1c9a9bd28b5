/** Tasks: list, one, cancel, allow, timeline. */
import { z } from 'zod';
import { needsAllow } from '#core/task/fit.ts';
import type { Column } from '#core/view/view.ts';
import { appendOne } from '../append.ts';
import type { Door } from '../door.ts';
import { opJson, opJsonSchema } from '../json/op.ts';
import type { KnownTask, TaskJson } from '../json/task.ts';
import { isKnownTask, longTexts, TASK_STATUSES, taskJson, taskJsonSchema, wholeTaskJson } from '../json/task.ts';
import { textBytes } from '../json/text.ts';
import { findTask } from '../lookup.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { searchTasks } from '../task-search.ts';
import { idParams, listQuery, none, queryNumber } from './input.ts';

/** Tasks in one answer, and the default: a client that wants more pages through them with `offset`. */
const LIST_MAX = 1_000;
/** Long texts in one answer: beyond it tasks come with the beginning of theirs, and `truncated` says so. */
const LIST_TEXT_MAX_BYTES = 8 * 1024 * 1024;
/** Of what is searched for. */
const SEARCH_MAX_CHARS = 200;
/** Ops in one timeline, the newest; and the default. */
const TIMELINE_MAX = 1_000;

const list = jsonRoute({
  method: 'GET',
  path: '/api/swarm/tasks',
  summary:
    'Tasks, most urgent first, then oldest first; with q or project what is found among all of them, open ones first, newest first',
  action: 'task.read',
  params: none,
  query: listQuery(LIST_MAX).extend({
    status: z.string().max(100).optional(),
    q: z
      .string()
      .max(SEARCH_MAX_CHARS)
      .optional()
      .describe('Words that must all occur in title, id, description, capabilities, or the names of agent and node'),
    project: z.string().max(200).optional().describe('Id of its project'),
  }),
  body: none,
  answer: z.array(taskJsonSchema),
  status: 200,
  handle: async ({ query, door }) => {
    const { q = '', project = '', limit, offset } = query;
    const status = TASK_STATUSES.find((one) => one === query.status);
    if (query.status !== undefined && query.status !== '' && status === undefined) return [];
    if (q === '' && project === '') return manyTasks(taskRows(query, door), door);
    const found = await searchTasks({ q, status, project: project === '' ? undefined : project, limit, offset }, door);
    return isRefusal(found) ? found : manyTasks(found, door);
  },
});

/** One page of tasks of a status, or of all: most urgent first, then oldest first. */
export function taskRows(
  { status, limit, offset }: { status?: string | undefined; limit: number; offset: number },
  door: Door,
): KnownTask[] {
  const where: Record<string, Column> = status === undefined || status === '' ? {} : { status };
  const rows = door.node.store.list('task', {
    where,
    order: [
      ['priority', 'desc'],
      ['created', 'asc'],
    ],
    limit,
    offset,
  });
  return rows.filter(isKnownTask);
}

/** Whole texts for as many tasks as fit {@link LIST_TEXT_MAX_BYTES}; a task without blobs costs no wait. */
async function manyTasks(rows: readonly KnownTask[], door: Door): Promise<TaskJson[]> {
  const tasks: TaskJson[] = [];
  let room = LIST_TEXT_MAX_BYTES;
  for (const row of rows) {
    const short = taskJson(row, door);
    const bytes = short.truncated.length === 0 ? 0 : blobBytes(row);
    const fits = bytes > 0 && bytes <= room;
    if (fits) room -= bytes;
    tasks.push(fits ? await wholeTaskJson(row, door) : short);
  }
  return tasks;
}

const blobBytes = (row: KnownTask): number =>
  Object.values(longTexts(row)).reduce((sum, text) => sum + textBytes(text), 0);

const one = jsonRoute({
  method: 'GET',
  path: '/api/swarm/tasks/{id}',
  summary: 'One task, with its whole texts',
  action: 'task.read',
  params: idParams,
  query: none,
  body: none,
  answer: taskJsonSchema,
  status: 200,
  handle: async ({ params, door }) => {
    const task = findTask(params.id, door);
    return isRefusal(task) ? task : wholeTaskJson(task, door);
  },
});

/** The seed says the same of a task that is unknown and of one that is over. */
const CANNOT_CANCEL = 'Cannot cancel task (not found or already terminal)';

const cancel = jsonRoute({
  method: 'POST',
  path: '/api/swarm/tasks/{id}/cancel',
  summary: 'Cancel a task that is not over; the agent at work is stopped',
  action: 'task.cancel',
  params: idParams,
  query: none,
  body: none,
  answer: z.object({ status: z.literal('cancelled'), task_id: z.string() }),
  status: 200,
  handle: async ({ params, by, door }) => {
    const task = findTask(params.id, door);
    const expected = 'a task that is pending, claimed or in progress';
    if (isRefusal(task)) {
      return task.code === 'not_found' ? refused('conflict', CANNOT_CANCEL, { expected, got: shown(params.id) }) : task;
    }
    const answer = await door.node.cancelTask(task.id, by);
    if (!isRefusal(answer)) return { status: answer, task_id: task.id };
    if (answer.code !== 'conflict' && answer.code !== 'not_found') return answer;
    return refused('conflict', CANNOT_CANCEL, { expected, got: taskJson(task, door).status });
  },
});

const allow = jsonRoute({
  method: 'POST',
  path: '/api/swarm/tasks/{id}/allow',
  summary: 'Allow a task that an agent made; of others nothing changes',
  action: 'task.allow',
  params: idParams,
  query: none,
  body: none,
  answer: taskJsonSchema,
  status: 200,
  handle: async ({ params, by, door }) => {
    const task = findTask(params.id, door);
    if (isRefusal(task)) return task;
    if (needsAllow(task)) {
      const arrival = await appendOne({ entity: task.id, by, body: { type: 'task.allowed' } }, door);
      if (isRefusal(arrival)) return arrival;
    }
    const now = door.node.store.get('task', task.id);
    return wholeTaskJson(isKnownTask(now) ? now : task, door);
  },
});

const timeline = jsonRoute({
  method: 'GET',
  path: '/api/swarm/tasks/{id}/timeline',
  summary: 'What happened to a task, oldest first: its newest ops',
  action: 'task.read',
  params: idParams,
  query: z.object({ limit: queryNumber({ min: 1, max: TIMELINE_MAX, default: TIMELINE_MAX }) }),
  body: none,
  answer: z.array(opJsonSchema),
  status: 200,
  handle: ({ params, query, door }) => {
    const task = findTask(params.id, door);
    if (isRefusal(task)) return task;
    return door.node.store.opsAbout(task.id, query.limit).map((op) => opJson(op, door));
  },
});

export const taskRoutes: readonly Route[] = [list, one, cancel, allow, timeline];
