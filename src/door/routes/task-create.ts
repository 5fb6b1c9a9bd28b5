/** Creating a task. The one route that must be fast. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import type { OpId, Principal } from '#core/brand.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { Draft } from '#core/op.ts';
import type { BodyOf } from '#core/schema/body.ts';
import type { LongText } from '#core/schema/ids.ts';
import { BLOB_ABOVE_BYTES } from '#core/schema/ids.ts';
import { appendOne, whileTaking } from '../append.ts';
import type { Door } from '../door.ts';
import { reused } from '../idempotency.ts';
import type { KnownTask, TaskJson } from '../json/task.ts';
import { isKnownTask, taskJson, taskJsonSchema, wholeTaskJson } from '../json/task.ts';
import { findProject, findTask, taskByAlias } from '../lookup.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { Context, Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import type { Fork } from './task-fork.ts';
import { forkOf } from './task-fork.ts';
import { branchInput, capabilitiesInput, folderInput, none, optionalText, orNull, requiredText } from './input.ts';

/** Long texts travel as blobs; the door's own limit on a request stands below this. */
const TEXT_MAX_CHARS = 8 * 1024 * 1024;
const ATTEMPTS_DEFAULT = 3;

const bodyInput = z.object({
  title: requiredText('title', 1000),
  description: optionalText(TEXT_MAX_CHARS),
  priority: z.number().int().min(-1_000_000).max(1_000_000).nullish(),
  required_capabilities: capabilitiesInput,
  project_path: folderInput,
  context: optionalText(TEXT_MAX_CHARS),
  created_by: optionalText(200),
  project: optionalText(200).describe('Name or id of a registered project'),
  base: branchInput,
  depends_on: z.array(z.string().min(1).max(200)).max(64).nullish().describe('Ids of tasks to be completed first'),
  supersedes: optionalText(200).describe(
    'Id of a task that this one takes the place of, for its dependents and at the merge',
  ),
  fork: optionalText(200).describe(
    'Id of a task: this one begins with a copy of the conversation of its last attempt, and is worked by that agent alone',
  ),
  claims: z
    .enum(['decided', 'optimistic'])
    .nullish()
    .describe(
      'optimistic: the lowest claim works it at once, in every partition, so it may run twice; decided if left out',
    ),
  attempts_max: z.number().int().min(1).max(20).nullish(),
  budget_usd: z
    .number()
    .positive()
    .max(1_000_000)
    .nullish()
    .describe('All its attempts together may cost so much: the one that uses more is ended with reason limit'),
  time_limit_s: z.number().int().min(1).max(604_800).nullish(),
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'id is 1 to 128 letters, digits, dots, dashes or underscores')
    .nullish()
    .describe('An alias by which the task is found too; its own id is made by skep'),
});
type Input = z.output<typeof bodyInput>;
type Body = BodyOf<'task.created'>;

const create = jsonRoute({
  method: 'POST',
  path: '/api/swarm/tasks',
  summary: 'Create a task; on disk when it is answered',
  action: 'task.create',
  params: none,
  query: none,
  body: bodyInput,
  answer: taskJsonSchema,
  status: 201,
  handle: async (context) => {
    const { door, body: input, by } = context;
    const alias = aliasOf(context);
    if (alias === null) return createTask(input, { by, door });
    const body = await bodyOf(input, { alias, by, door });
    if (isRefusal(body)) return body;
    const draft: Draft = { entity: undefined, by, body };
    return whileTaking(`task:${alias}`, door, async () => {
      const held = taskByAlias(alias, door);
      return held === undefined ? created(draft, door) : again(held, body, context);
    });
  },
});

/** A task without an alias, on disk when it is answered. */
export async function createTask(
  input: Input,
  { by, door }: { by: Principal; door: Door },
): Promise<TaskJson | DoorRefusal> {
  const body = await bodyOf(input, { alias: null, by, door });
  return isRefusal(body) ? body : created({ entity: undefined, by, body }, door);
}

/**
 * The id that the caller asked for; else one made of its Idempotency-Key, by which a repetition finds the task after this node was restarted,
 * when the answer itself is forgotten. The caller is part of it: a key of somebody else is another key.
 */
function aliasOf({ body, by, request }: Context<unknown, unknown, Input>): string | null {
  if (body.id !== undefined && body.id !== null) return body.id;
  if (request.idempotencyKey === undefined) return null;
  return `${KEY_ALIAS}${hash('sha256', canonicalJson([by, request.idempotencyKey])).slice(0, 40)}`;
}

/** No caller can ask for an id that begins so. */
const KEY_ALIAS = 'key:';

async function created(draft: Draft, door: Door): Promise<TaskJson | DoorRefusal> {
  const arrival = await appendOne(draft, door);
  if (isRefusal(arrival)) return arrival;
  const row = door.node.store.get('task', arrival.op.header.entity);
  if (!isKnownTask(row)) throw new Error('a task that was just created is not there');
  const task = taskJson(row, door);
  return task.truncated.length === 0 ? task : wholeTaskJson(row, door);
}

