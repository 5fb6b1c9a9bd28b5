/** What the swarm did over time. */
import { z } from 'zod';
import type { Door } from '../door.ts';
import type { ActivityJson, Span } from '../json/activity.ts';
import { activityJson, activityJsonSchema, SPANS } from '../json/activity.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none } from './input.ts';

/** Whoever asks within this time gets the same answer: many tabs that come back at once cost one look. */
const HELD_MS = 5_000;

type Held = { askedMs: number; answer: Promise<ActivityJson> };
const held = new WeakMap<Door, Map<Span, Held>>();

function answerOf(by: Span, door: Door): Promise<ActivityJson> {
  const mine = held.get(door) ?? new Map<Span, Held>();
  held.set(door, mine);
  const known = mine.get(by);
  const nowMs = door.now();
  if (known !== undefined && nowMs - known.askedMs < HELD_MS) return known.answer;
  const answer = activityJson(by, door);
  mine.set(by, { askedMs: nowMs, answer });
  answer.catch(() => mine.delete(by));
  return answer;
}

const activity = jsonRoute({
  method: 'GET',
  path: '/api/swarm/activity',
  summary: 'Tasks that came, ended and waited, and what was spent: three hours by the minute, or a week by the hour',
  action: 'task.read',
  params: none,
  query: z.object({ by: z.enum(SPANS).default('minute') }),
  body: none,
  answer: activityJsonSchema,
  status: 200,
  handle: ({ query: { by }, door }) => answerOf(by, door),
});

export const activityRoutes: readonly Route[] = [activity];
