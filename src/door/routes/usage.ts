/** What agents used, and what it cost. */
import { z } from 'zod';
import type { UsageRow } from '#core/view/usage.ts';
import { dayOf } from '#core/view/usage.ts';
import type { Column } from '#core/view/view.ts';
import type { Door } from '../door.ts';
import { dateText, shortId, shortNode } from '../json/text.ts';
import type { UsageSum } from '../json/usage.ts';
import { total, usageSums, usageSumSchema } from '../json/usage.ts';
import { findAgent, findNode, findTask } from '../lookup.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none } from './input.ts';

const DAY_MS = 86_400_000;
const GROUPS = ['agent', 'task', 'node', 'day', 'model'] as const;
type Group = (typeof GROUPS)[number];

const day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/, 'a day is expected, as 2026-11-26')
  .refine((text) => !Number.isNaN(Date.parse(text)), 'a day is expected, as 2026-11-26');
const ref = z.string().min(1).max(200);

const query = z.object({
  by: z.enum(GROUPS).default('agent').describe('What is summed up'),
  task: ref.optional(),
  agent: ref.optional(),
  node: ref.optional(),
  since: day.optional().describe('From this day on, in UTC'),
});

const usage = jsonRoute({
  method: 'GET',
  path: '/api/usage',
  summary: 'Tokens and cost of agents that tell of them, by agent, task, node, day or model; the dearest first',
  action: 'task.read',
  params: none,
  query,
  body: none,
  answer: z.object({
    by: z.enum(GROUPS),
    total: usageSumSchema,
    groups: z.array(z.object({ key: z.string(), name: z.string(), sum: usageSumSchema })),
    truncated: z.boolean().describe('There are more records than were looked at, which are the newest'),
  }),
  status: 200,
  handle: ({ query: asked, door }) => {
    const where = whereOf(asked, door);
    if (isRefusal(where)) return where;
    const from = asked.since === undefined ? undefined : dayOf(Date.parse(asked.since));
    const inTime = (row: UsageRow): boolean => from === undefined || dayOf(row.wallMs) >= from;
    const { sums, truncated } = usageSums(where, (row) => (inTime(row) ? keyOf(row, asked.by) : undefined), door);
    const groups = [...sums]
      .map(([key, sum]) => ({ key, name: nameOf(key, asked.by, door), sum }))
      .toSorted(asked.by === 'day' ? (a, b) => (a.key < b.key ? 1 : -1) : (a, b) => weight(b.sum) - weight(a.sum));
    return { by: asked.by, total: total(sums.values()), groups, truncated };
  },
});

function whereOf(asked: z.output<typeof query>, door: Door): Record<string, Column> | DoorRefusal {
  const task = asked.task === undefined ? undefined : findTask(asked.task, door);
  if (isRefusal(task)) return task;
  const agent = asked.agent === undefined ? undefined : findAgent(asked.agent, door);
  if (isRefusal(agent)) return agent;
  const node = asked.node === undefined ? undefined : findNode(asked.node, door);
  if (isRefusal(node)) return node;
  return {
    ...(task === undefined ? {} : { task: task.id }),
    ...(agent === undefined ? {} : { agent: agent.id }),
    ...(node === undefined ? {} : { node: node.id }),
  };
}

function keyOf(row: UsageRow, by: Group): string {
  switch (by) {
    case 'agent':
      return row.recorded?.agent ?? '';
    case 'task':
      return row.task;
    case 'node':
      return row.node;
    case 'day':
      return dateText(dayOf(row.wallMs) * DAY_MS).slice(0, 10);
    case 'model':
      return row.recorded?.model ?? '';
  }
}

function nameOf(key: string, by: Group, door: Door): string {
  if (by === 'node') return door.roster.nodes().find(({ id }) => id === key)?.name ?? shortNode(key);
  // What an agent uses in turns that are no task's stands under the agent itself.
  const task = by === 'task' ? door.node.store.get('task', key)?.created?.title : undefined;
  if (by === 'task' || by === 'agent')
    return task ?? door.node.store.get('agent', key)?.registered?.name ?? shortId(key);
  return key === '' ? 'unknown' : key;
}

/** What nobody knows the price of is put in order by its tokens. */
const weight = (sum: UsageSum): number => (sum.cost_usd ?? 0) * 1e9 + sum.input_tokens + sum.output_tokens;

export const usageRoutes: readonly Route[] = [usage];