/** A second create under one alias: the same task to whoever repeats a request under its key, a conflict to everybody else. */
function again(
  held: KnownTask,
  body: Body,
  context: Context<unknown, unknown, Input>,
): Promise<TaskJson> | DoorRefusal {
  if (context.request.idempotencyKey === undefined) {
    return refused('conflict', `there is a task ${shown(body.alias)}`, {
      expected: 'an id of its own',
      got: shown(body.alias),
    });
  }
  return sameRequest(held, body) ? wholeTaskJson(held, context.door) : reused();
}

/** Compares what the caller said; voters and the number of attempts are this node's, and may have changed since. */
function sameRequest({ created: held }: KnownTask, body: Body): boolean {
  const said = (from: Omit<Body, 'type'>): string =>
    canonicalJson([
      [from.title, from.description, from.context, from.priority, from.requiredCapabilities, from.createdBy],
      [from.project, from.projectPath, from.base, from.dependsOn, from.timeLimitSeconds, from.attemptsMax],
      [from.supersedes, from.claims, from.budgetUsd ?? null, from.fork?.task ?? null],
    ]);
  return said(held) === said(body);
}

async function bodyOf(
  input: Input,
  { alias, by, door }: { alias: string | null; by: Principal; door: Door },
): Promise<Body | DoorRefusal> {
  const project = projectOf(input.project, door);
  if (isRefusal(project)) return project;
  const dependsOn = dependenciesOf(input.depends_on ?? [], door);
  if (isRefusal(dependsOn)) return dependsOn;
  const supersedes = supersededOf(input.supersedes, door);
  if (isRefusal(supersedes)) return supersedes;
  const fork = forkedOf(input.fork, door);
  if (isRefusal(fork)) return fork;
  return {
    type: 'task.created',
    title: input.title,
    description: await stashed(input.description, door),
    context: await stashed(input.context, door),
    priority: input.priority ?? 0,
    requiredCapabilities: [...new Set(input.required_capabilities ?? [])],
    project,
    projectPath: orNull(input.project_path),
    base: orNull(input.base),
    createdBy: orNull(input.created_by) ?? door.node.info.self,
    dependsOn,
    attemptsMax: input.attempts_max ?? ATTEMPTS_DEFAULT,
    timeLimitSeconds: input.time_limit_s ?? null,
    voters: door.node.votersForNewTask(),
    claims: input.claims ?? 'decided',
    alias,
    supersedes,
    ...(input.budget_usd === undefined || input.budget_usd === null ? {} : { budgetUsd: input.budget_usd }),
    ...boxOf(by, door),
    ...(fork === null ? {} : { fork }),
  };
}

/** Who made it is known from the door it came in by, and so is the box of its maker. */
function boxOf(by: Principal, door: Door): Pick<Body, 'fromBox'> {
  const box = by.startsWith('agent:') ? door.node.store.get('agent', by.slice('agent:'.length))?.box : undefined;
  return box === undefined ? {} : { fromBox: box.runtime };
}

/** A UTF-16 unit is at most 3 bytes of UTF-8: most texts are seen to be short without counting. */
const stashed = (text: string | null | undefined, door: Door): LongText | Promise<LongText> => {
  if (text === undefined || text === null) return '';
  return text.length * 3 <= BLOB_ABOVE_BYTES ? text : door.node.stash(text);
};

function projectOf(ref: string | null | undefined, door: Door): OpId | null | DoorRefusal {
  if (orNull(ref) === null || ref === null || ref === undefined) return null;
  const project = findProject(ref, door);
  if (!isRefusal(project)) return project.id;
  return project.code === 'not_found' ? unknownRef('project', ref) : project;
}

function dependenciesOf(refs: readonly string[], door: Door): OpId[] | DoorRefusal {
  const ids = new Set<OpId>();
  for (const ref of refs) {
    const task = findTask(ref, door);
    if (isRefusal(task)) return task.code === 'not_found' ? unknownRef('depends_on', ref) : task;
    ids.add(task.id);
  }
  return [...ids];
}

function supersededOf(ref: string | null | undefined, door: Door): OpId | null | DoorRefusal {
  const given = orNull(ref);
  if (given === null) return null;
  const task = findTask(given, door);
  if (!isRefusal(task)) return task.id;
  return task.code === 'not_found' ? unknownRef('supersedes', given) : task;
}

function forkedOf(ref: string | null | undefined, door: Door): Fork | null | DoorRefusal {
  const given = orNull(ref);
  if (given === null) return null;
  const task = findTask(given, door);
  if (!isRefusal(task)) return forkOf(task, door);
  return task.code === 'not_found' ? unknownRef('fork', given) : task;
}

const unknownRef = (field: string, ref: string): DoorRefusal =>
  refused('invalid', `${field}: ${shown(ref)} is not known here`, {
    expected: 'an id that is known here',
    got: shown(ref),
  });

export const taskCreateRoutes: readonly Route[] = [create];
