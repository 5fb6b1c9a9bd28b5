/** `skep project …`: repositories that tasks work in. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { projectSchema, read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson, showRows } from '../show.ts';
import { printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';

const list: Leaf = {
  name: 'list',
  summary: 'projects of the swarm, oldest first',
  examples: [['skep project list', 'names to use with --project']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/swarm/projects' });
      if (given.json) return showJson(body, world);
      const projects = read(z.array(projectSchema), body);
      const rows = projects.map((project) => [
        printableLine(project.name),
        printableLine(project.origin),
        printableLine(project.base ?? ''),
        printableLine(project.setup ?? ''),
      ]);
      const columns = [
        { title: 'NAME' },
        { title: 'ORIGIN', gives: true },
        { title: 'BASE' },
        { title: 'SETUP', gives: true },
      ];
      return showRows(
        { columns, rows, none: 'No projects. Register the repository you stand in: skep project add' },
        world,
      );
    }),
};

const add: Leaf = {
  name: 'add',
  summary: 'register a repository',
  about: 'A path is one on the machine of the node that is asked; other nodes get the code from there.',
  args: [
    ['[name]', 'name of the project (that of the directory)'],
    ['[origin]', 'URL that git can clone, or a directory (the current one)'],
  ],
  options: [
    { flags: '--base <branch>', about: 'branch that work starts from and is merged into (the origin’s HEAD)' },
    { flags: '--setup <command>', about: 'shell command run in each new worktree before the agent' },
  ],
  examples: [
    ['skep project add', 'the repository in the current directory, under its name'],
    ['skep project add web git@example.org:team/web.git --setup "npm ci"', 'one from elsewhere'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const origin = originOf(given.args[1] ?? '.', world.cwd);
      const name = given.args[0] ?? basename(origin).replace(/\.git$/, '');
      const body = { name, origin, base: given.text('base') ?? null, setup: given.text('setup') ?? null };
      const answer = await ask(node, { method: 'POST', path: '/api/swarm/projects', body });
      if (given.json) return showJson(answer, world);
      const project = read(projectSchema, answer);
      world.out.write(`${project.name} is ${project.origin}\n`);
      return EXIT.ok;
    }),
};

/** A directory that is here becomes a whole path; everything else is left to the node. */
function originOf(typed: string, cwd: string): string {
  const path = resolve(cwd, typed);
  return existsSync(path) ? path : typed;
}

const remove: Leaf = {
  name: 'remove',
  summary: 'take a project off the list; the repository stays',
  args: [['<project>', 'its name or id']],
  examples: [['skep project remove web', 'no new task can name it']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const answer = await ask(node, {
        method: 'DELETE',
        path: `/api/swarm/projects/${encodeURIComponent(given.arg(0))}`,
      });
      if (given.json) return showJson(answer, world);
      world.out.write('Removed.\n');
      return EXIT.ok;
    }),
};

export const project: Group = {
  name: 'project',
  summary: 'list, add and remove repositories that tasks work in',
  leaves: [list, add, remove],
};
