/** Tools for the task that an agent works on, and for looking at the swarm. */
import { z } from 'zod';
import { limit, said, toolsOf } from './tool.ts';

/** A summary or a reason: a page or two. Longer ones belong into a file of the work. */
const SUMMARY_MAX_CHARS = 20_000;
const QUESTION_MAX_CHARS = 4_000;
const PROGRESS_MAX_CHARS = 500;
const DESCRIPTION_MAX_CHARS = 100_000;

const attempt = z.string().max(100).optional().describe('The attempt that you were told, where you were told one');

export const TASK_INPUTS = {
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
};

const tool = toolsOf(TASK_INPUTS);

export const TASK_TOOLS = [
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
];
