/** Sums of what agents used. */
import { z } from 'zod';
import type { UsageRow } from '#core/view/usage.ts';
import type { Query } from '#core/view/view.ts';
import type { Door } from '../door.ts';

const count = z.number().int();

export const usageSumSchema = z
  .object({
    input_tokens: count.describe('Read by the model, from no cache'),
    cached_tokens: count,
    output_tokens: count.describe('Reasoning included'),
    reasoning_tokens: count,
    cost_usd: z.number().nullable().describe('Of what has a known price; null where nothing has'),
    turns: count.describe('That ended; of agents in terminals, too'),
    time_ms: count.describe('How long they took, waits for people included'),
    records: count.describe('One for each turn and model that used tokens or money'),
    unpriced_records: count.describe('Those whose cost nobody knows: they are not in cost_usd'),
  })
  .meta({ id: 'UsageSum' });
export type UsageSum = z.output<typeof usageSumSchema>;

/** Rows read for one answer, newest first: beyond it sums are too small, and say so. */
export const ROWS_MAX = 200_000;
const PAGE = 2_000;
/** Sums of many small costs carry no more than this of a dollar. */
const ROUND = 1e6;

const NOTHING: UsageSum = {
  input_tokens: 0,
  cached_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  cost_usd: null,
  turns: 0,
  time_ms: 0,
  records: 0,
  unpriced_records: 0,
};

/** Adds up; `pick` says under which name a row counts, undefined for nowhere. */
export function usageSums(
  where: NonNullable<Query['where']>,
  pick: (row: UsageRow) => string | undefined,
  door: Door,
): { sums: Map<string, UsageSum>; truncated: boolean } {
  const sums = new Map<string, UsageSum>();
  for (let offset = 0; offset < ROWS_MAX; offset += PAGE) {
    const page = door.node.store.list('usage', { where, order: [['lamport', 'desc']], limit: PAGE, offset });
    for (const row of page) {
      const name = pick(row);
      if (name !== undefined) sums.set(name, plus(sums.get(name) ?? NOTHING, row));
    }
    if (page.length < PAGE) return { sums, truncated: false };
  }
  return { sums, truncated: true };
}

/** Undefined: nothing was recorded. */
export const usageOfTask = (task: string, door: Door): UsageSum | undefined =>
  usageSums({ task }, () => task, door).sums.get(task);

export const total = (sums: Iterable<UsageSum>): UsageSum => [...sums].reduce(added, NOTHING);

function plus(sum: UsageSum, { recorded }: UsageRow): UsageSum {
  if (recorded === undefined) return sum;
  const { inputTokens, cachedTokens, outputTokens, model, costUsd, turns = 0, timeMs = 0 } = recorded;
  // A turn of an agent that does not tell what it uses stands by itself.
  const isUse = model !== null || costUsd !== null || inputTokens + cachedTokens + outputTokens > 0;
  return added(sum, {
    input_tokens: inputTokens,
    cached_tokens: cachedTokens,
    output_tokens: outputTokens,
    reasoning_tokens: recorded.reasoningTokens,
    cost_usd: costUsd,
    turns,
    time_ms: timeMs,
    records: isUse ? 1 : 0,
    unpriced_records: isUse && costUsd === null ? 1 : 0,
  });
}

const added = (a: UsageSum, b: UsageSum): UsageSum => ({
  input_tokens: a.input_tokens + b.input_tokens,
  cached_tokens: a.cached_tokens + b.cached_tokens,
  output_tokens: a.output_tokens + b.output_tokens,
  reasoning_tokens: a.reasoning_tokens + b.reasoning_tokens,
  cost_usd:
    a.cost_usd === null && b.cost_usd === null
      ? null
      : Math.round(((a.cost_usd ?? 0) + (b.cost_usd ?? 0)) * ROUND) / ROUND,
  turns: a.turns + b.turns,
  time_ms: a.time_ms + b.time_ms,
  records: a.records + b.records,
  unpriced_records: a.unpriced_records + b.unpriced_records,
});
