import { describe, expect, it } from 'vitest';
import type { Series } from '../../../web/src/model/activity.ts';
import { carriedOn, pointsNow, sumsOf, usdText } from '../../../web/src/model/activity.ts';
import { fold, NOTHING } from '../../../web/src/model/swarm.ts';
import { snapshotOf, taskEvent, taskOf } from './rows.ts';

const MINUTE_MS = 60_000;
const FROM_MS = Date.UTC(2026, 1, 12, 10);
const nothing = { created: 0, completed: 0, failed: 0, cancelled: 0, waiting: 0, cost_usd: 0 };
const seriesOf = (completed: readonly number[]): Series => ({
  answer: {
    by: 'minute',
    step_s: 60,
    truncated: false,
    points: completed.map((count, n) => ({
      ...nothing,
      at: new Date(FROM_MS + n * MINUTE_MS).toISOString(),
      completed: count,
    })),
  },
  heard: NOTHING.heard,
});
const usage = {
  input_tokens: 1,
  cached_tokens: 0,
  output_tokens: 1,
  reasoning_tokens: 0,
  turns: 1,
  time_ms: 1_000,
  records: 1,
  unpriced_records: 0,
};

describe('activity over time', () => {
  it('grows by what was heard since it was asked for: ends, and what a task cost more than before', () => {
    const running = taskOf(1, { status: 'in_progress', usage: { ...usage, cost_usd: 1 } });
    const first = fold(NOTHING, [snapshotOf({ tasks: [running] })], 0);
    const done = { ...running, status: 'completed' as const, usage: { ...usage, cost_usd: 1.5 } };
    const told = [taskEvent('task_completed', 2, done), taskEvent('task_created', 3, taskOf(2))];
    const { heard } = fold(first, told, 0);
    const points = pointsNow({ ...seriesOf([1, 2]), heard: first.heard }, { heard, waiting: 7 });
    expect(points.at(-1)).toMatchObject({ completed: 3, created: 1, cost_usd: 0.5, waiting: 7 });
    expect(points[0]).toMatchObject({ completed: 1, waiting: 0 });
  });

  it('closes a step when its time is over, and keeps as many as there were', () => {
    const series = seriesOf([1, 2, 3]);
    const heard = { ...NOTHING.heard, completed: 4 };
    expect(carriedOn(series, { heard, waiting: 1, nowMs: FROM_MS + 3 * MINUTE_MS - 1 })).toBe(series);
    const next = carriedOn(series, { heard, waiting: 1, nowMs: FROM_MS + 3 * MINUTE_MS });
    expect(next.answer.points.map(({ completed }) => completed)).toEqual([2, 7, 0]);
    expect(next.answer.points.at(-1)?.at).toBe(new Date(FROM_MS + 3 * MINUTE_MS).toISOString());
    expect(pointsNow(next, { heard, waiting: 1 }).at(-1)?.completed).toBe(0);
  });

  it('leaves nothing of a page that slept longer than it shows', () => {
    const late = FROM_MS + 50 * MINUTE_MS;
    const { answer } = carriedOn(seriesOf([1, 2, 3]), { heard: NOTHING.heard, waiting: 0, nowMs: late });
    expect(answer.points.map(({ completed }) => completed)).toEqual([0, 0, 0]);
    expect(answer.points.at(-1)?.at).toBe(new Date(late).toISOString());
  });

  it('says sums in words', () => {
    expect(sumsOf(seriesOf([1, 2]).answer.points)).toEqual({ completed: 3, failed: 0, costUsd: 0 });
    expect([0, 0.0123, 0.5, 12].map(usdText)).toEqual(['$0.00', '$0.012', '$0.50', '$12.00']);
  });
});
