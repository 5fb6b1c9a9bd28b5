/** `skep run`: a task from the first word to the merge. */
import type { Merged, Task } from '../answers.ts';
import { read, taskSchema } from '../answers.ts';
import type { Client } from '../client.ts';
import { ask } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT, usageFailure } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { exitOfTask, followTask } from '../follow.ts';
import type { Given } from '../given.ts';
import { shortId } from '../short-id.ts';
import { showJson } from '../show.ts';
import { paint } from '../table.ts';
import { TASK_OPTIONS, taskBody } from '../task-body.ts';
import { printableLine } from '../text.ts';
import { asTyped } from '../typed.ts';
import type { Leaf } from '../verb.ts';
import { baseOf, diffOf, mergeTask, nextSteps, showMerged, showWork } from '../work.ts';
import type { World } from '../world.ts';
import { progressOf } from '../task-progress.ts';

export const run: Leaf = {
  name: 'run',
  summary: 'give the swarm a task, follow it, look at the change, merge it',
  about:
    'Ctrl-C stops following; the task goes on. The merge is offered at a terminal; --yes merges without asking.\n' +
    'Exit code: 0 when the task completed, 1 when it failed or was cancelled.',
  args: [['[text]', 'title of the task, or with --shell the script']],
  options: [
    ...TASK_OPTIONS,
    { flags: '--yes', about: 'merge what was delivered without asking' },
    { flags: '--no-merge', about: 'do not offer the merge' },
    { flags: '--into <branch>', about: 'branch to merge into (the project’s base)' },
  ],
  examples: [
    ['skep run --shell "npm test" --project web', 'run a script in a worktree of the project web'],
    ['skep run "Add tests for the parser" --project web --capability testing', 'have an agent do it that can'],
    ['generate.sh | skep run --shell --file - --project web --yes', 'script from standard input; merge its commits'],
  ],
  asksNode: true,
  run: async (given, world) => {
    if (given.flag('yes') && given.options['merge'] === false)
      throw usageFailure('--yes and --no-merge contradict each other');
    const body = await taskBody(given, world);
    return withNode(given, world, (node) => runTask(given, { node, world, body }));
  },
};

type Run = { node: Client; world: World; body: Record<string, unknown> };

async function runTask(given: Given, { node, world, body }: Run): Promise<ExitCode> {
  const created = read(taskSchema, await ask(node, { method: 'POST', path: '/api/swarm/tasks', body }));
  const quiet = given.json;
  if (!quiet) world.out.write(`${paint(world.out, 'bold', shortId(created.id))}  ${printableLine(created.title)}\n`);

  const interrupted = new AbortController();
  const off = world.onInterrupt(() => interrupted.abort());
  const progress = progressOf(world);
  const watcher = {
    output: (text: string) => !quiet && world.out.write(text),
    changed: (task: Task) => !quiet && progress(task),
  };
  const ended = await followTask({ node, id: created.id, watcher, signal: interrupted.signal });
  off();
  if (ended === undefined) return leave(created, world);
  if (quiet) return finishJson(given, ended, { node, world });
  return finish(given, ended, { node, world });
}

function leave(task: Task, world: World): ExitCode {
  const id = shortId(task.id);
  world.err.write(
    asTyped(
      `\nThe task goes on without you.\n  skep task output ${id} --follow    to watch it again\n  skep task cancel ${id}             to stop it\n`,
      world,
    ),
  );
  return EXIT.interrupted;
}

async function finish(given: Given, task: Task, { node, world }: { node: Client; world: World }): Promise<ExitCode> {
  if (task.status !== 'completed') return exitOfTask(task);
  await showWork(task, node, world);
  const delivered = task.work !== undefined && task.work !== null;
  if (!delivered || given.options['merge'] === false) return EXIT.ok;
  const into = given.text('into');
  if (given.flag('yes') || (await agreed(into ?? (await baseOf(task, node)), world))) {
    showMerged(await mergeTask(task, into, node), world);
  } else {
    world.out.write(`\nNot merged. Look at it, merge it:\n${nextSteps(task)}`);
  }
  return EXIT.ok;
}

/** Asks only where a person can answer: both the question and the answer need a terminal. */
async function agreed(into: string, { in: input, out }: World): Promise<boolean> {
  if (!input.isTerminal || !out.isTerminal) return false;
  const answer = await input.ask(`\nMerge into ${into}? [y/N] `);
  return /^(y|yes)$/i.test((answer ?? '').trim());
}

async function finishJson(
  given: Given,
  task: Task,
  { node, world }: { node: Client; world: World },
): Promise<ExitCode> {
  const delivered = task.status === 'completed' && task.work !== undefined && task.work !== null;
  const stat = delivered ? (await diffOf(task, 'stat', node)).text : null;
  const merge: Merged | null = delivered && given.flag('yes') ? await mergeTask(task, given.text('into'), node) : null;
  const whole = await ask(node, { method: 'GET', path: `/api/swarm/tasks/${encodeURIComponent(task.id)}` });
  showJson({ task: whole, stat, merge }, world);
  return exitOfTask(task);
}
