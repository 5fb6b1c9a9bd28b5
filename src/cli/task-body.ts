/** A new task from the command line: the options that `skep run` and `skep task create` share, and the request they make. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { dollarsOf } from './dollars.ts';
import { usageFailure } from './exit.ts';
import type { Given } from './given.ts';
import { cut, printableLine } from './text.ts';
import type { VerbOption } from './verb.ts';
import type { World } from './world.ts';

export const TASK_OPTIONS: readonly VerbOption[] = [
  { flags: '--shell', about: 'the text is a script, to be run by a shell agent' },
  { flags: '--file <path>', about: 'take the script or description from a file; - for standard input' },
  { flags: '--title <text>', about: 'title, where the text is a script' },
  { flags: '--description <text>', about: 'what to do, in more words than the title' },
  { flags: '--project <name>', about: 'project to work in: its repository, in a worktree of the task’s own' },
  { flags: '--base <branch>', about: 'branch to start from (the project’s base)' },
  { flags: '--project-path <dir>', about: 'plain directory on the working node, instead of a project' },
  { flags: '--capability <name>', about: 'what the agent must be able to do; may be repeated', kind: 'list' },
  { flags: '--priority <n>', about: 'higher goes first; may be negative', kind: 'integer' },
  { flags: '--context <text>', about: 'background that the agent gets with the task' },
  { flags: '--depends-on <id>', about: 'start only after this task completed; may be repeated', kind: 'list' },
  {
    flags: '--supersedes <id>',
    about: 'take the place of this task, whatever becomes of it: the operator’s last word',
  },
  {
    flags: '--fork <id>',
    about: 'begin with a copy of the conversation of this task’s last attempt; that agent works it',
  },
  {
    flags: '--claims <mode>',
    about:
      'decided: exactly one agent works it; optimistic: whoever sees it begins, in every partition, and it may run twice (decided)',
  },
  { flags: '--attempts <n>', about: 'how often to try before the task fails', kind: 'whole' },
  { flags: '--budget-usd <usd>', about: 'end it when its attempts together cost more, as far as it is known' },
  { flags: '--time-limit <seconds>', about: 'end an attempt that takes longer', kind: 'whole' },
  { flags: '--id <name>', about: 'a name of your own for the task, instead of its id' },
];

/** Titles above this are cut: they are for lists. */
const TITLE_MAX_COLUMNS = 80;

/** Body of `POST /api/swarm/tasks`. Throws a usage failure when there is nothing to do in it. */
export async function taskBody(given: Given, world: World): Promise<Record<string, unknown>> {
  const { title, description } = await wordsOf(given, world);
  const capabilities = given.list('capability');
  if (given.flag('shell') && !capabilities.includes('shell')) capabilities.push('shell');
  const optional = {
    project: given.text('project'),
    base: given.text('base'),
    project_path: given.text('projectPath'),
    priority: given.whole('priority'),
    context: given.text('context'),
    supersedes: given.text('supersedes'),
    fork: given.text('fork'),
    claims: given.text('claims'),
    attempts_max: given.whole('attempts'),
    time_limit_s: given.whole('timeLimit'),
    budget_usd: dollarsOf('--budget-usd', given.text('budgetUsd')),
    id: given.text('id'),
  };
  const dependsOn = given.list('dependsOn');
  return {
    title,
    description,
    required_capabilities: capabilities,
    ...(dependsOn.length === 0 ? {} : { depends_on: dependsOn }),
    ...Object.fromEntries(Object.entries(optional).filter((entry) => entry[1] !== undefined)),
  };
}

type Words = { title: string; description: string };

async function wordsOf(given: Given, world: World): Promise<Words> {
  const text = given.args[0];
  const file = given.text('file');
  const described = given.text('description');
  if (file !== undefined) {
    const content = await contentOf(file, world);
    const named = file === '-' ? titleOf(content) : basename(file);
    return { title: given.text('title') ?? text ?? named, description: content };
  }
  if (text === undefined || text.trim() === '') {
    throw usageFailure(
      'say what to do',
      'skep run "Add tests for the parser"',
      'skep run --shell "npm test"',
      'skep run --shell --file build.sh',
    );
  }
  if (given.flag('shell')) return { title: given.text('title') ?? titleOf(text), description: text };
  return { title: text, description: described ?? '' };
}

async function contentOf(file: string, world: World): Promise<string> {
  if (file === '-') return world.in.readAll();
  try {
    return await readFile(resolve(world.cwd, file), 'utf8');
  } catch (error) {
    throw usageFailure(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The first line of a script that does something. */
function titleOf(script: string): string {
  const line = script.split('\n').find((each) => each.trim() !== '' && !each.trim().startsWith('#'));
  return cut(printableLine(line ?? 'script'), TITLE_MAX_COLUMNS);
}
