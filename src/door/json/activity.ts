/** What a swarm did over time: tasks that came and ended, what was spent, and how many waited. Read from the views when somebody asks. */
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { holderOf, taskChain } from '#core/view/chain.ts';
import type { Door } from '../door.ts';
import { eachTask } from '../each-task.ts';
import type { KnownTask } from './task.ts';
import { dateText } from './text.ts';

const count = z.number().int();

export const SPANS = ['minute', 'hour'] as const;
export type Span = (typeof SPANS)[number];

/** Three hours by the minute, a week by the hour: what fits a page, and a point for each few pixels. */
const STEPS: Readonly<Record<Span, { stepMs: number; points: number }>> = {
  minute: { stepMs: 60_000, points: 180 },
  hour: { stepMs: 3_600_000, points: 168 },
};
/** Tasks looked at, the newest of those that are open and of those that ended. */
const TASKS_MAX = 10_000;
/** Rows of usage looked at, newest first. */
const USAGE_MAX = 50_000;
/** Rows between two turns of the event loop: others wait some milliseconds at most. */
const PAGE = 250;
const ROUND = 1e6;

const pointSchema = z.object({
  at: z.string().describe('Where the step begins'),
  created: count,
  completed: count,
  failed: count,
  cancelled: count,
  waiting: count.describe('Tasks that nobody had taken at the end of the step'),
  cost_usd: z.number().describe('Of what has a known price'),
});

export const activityJsonSchema = z
  .object({
    by: z.enum(SPANS),
    step_s: count,
    points: z.array(pointSchema),
    truncated: z
      .boolean()
      .describe('There are more tasks or records of usage than were looked at, which are the newest'),
  })
  .meta({ id: 'Activity' });
export type ActivityJson = z.output<typeof activityJsonSchema>;
type Point = ActivityJson['points'][number];

export async function activityJson(by: Span, door: Door): Promise<ActivityJson> {
  const { stepMs, points } = STEPS[by];
  const nowMs = door.now();
  const fromMs = (Math.floor(nowMs / stepMs) - points + 1) * stepMs;
  const series = new Series({ fromMs, stepMs, points });
  const look = (row: KnownTask): boolean => {
    series.addTask(row);
    return false;
  };
  const cut = [
    await eachTask({ open: 1, max: TASKS_MAX, door, look }),
    await eachTask({ open: 0, max: TASKS_MAX, door, look }),
    await eachCost(fromMs, door, (wallMs, usd) => series.addCost(wallMs, usd)),
  ];
  return { by, step_s: stepMs / 1000, points: series.points(), truncated: cut.includes(true) };
}

/** Adds up by steps. Clocks differ: what lies in the future belongs to the last step. */
class Series {
  private readonly fromMs: number;
  private readonly stepMs: number;
  private readonly steps: Omit<Point, 'at'>[];
  /** By how many more tasks waited at the end of a step than at the end of the one before. */
  private readonly more: number[];

  constructor(o: { fromMs: number; stepMs: number; points: number }) {
    this.fromMs = o.fromMs;
    this.stepMs = o.stepMs;
    const nothing = { created: 0, completed: 0, failed: 0, cancelled: 0, waiting: 0, cost_usd: 0 };
    this.steps = Array.from({ length: o.points }, () => ({ ...nothing }));
    this.more = Array.from({ length: o.points }, () => 0);
  }

  addTask(row: KnownTask): void {
    this.count(row.created.wallMs, 'created');
    const { ended } = taskChain(row);
    if (ended !== undefined) this.count(ended.wallMs, endName(ended.value.kind));
    for (const { fromMs, untilMs } of waitsOf(row)) {
      const end = untilMs === undefined ? undefined : Math.max(untilMs, fromMs);
      if (end !== undefined && end < this.fromMs) continue;
      this.step(Math.max(fromMs, this.fromMs), 1);
      if (end !== undefined) this.step(end, -1);
    }
  }

  addCost(wallMs: number, usd: number): void {
    const step = this.steps[this.indexOf(wallMs)];
    if (step !== undefined) step.cost_usd = Math.round((step.cost_usd + usd) * ROUND) / ROUND;
  }

  points(): Point[] {
    let waiting = 0;
    return this.steps.map((step, index) => {
      waiting += this.more[index] ?? 0;
      return { at: dateText(this.fromMs + index * this.stepMs), ...step, waiting };
    });
  }

  private count(wallMs: number, name: 'created' | 'completed' | 'failed' | 'cancelled'): void {
    const step = this.steps[this.indexOf(wallMs)];
    if (step !== undefined) step[name] += 1;
  }

  private step(wallMs: number, by: number): void {
    const index = this.indexOf(wallMs);
    this.more[index] = (this.more[index] ?? 0) + by;
  }

  /** Below zero for what was before. */
  private indexOf(wallMs: number): number {
    return Math.min(this.steps.length - 1, Math.floor((wallMs - this.fromMs) / this.stepMs));
  }
}

const endName = (kind: string): 'completed' | 'failed' | 'cancelled' =>
  kind === 'completed' || kind === 'cancelled' ? kind : 'failed';

/** From when until when nobody had the task: before its first attempt, and between two. */
function waitsOf(row: KnownTask): { fromMs: number; untilMs: number | undefined }[] {
  const { ended, attempt: last } = taskChain(row);
  const waits: { fromMs: number; untilMs: number | undefined }[] = [];
  let fromMs = row.created.wallMs;
  for (let attempt = 1; attempt <= last; attempt += 1) {
    waits.push({ fromMs, untilMs: holderOf(row, attempt)?.wallMs ?? fromMs });
    const end = row.ends[attempt * 2];
    if (end === undefined || end === ended) return waits;
    fromMs = end.wallMs;
  }
  return [...waits, { fromMs, untilMs: ended?.wallMs }];
}

async function eachCost(fromMs: number, door: Door, look: (wallMs: number, usd: number) => void): Promise<boolean> {
  for (let offset = 0; offset < USAGE_MAX; offset += PAGE) {
    const page = door.node.store.list('usage', { order: [['lamport', 'desc']], limit: PAGE, offset });
    for (const { wallMs, recorded } of page) if (wallMs >= fromMs) look(wallMs, recorded?.costUsd ?? 0);
    if (page.length < PAGE || page.every(({ wallMs }) => wallMs < fromMs)) return false;
    await turn();
  }
  return true;
}
