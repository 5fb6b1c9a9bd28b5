/** `skep task output | diff | fetch | merge`: what a task brought, and taking it over. */
import { resolve } from 'node:path';
import type { Task } from '../answers.ts';
import { diffSchema, fetchedSchema, outputSchema, read } from '../answers.ts';
import type { Client } from '../client.ts';
import { ask } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT, usageFailure } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { exitOfTask, followTask } from '../follow.ts';
import { showJson, showText } from '../show.ts';
import { paint } from '../table.ts';
import { getTask, TASK_ID, taskPath } from '../task-find.ts';
import { progressOf } from '../task-progress.ts';
import { printable } from '../text.ts';
import type { Leaf } from '../verb.ts';
import { mergeTask, showMerged } from '../work.ts';
import type { World } from '../world.ts';

const LINES_DEFAULT = 1_000;

export const taskOutput: Leaf = {
  name: 'output',
  summary: 'what the agent of a task printed, wherever it runs',
  args: [TASK_ID],
  options: [
    { flags: '--lines <n>', about: 'the last so many lines', kind: 'whole', fallback: LINES_DEFAULT },
    { flags: '-f, --follow', about: 'go on until the task ends; the exit code is then the task’s' },
  ],
  examples: [
    ['skep task output last', 'what it printed so far'],
    ['skep task output 3fa9c1d2-12 --follow', 'watch it to its end'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      if (given.flag('follow')) return follow(await getTask(given.arg(0), node), node, world);
      const query = { lines: given.whole('lines') };
      const body = await ask(node, { method: 'GET', path: await taskPath(given.arg(0), node, '/output'), query });
      if (given.json) return showJson(body, world);
      showText(printable(read(outputSchema, body).output), world);
      return EXIT.ok;
    }),
};

async function follow(task: Task, node: Client, world: World): Promise<ExitCode> {
  const interrupted = new AbortController();
  const off = world.onInterrupt(() => interrupted.abort());
  const watcher = { output: (text: string) => world.out.write(text), changed: progressOf(world) };
  const ended = await followTask({ node, id: task.id, watcher, signal: interrupted.signal });
  off();
  return ended === undefined ? EXIT.interrupted : exitOfTask(ended);
}

export const taskDiff: Leaf = {
  name: 'diff',
  summary: 'what the delivered commits change',
  args: [TASK_ID],
  options: [
    { flags: '--stat', about: 'files and numbers of lines only' },
    { flags: '--name-status', about: 'files only, with what happened to each' },
  ],
  examples: [
    ['skep task diff last', 'the whole change'],
    ['skep task diff 3fa9c1d2-12 | git apply', 'take the change without the commits'],
  ],
  asksNode: true,
  run: (given, world) => {
    if (given.flag('stat') && given.flag('nameStatus')) throw usageFailure('give one of --stat and --name-status');
    const format = given.flag('stat') ? 'stat' : given.flag('nameStatus') ? 'name-status' : 'patch';
    return withNode(given, world, async (node) => {
      const body = await ask(node, {
        method: 'GET',
        path: await taskPath(given.arg(0), node, '/diff'),
        query: { format },
      });
      if (given.json) return showJson(body, world);
      const { text, truncated } = read(diffSchema, body);
      showText(diffText(text, world), world);
      if (truncated) world.err.write('The diff is longer; skep task fetch brings the commits themselves.\n');
      return EXIT.ok;
    });
  },
};

/** In colours for a person; byte for byte for a program that reads it. */
function diffText(text: string, world: World): string {
  if (!world.out.isTerminal) return text;
  return printable(text)
    .split('\n')
    .map((line) => {
      if (/^(diff |index |\+\+\+ |--- )/.test(line)) return paint(world.out, 'bold', line);
      if (line.startsWith('@@')) return paint(world.out, 'cyan', line);
      if (line.startsWith('+')) return paint(world.out, 'green', line);
      return line.startsWith('-') ? paint(world.out, 'red', line) : line;
    })
    .join('\n');
}

export const taskFetch: Leaf = {
  name: 'fetch',
  summary: 'bring the delivered commits into a repository, as a branch',
  args: [TASK_ID],
  options: [{ flags: '--repository <dir>', about: 'repository on the node’s machine (the current directory)' }],
  examples: [['skep task fetch last', 'then: git log skep/…, git merge skep/…']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = { repository: resolve(world.cwd, given.text('repository') ?? '.') };
      const answer = await ask(node, { method: 'POST', path: await taskPath(given.arg(0), node, '/fetch'), body });
      if (given.json) return showJson(answer, world);
      const { branch, head } = read(fetchedSchema, answer);
      world.out.write(`${branch} is at ${head.slice(0, 12)} in ${body.repository}\n`);
      return EXIT.ok;
    }),
};

export const taskMerge: Leaf = {
  name: 'merge',
  summary: 'merge the delivered commits of a completed task',
  about:
    'skep moves branches that nobody has checked out. Otherwise it changes nothing and prints the command that merges.',
  args: [TASK_ID],
  options: [{ flags: '--into <branch>', about: 'branch to merge into (the project’s base)' }],
  examples: [
    ['skep task merge last', 'into the base of its project'],
    ['skep task merge 3fa9c1d2-12 --into next', 'into another branch'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const task = await getTask(given.arg(0), node);
      if (given.json) return showJson(await mergeTask(task, given.text('into'), node), world);
      showMerged(await mergeTask(task, given.text('into'), node), world);
      return EXIT.ok;
    }),
};
