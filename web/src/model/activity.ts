/** What the swarm did over time: asked once, and carried on by what the page hears. */
import type { ActivityJson } from '../../../src/door/json/activity.ts';
import type { Heard } from './swarm.ts';

export type Activity = ActivityJson;
export type Span = Activity['by'];
type Point = Activity['points'][number];

/** An answer of the node, and what had been heard by then: the last point grows by what is heard on top. */
export type Series = { answer: Activity; heard: Heard };

/** The points as of now, as many as the answer has: a step that is over stays, and a new one begins. */
export function carriedOn(series: Series, o: { heard: Heard; waiting: number; nowMs: number }): Series {
  const { answer } = series;
  const last = answer.points.at(-1);
  if (last === undefined) return series;
  const stepMs = answer.step_s * 1_000;
  const gone = Math.floor((o.nowMs - Date.parse(last.at)) / stepMs);
  if (gone <= 0) return series;
  const closed = nowPoint(last, series.heard, o);
  const fresh = Array.from({ length: Math.min(gone, answer.points.length) }, (_, index) => ({
    ...NOTHING,
    at: new Date(Date.parse(last.at) + (Math.max(0, gone - answer.points.length) + index + 1) * stepMs).toISOString(),
    waiting: o.waiting,
  }));
  const points = [...answer.points.slice(0, -1), closed, ...fresh].slice(-answer.points.length);
  return { answer: { ...answer, points }, heard: o.heard };
}

const NOTHING = { created: 0, completed: 0, failed: 0, cancelled: 0, cost_usd: 0 };

/** The points with what was heard since. */
export function pointsNow(series: Series, o: { heard: Heard; waiting: number }): readonly Point[] {
  const last = series.answer.points.at(-1);
  return last === undefined ? [] : [...series.answer.points.slice(0, -1), nowPoint(last, series.heard, o)];
}

function nowPoint(point: Point, before: Heard, { heard, waiting }: { heard: Heard; waiting: number }): Point {
  return {
    at: point.at,
    created: point.created + heard.created - before.created,
    completed: point.completed + heard.completed - before.completed,
    failed: point.failed + heard.failed - before.failed,
    cancelled: point.cancelled + heard.cancelled - before.cancelled,
    cost_usd: point.cost_usd + heard.costUsd - before.costUsd,
    waiting,
  };
}

export type Sums = { completed: number; failed: number; costUsd: number };

export const sumsOf = (points: readonly Point[]): Sums =>
  points.reduce(
    (sum, { completed, failed, cost_usd: cost }) => ({
      completed: sum.completed + completed,
      failed: sum.failed + failed,
      costUsd: sum.costUsd + cost,
    }),
    { completed: 0, failed: 0, costUsd: 0 },
  );

/** Cents where there are dollars, more digits where there are only parts of a cent. */
export const usdText = (usd: number): string =>
  usd === 0 || usd >= 1 ? `$${usd.toFixed(2)}` : `$${usd.toPrecision(2)}`;
