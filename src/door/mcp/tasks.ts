/** The tools for the task that an agent works on, carried out; and the looks at the swarm. */
import type { z } from 'zod';
import type { Door } from '../door.ts';
import { agentJson } from '../json/agent.ts';
import { taskJson } from '../json/task.ts';
import { shortId } from '../json/text.ts';
import { isRefusal, refused } from '../refusal.ts';
import { createTask } from '../routes/task-create.ts';
import { taskRows } from '../routes/tasks.ts';
import type { Handlers, Said, Work } from './handler.ts';
import { ofAttempt } from './handler.ts';
import type { TASK_INPUTS } from './task-tools.ts';

export const TASK_HANDLERS: Handlers<typeof TASK_INPUTS> = {
  task_complete: ofAttempt(({ summary }, bearer) => bearer.complete(summary)),
  task_progress: ofAttempt(({ text }, bearer) => bearer.progress(text)),
  task_failed: ofAttempt(({ reason }, bearer) => bearer.fail(reason)),
  task_needs_input: ofAttempt(({ question }, bearer) => bearer.ask(question)),
  tasks_list: ({ status, limit }, { door }) => {
    const rows = taskRows({ status, limit, offset: 0 }, door);
    return listed(rows.map((row) => taskLine(taskJson(row, door), door)));
  },
  task_create: create,
  agents_list: ({ limit }, { door, bearer }) => {
    const agents = door.roster.agents().slice(0, limit);
    return listed(agents.map((agent) => agentLine(agentJson(agent, door), agent.id === bearer?.agent)));
  },
};

async function create(input: z.output<typeof TASK_INPUTS.task_create>, { by, bearer, door }: Work): Promise<Said> {
  if (bearer?.mayCreateTask() === false) {
    return refused('too_many', 'this attempt has made as many tasks as one may', {
      expected: 'the work in fewer tasks',
    });
  }
  const own = bearer === undefined ? undefined : door.node.store.get('task', bearer.task)?.created;
  const project = input.project ?? own?.project;
  const created_by = bearer?.agent;
  const task = await createTask({ ...input, project, created_by }, { by, door });
  if (isRefusal(task)) return task;
  const wait = bearer === undefined ? '' : ' It waits until an operator allows it.';
  return `Created task ${shortId(task.id)}.${wait}`;
}

type Task = ReturnType<typeof taskJson>;

function taskLine(task: Task, door: Door): Record<string, unknown> {
  const project = task.project === null ? undefined : door.roster.projects().find((one) => one.id === task.project);
  return {
    id: shortId(task.id),
    title: task.title,
    status: task.status,
    priority: task.priority,
    ...(project === undefined ? {} : { project: project.registered.name }),
    ...(task.pending_reason === null ? {} : { waits: task.pending_reason }),
    ...(task.progress === null ? {} : { progress: task.progress }),
  };
}

function agentLine(agent: ReturnType<typeof agentJson>, isYou: boolean): Record<string, unknown> {
  return {
    name: agent.name,
    tool: agent.tool,
    status: agent.status,
    node: agent.node_name,
    ...(agent.capabilities.length === 0 ? {} : { capabilities: agent.capabilities }),
    ...(agent.current_task_id === null ? {} : { task: shortId(agent.current_task_id) }),
    ...(isYou ? { you: true } : {}),
  };
}

const listed = (lines: readonly Record<string, unknown>[]): string =>
  lines.length === 0 ? 'None.' : lines.map((line) => JSON.stringify(line)).join('\n');
