/** Carries out a call of a tool at the node. Who calls comes from the session, never from the arguments. */
import type { Principal } from '#core/brand.ts';
import type { AttemptBearer } from '#agent-ports.ts';
import type { Door } from '../door.ts';
import { agentJson } from '../json/agent.ts';
import { taskJson } from '../json/task.ts';
import { shortId } from '../json/text.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refusalOfIssue, refused, shown } from '../refusal.ts';
import type { AtDesk } from '../message/desk.ts';
import { createTask } from '../routes/task-create.ts';
import { taskRows } from '../routes/tasks.ts';
import {
  messageAcknowledge,
  messageAnswer,
  messageAsk,
  messageListen,
  messageRemind,
  messageSend,
} from './messages.ts';
import type { ToolInput, ToolName } from './tools.ts';
import { INPUTS, isToolName, TOOLS } from './tools.ts';

/** `bearer` undefined: a person's own session, in which no task is worked. */
export type ToolCaller = { by: Principal; bearer: AttemptBearer | undefined };

type Work = ToolCaller & { door: Door };
type Said = string | DoorRefusal;
type Handlers = { [N in ToolName]: (input: ToolInput<N>, work: Work) => Said | Promise<Said> };

const handlers: Handlers = {
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
  message_send: atDesk(messageSend),
  message_listen: atDesk(messageListen),
  message_acknowledge: atDesk(messageAcknowledge),
  message_ask: atDesk(messageAsk),
  message_answer: atDesk(messageAnswer),
  message_remind: atDesk(messageRemind),
};

/** What is said of an attempt that is not the one under way changes nothing: an agent whose program outlives its attempts may be late. */
function ofAttempt<I extends { attempt?: string | undefined }>(
  run: (input: I, bearer: AttemptBearer) => Said | Promise<Said>,
): (input: I, work: Work) => Said | Promise<Said> {
  return (input, { bearer }) => {
    if (bearer === undefined) return NO_ATTEMPT;
    const now = `${bearer.task}.${bearer.attempt}`;
    if (input.attempt === undefined || input.attempt === now) return run(input, bearer);
    const detail = { expected: now, got: shown(input.attempt) };
    return refused('fenced', 'this is not the attempt that you are in: nothing was noted', detail);
  };
}

/** Only an agent has a mailbox: people have `skep message`. */
function atDesk<I>(run: (input: I, at: AtDesk) => Promise<Said>): (input: I, work: Work) => Said | Promise<Said> {
  return (input, { bearer, door }) => {
    if (bearer === undefined) return NO_ATTEMPT;
    // A call that nobody waits for any more ends with its time-out; what it was handed is in the agent's hand like the rest.
    return run(input, { agent: bearer.agent, door, signal: new AbortController().signal, isGone: () => false });
  };
}

const NO_ATTEMPT = refused('conflict', 'this session works on no task of skep', {
  expected: 'an agent to which skep gave a task',
  got: 'a session of a person',
});

/** A text for the model. A refusal changed nothing. */
export async function callTool(name: string, args: unknown, work: Work): Promise<Said> {
  if (!isToolName(name)) {
    const expected = TOOLS.map((tool) => tool.name).join(' | ');
    return refused('not_found', 'there is no such tool', { expected, got: shown(name) });
  }
  return run(name, args, work);
}

async function run<N extends ToolName>(name: N, args: unknown, work: Work): Promise<Said> {
  const parsed = INPUTS[name].safeParse(args ?? {});
  if (!parsed.success) return refusalOfIssue(parsed.error, args, 'arguments');
  return handlers[name](parsed.data, work);
}

async function create(input: ToolInput<'task_create'>, { by, bearer, door }: Work): Promise<Said> {
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
