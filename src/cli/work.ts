/** What a task delivered: shown as a stat, and merged when the user says so. */
import type { Merged, Task } from './answers.ts';
import { diffSchema, mergedSchema, projectSchema, read } from './answers.ts';
import type { Client } from './client.ts';
import { ask } from './client.ts';
import { z } from 'zod';
import { shortId } from './short-id.ts';
import { paint } from './table.ts';
import { counted, printable } from './text.ts';
import type { World } from './world.ts';

/** The diff of the delivered commits as text. */
export async function diffOf(
  task: Task,
  format: 'patch' | 'stat' | 'name-status',
  node: Client,
): Promise<{ text: string; truncated: boolean }> {
  const path = `/api/swarm/tasks/${encodeURIComponent(task.id)}/diff`;
  return read(diffSchema, await ask(node, { method: 'GET', path, query: { format } }));
}

/** Prints how much was delivered and the stat of it. Says so when nothing was. */
export async function showWork(task: Task, node: Client, world: World): Promise<string> {
  if (task.work === undefined || task.work === null) {
    world.out.write(paint(world.out, 'dim', 'No commits were delivered.\n'));
    return '';
  }
  const { text } = await diffOf(task, 'stat', node);
  world.out.write(`\n${counted(task.work.commits, 'commit')} on ${task.work.branch}\n${printable(text).trimEnd()}\n`);
  return text;
}

/** Asks the node to merge. */
export async function mergeTask(task: Task, into: string | undefined, node: Client): Promise<Merged> {
  const path = `/api/swarm/tasks/${encodeURIComponent(task.id)}/merge`;
  return read(mergedSchema, await ask(node, { method: 'POST', path, body: into === undefined ? {} : { into } }));
}

export function showMerged(merged: Merged, world: World): void {
  if (merged.state === 'merged') {
    world.out.write(
      `${paint(world.out, 'green', 'Merged')} into ${merged.into}: ${(merged.commit ?? '').slice(0, 12)}\n`,
    );
    return;
  }
  world.out.write(`${merged.into} is checked out somewhere, so skep leaves it alone. It is ready; this merges it:\n`);
  world.out.write(`  ${merged.command ?? ''}\n`);
}

/** Name of the branch that a merge would change, for the question. */
export async function baseOf(task: Task, node: Client): Promise<string> {
  const projects = read(z.array(projectSchema), await ask(node, { method: 'GET', path: '/api/swarm/projects' }));
  const project = projects.find((each) => each.id === task.project);
  return project === undefined ? 'the base branch' : (project.base ?? `the base branch of ${project.name}`);
}

/** Lines that say what to type next. */
export const nextSteps = (task: Task): string =>
  [`  skep task diff ${shortId(task.id)}`, `  skep task merge ${shortId(task.id)}`, ''].join('\n');
