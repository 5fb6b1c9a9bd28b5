/** Projects: where the code of tasks comes from. */
import { z } from 'zod';
import type { BodyOf } from '#core/schema/body.ts';
import { isLiveProject } from '#core/view/project.ts';
import { appendOne, whileTaking } from '../append.ts';
import { projectJson, projectJsonSchema } from '../json/node.ts';
import { findProject } from '../lookup.ts';
import { isRefusal, refused } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { branchInput, idParams, none, optionalText, orNull } from './input.ts';

/** An absolute path, a URL of a scheme that git speaks by itself, or `host:path`. Never an option, never a helper such as `ext::`. */
const ORIGIN = /^(\/|(https?|ssh|git|file):\/\/[^\s]|([A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9._-]*:(?!:)[^\s])/;

const list = jsonRoute({
  method: 'GET',
  path: '/api/swarm/projects',
  summary: 'Projects, oldest first',
  action: 'project.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(projectJsonSchema),
  status: 200,
  handle: ({ door }) => door.roster.projects().map(projectJson),
});

const bodyInput = z.object({
  name: z
    .string({ error: (issue) => (issue.input === undefined || issue.input === null ? 'name is required' : undefined) })
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'name is 1 to 64 letters, digits, dots, dashes or underscores'),
  origin: z
    .string({
      error: (issue) => (issue.input === undefined || issue.input === null ? 'origin is required' : undefined),
    })
    .max(4096)
    .regex(ORIGIN, 'origin: a URL that git can clone, or an absolute path on this node, is expected'),
  base: branchInput.describe('Branch that work starts from; the HEAD of the origin when left out'),
  setup: optionalText(4096).describe('Shell command run in each new worktree before the agent'),
});

const create = jsonRoute({
  method: 'POST',
  path: '/api/swarm/projects',
  summary: 'Register a project',
  action: 'project.register',
  params: none,
  query: none,
  body: bodyInput,
  answer: projectJsonSchema,
  status: 201,
  handle: ({ body: input, by, door }) =>
    whileTaking(`project:${input.name}`, door, async () => {
      if (door.roster.projects().some((project) => project.registered.name === input.name)) {
        const detail = { expected: 'a name that no project bears', got: input.name };
        return refused('conflict', `there is a project named ${input.name}`, detail);
      }
      const { name, origin } = input;
      const unusable = await door.node.checkOrigin(origin);
      if (unusable !== undefined) return unusable;
      const base = orNull(input.base);
      const body: BodyOf<'project.registered'> = {
        type: 'project.registered',
        name,
        origin,
        base,
        setup: orNull(input.setup),
      };
      const arrival = await appendOne({ entity: undefined, by, body }, door);
      if (isRefusal(arrival)) return arrival;
      const row = door.node.store.get('project', arrival.op.header.entity);
      if (!isLiveProject(row)) throw new Error('a project that was just registered is not there');
      return projectJson(row);
    }),
});

const remove = jsonRoute({
  method: 'DELETE',
  path: '/api/swarm/projects/{id}',
  summary: 'Take a project out; its repository is left alone',
  action: 'project.remove',
  params: idParams,
  query: none,
  body: none,
  answer: z.object({ status: z.literal('removed'), project_id: z.string() }),
  status: 200,
  handle: async ({ params, by, door }) => {
    const project = findProject(params.id, door);
    if (isRefusal(project)) return project;
    const arrival = await appendOne({ entity: project.id, by, body: { type: 'project.removed' } }, door);
    return isRefusal(arrival) ? arrival : { status: 'removed' as const, project_id: project.id };
  },
});

export const projectRoutes: readonly Route[] = [list, create, remove];
