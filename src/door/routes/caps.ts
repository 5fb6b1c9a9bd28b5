/** Caps: how many attempts of a node, a tool or an account run at once in the swarm. */
import { z } from 'zod';
import type { CapKind } from '#core/schema/body.ts';
import { capKindSchema } from '#core/schema/body.ts';
import { isLive } from '#core/view/agent.ts';
import type { LiveCap } from '#core/view/cap.ts';
import { capId, isLiveCap } from '#core/view/cap.ts';
import { taskChain } from '#core/view/chain.ts';
import { appendOne } from '../append.ts';
import type { Door } from '../door.ts';
import { dateText } from '../json/text.ts';
import { findNode } from '../lookup.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none, requiredText } from './input.ts';

const LIST_MAX = 1_000;
/** Attempts that are counted for one answer. */
const RUNNING_MAX = 10_000;
const NAME_MAX_CHARS = 64;

const capJsonSchema = z
  .object({
    kind: capKindSchema,
    name: z.string(),
    max: z.number().int(),
    running: z.number().int().describe('Attempts of it that run now, as far as this node knows'),
    set_by: z.string(),
    set_at: z.string(),
  })
  .meta({ id: 'Cap' });

function capJson({ set }: LiveCap, door: Door): z.output<typeof capJsonSchema> {
  const { kind, name, max, by, wallMs } = set;
  const shown = kind === 'node' ? (door.roster.nodes().find(({ id }) => id === name)?.name ?? name) : name;
  return { kind, name: shown, max, running: runningOf(kind, name, door), set_by: by, set_at: dateText(wallMs) };
}

function runningOf(kind: CapKind, name: string, door: Door): number {
  const { store } = door.node;
  return store.list('task', { where: { status: 'in_progress' }, limit: RUNNING_MAX }).filter((row) => {
    const running = taskChain(row).running?.value.agent;
    const agent = running === undefined ? undefined : store.get('agent', running);
    return isLive(agent) && agent.registered[kind] === name;
  }).length;
}

const list = jsonRoute({
  method: 'GET',
  path: '/api/caps',
  summary: 'Caps of the swarm; those of its options each node keeps to itself',
  action: 'cap.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(capJsonSchema),
  status: 200,
  handle: ({ door }) =>
    door.node.store
      .list('cap', { where: { live: 1 }, order: [['kind', 'asc']], limit: LIST_MAX })
      .filter(isLiveCap)
      .map((cap) => capJson(cap, door)),
});

const set = jsonRoute({
  method: 'POST',
  path: '/api/caps',
  summary: 'Let at most so many attempts of a node, a tool or an account run at once; what runs goes on',
  action: 'cap.set',
  params: none,
  query: none,
  body: z.object({
    kind: z.enum(capKindSchema.options, { error: 'kind is node, tool or account' }),
    name: requiredText('name', NAME_MAX_CHARS).describe('Of a node also its id or the beginning of it'),
    max: z.number().int().min(0).max(100_000).describe('0: none begins'),
  }),
  answer: capJsonSchema,
  status: 200,
  handle: async ({ body: { kind, name: given, max }, by, door }) => {
    const name = nameOf(kind, given, door);
    if (isRefusal(name)) return name;
    const known = door.node.store.get('cap', capId({ kind, name }));
    if (!isLiveCap(known) && door.node.store.count('cap', { live: 1 }) >= LIST_MAX)
      return refused('conflict', `there are ${LIST_MAX} caps already`, { expected: 'one of them to be removed' });
    const arrival = await appendOne({ entity: undefined, by, body: { type: 'cap.set', kind, name, max } }, door);
    if (isRefusal(arrival)) return arrival;
    const row = door.node.store.get('cap', capId({ kind, name }));
    if (!isLiveCap(row)) return refused('conflict', 'somebody else took this cap back in the same moment');
    return capJson(row, door);
  },
});

const remove = jsonRoute({
  method: 'DELETE',
  path: '/api/caps/{kind}/{name}',
  summary: 'Take a cap back',
  action: 'cap.set',
  params: z.object({ kind: z.string(), name: z.string() }),
  query: none,
  body: none,
  answer: z.object({ status: z.literal('removed'), kind: capKindSchema, name: z.string() }),
  status: 200,
  handle: async ({ params, by, door }) => {
    const kind = capKindSchema.safeParse(params.kind).data;
    const name = kind === undefined ? undefined : nameOf(kind, params.name, door);
    if (isRefusal(name)) return name;
    const row =
      kind === undefined || name === undefined ? undefined : door.node.store.get('cap', capId({ kind, name }));
    if (kind === undefined || name === undefined || !isLiveCap(row))
      return refused('not_found', 'Cap not found', { got: `${params.kind} ${params.name}` });
    const arrival = await appendOne({ entity: undefined, by, body: { type: 'cap.set', kind, name, max: null } }, door);
    return isRefusal(arrival) ? arrival : { status: 'removed' as const, kind, name: params.name };
  },
});

/** Tools and accounts need not be there yet; a node is meant by its id. */
function nameOf(kind: CapKind, given: string, door: Door): string | DoorRefusal {
  if (kind !== 'node') return given;
  const node = findNode(given, door);
  return isRefusal(node) ? node : node.id;
}

export const capRoutes: readonly Route[] = [list, set, remove];
