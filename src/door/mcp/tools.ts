/** The tools that skep offers to agents: one list for MCP over stdio, MCP over HTTP, and `POST /api/tools/{tool}`. */
import { z } from 'zod';
import { INPUT as MESSAGE } from '../message/desk.ts';

/** A summary or a reason: a page or two. Longer ones belong into a file of the work. */
const SUMMARY_MAX_CHARS = 20_000;
const QUESTION_MAX_CHARS = 4_000;
const PROGRESS_MAX_CHARS = 500;
const DESCRIPTION_MAX_CHARS = 100_000;
const LIST_MAX = 100;
const LIST_DEFAULT = 20;

const said = (max: number, what: string) => z.string().trim().min(1).max(max).describe(what);
const attempt = z.string().max(100).optional().describe('The attempt that you were told, where you were told one');
const limit = z.number().int().min(1).max(LIST_MAX).default(LIST_DEFAULT).describe('How many at most');

const inputs = {
  task_complete: z.object({
    summary: said(SUMMARY_MAX_CHARS, 'What was done, what was checked and how, what is left open'),
    attempt,
  }),
  task_progress: z.object({ text: said(PROGRESS_MAX_CHARS, 'One short line'), attempt }),
  task_failed: z.object({ reason: said(SUMMARY_MAX_CHARS, 'Why it cannot be done, and what was tried'), attempt }),
  task_needs_input: z.object({
    question: said(QUESTION_MAX_CHARS, 'One complete question, with the choices that you see'),
    attempt,
  }),
  tasks_list: z.object({
    status: z.enum(['pending', 'claimed', 'in_progress', 'completed', 'failed', 'cancelled']).optional(),
    limit,
  }),
  task_create: z.object({
    title: said(1000, 'One line'),
    description: said(DESCRIPTION_MAX_CHARS, 'All that is needed to do it, and how to tell that it is done'),
    required_capabilities: z.array(z.string().min(1).max(64)).max(64).optional().describe('What its agent must have'),
    depends_on: z.array(z.string().min(1).max(200)).max(64).optional().describe('Ids of tasks to be completed first'),
    project: z.string().min(1).max(200).optional().describe('Name or id; the project of your own task when left out'),
  }),
  agents_list: z.object({ limit }),
  message_send: MESSAGE.send,
  message_listen: MESSAGE.receive,
  message_acknowledge: MESSAGE.ids,
  message_ask: MESSAGE.ask,
  message_answer: MESSAGE.answer,
  message_remind: MESSAGE.remind,
};

export type ToolName = keyof typeof inputs;
export type ToolInput<N extends ToolName> = z.output<(typeof inputs)[N]>;

type Tool = {
  name: ToolName;
  title: string;
  description: string;
  input: z.ZodObject;
  /** It only looks. */
  isReadOnly: boolean;
};

const tool = (name: ToolName, title: string, description: string, isReadOnly = false): Tool => ({
  name,
  title,
  description,
  input: inputs[name],
  isReadOnly,
});

export const TOOLS: readonly Tool[] = [
  tool(
    'task_complete',
    'Complete the task',
    'Say that your task is done. Call it once, when the work is finished and checked; then end your turn. The summary is what people read as the result.',
  ),
  tool('task_progress', 'Tell progress', 'Tell in one line what you are at. Shown to whoever watches.'),
  tool(
    'task_failed',
    'Give the task up',
    'Say that your task cannot be done, and why. Then end your turn. What you changed is kept aside and not delivered.',
  ),
  tool(
    'task_needs_input',
    'Ask people',
    'Ask people a question without whose answer you cannot go on. Then end your turn: the answer is your next message.',
  ),
  tool('tasks_list', 'List tasks', 'Tasks of the swarm, most urgent first.', true),
  tool(
    'task_create',
    'Create a task',
    'Give the swarm a further task. Made by an agent, it waits until an operator allows it; do not wait for it.',
  ),
  tool('agents_list', 'List agents', 'Agents of the swarm and what they are doing.', true),
  tool(
    'message_send',
    'Send a message',
    'Write to another agent by its name, to operator for people, or to * for all agents, who may need to do nothing. It is stored until it is read.',
  ),
  tool(
    'message_listen',
    'Read messages',
    'Messages to you, oldest first: those that are there, or the first that comes within wait_seconds. Acknowledge what you have handled, or it comes again.',
  ),
  tool(
    'message_acknowledge',
    'Acknowledge messages',
    'Say that messages are handled: those of ids, or all that you have read.',
  ),
  tool(
    'message_ask',
    'Ask somebody',
    'Put a question to people, or to another agent, and go on: the answer comes as a message, and after ttl_seconds the word [expired].',
  ),
  tool('message_answer', 'Answer a question', 'Answer a question that was put to you, by the id of its message.'),
  tool(
    'message_remind',
    'Remind yourself',
    'A message to yourself, later: after delay_seconds, or at at_unix_timestamp.',
  ),
];

/** Read the arguments of a call, by the tool's name. */
export const INPUTS: { [N in ToolName]: z.ZodType<ToolInput<N>> } = inputs;

export const isToolName = (name: string): name is ToolName => Object.hasOwn(inputs, name);
