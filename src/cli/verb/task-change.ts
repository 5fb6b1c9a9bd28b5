/** `skep task create | cancel`. */
import { read, taskSchema } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortId } from '../short-id.ts';
import { showJson } from '../show.ts';
import { TASK_OPTIONS, taskBody } from '../task-body.ts';
import { TASK_ID, taskPath } from '../task-find.ts';
import { printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';

export const taskCreate: Leaf = {
  name: 'create',
  summary: 'make a task and leave it to the swarm; prints its id',
  args: [['[text]', 'title of the task, or with --shell the script']],
  options: TASK_OPTIONS,
  examples: [
    ['skep task create --shell "make bench" --project web --priority 5', 'a script, ahead of others'],
    ['id=$(skep task create "Fix the parser")', 'keep the id for later'],
  ],
  asksNode: true,
  run: async (given, world) => {
    const body = await taskBody(given, world);
    return withNode(given, world, async (node) => {
      const created = await ask(node, { method: 'POST', path: '/api/swarm/tasks', body });
      if (given.json) return showJson(created, world);
      const task = read(taskSchema, created);
      world.out.write(`${task.id}\n`);
      if (world.out.isTerminal) {
        world.err.write(
          `${printableLine(task.pending_reason ?? '')}\nFollow it: skep task output ${shortId(task.id)} --follow\n`.trimStart(),
        );
      }
      return EXIT.ok;
    });
  },
};

export const taskCancel: Leaf = {
  name: 'cancel',
  summary: 'cancel a task that is not over; the agent at work is stopped',
  args: [TASK_ID],
  examples: [['skep task cancel last', 'stop what was asked for last']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'POST', path: await taskPath(given.arg(0), node, '/cancel') });
      if (given.json) return showJson(body, world);
      world.out.write('Cancelled.\n');
      return EXIT.ok;
    }),
};

export const taskAllow: Leaf = {
  name: 'allow',
  summary: 'let agents work a task that an agent made',
  args: [TASK_ID],
  examples: [['skep task allow 3fa9c1d2-12', 'one that waits with needs_allow']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'POST', path: await taskPath(given.arg(0), node, '/allow') });
      if (given.json) return showJson(body, world);
      world.out.write('Allowed.\n');
      return EXIT.ok;
    }),
};
