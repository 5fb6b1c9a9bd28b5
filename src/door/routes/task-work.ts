/** What a task brought: its output, its diff, and the two ways to take the work over. */
import { z } from 'zod';
import { findTask } from '../lookup.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { branchInput, idParams, none, orNull, queryNumber, requiredText } from './input.ts';

/** Lines of output in one answer. */
export const LINES_MAX = 10_000;
const LINES_DEFAULT = 50;

export const linesQuery = z.object({ lines: queryNumber({ min: 1, max: LINES_MAX, default: LINES_DEFAULT }) });

const output = jsonRoute({
  method: 'GET',
  path: '/api/swarm/tasks/{id}/output',
  summary: 'The last lines that the agent of the running or last attempt printed',
  action: 'task.read',
  params: idParams,
  query: linesQuery,
  body: none,
  answer: z.object({ task_id: z.string(), attempt: z.number().int(), output: z.string() }),
  status: 200,
  handle: async ({ params, query, door }) => {
    const task = findTask(params.id, door);
    if (isRefusal(task)) return task;
    const answer = await door.node.taskOutput(task.id, query.lines);
    return isRefusal(answer) ? answer : { task_id: task.id, ...answer };
  },
});

const diff = jsonRoute({
  method: 'GET',
  path: '/api/swarm/tasks/{id}/diff',
  summary: 'What the delivered commits change',
  action: 'task.read',
  params: idParams,
  query: z.object({ format: z.enum(['patch', 'stat', 'name-status']).default('patch') }),
  body: none,
  answer: z.object({ task_id: z.string(), format: z.string(), text: z.string(), truncated: z.boolean() }),
  status: 200,
  handle: async ({ params, query, door }) => {
    const task = findTask(params.id, door);
    if (isRefusal(task)) return task;
    const answer = await door.node.taskDiff(task.id, query.format);
    return isRefusal(answer) ? answer : { task_id: task.id, format: query.format, ...answer };
  },
});

const fetch = jsonRoute({
  method: 'POST',
  path: '/api/swarm/tasks/{id}/fetch',
  summary: 'Write the delivered branch into a repository on this node',
  action: 'task.fetch',
  params: idParams,
  query: none,
  body: z.object({
    repository: requiredText('repository', 4096).regex(/^\//, 'repository: an absolute path on this node is expected'),
  }),
  answer: z.object({ task_id: z.string(), branch: z.string(), head: z.string() }),
  status: 200,
  handle: async ({ params, body, door }) => {
    const task = findTask(params.id, door);
    if (isRefusal(task)) return task;
    const answer = await door.node.taskFetch(task.id, body.repository);
    return isRefusal(answer) ? answer : { task_id: task.id, ...answer };
  },
});

const merge = jsonRoute({
  method: 'POST',
  path: '/api/swarm/tasks/{id}/merge',
  summary: 'Merge completed work, or say which command does it where skep must leave the branch alone',
  action: 'task.merge',
  params: idParams,
  query: none,
  body: z.object({ into: branchInput.describe('Branch to merge into; the base of the project when left out') }),
  answer: z.object({
    task_id: z.string(),
    state: z.enum(['merged', 'ready']),
    commit: z.string().nullable(),
    into: z.string(),
    command: z.string().nullable(),
  }),
  status: 200,
  handle: async ({ params, body, by, door }) => {
    const task = findTask(params.id, door);
    if (isRefusal(task)) return task;
    const answer = await door.node.taskMerge(task.id, by, orNull(body.into));
    return isRefusal(answer) ? answer : { task_id: task.id, ...answer };
  },
});

export const taskWorkRoutes: readonly Route[] = [output, diff, fetch, merge];
