/** The stream of what happens. */
import { z } from 'zod';
import type { Door } from '../door.ts';
import { findTask } from '../lookup.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { otherRoute } from '../route.ts';
import { none } from './input.ts';

/** `<node id>:<n>` */
const EVENT_ID = /^([0-9a-f]{32}):(\d{1,15})$/;

const events = otherRoute({
  method: 'GET',
  path: '/api/events',
  summary: 'A snapshot, then everything that happens, as it happens (server-sent events)',
  action: 'event.read',
  params: none,
  query: z.object({
    after: z
      .string()
      .regex(EVENT_ID, 'after: the id of an event is expected, <node id>:<n>')
      .optional()
      .describe('Go on after this event; the header Last-Event-ID does the same'),
    task: z.string().min(1).max(200).optional().describe('Also send what the agent of this task prints'),
  }),
  body: none,
  answer: 'events',
  events:
    'First `snapshot`, then an event for each op that arrives, named by its type; `presence` and `progress` in between',
  httpOnly: false,
  status: 200,
  handle: ({ query, request, door }) => {
    const task = query.task === undefined ? undefined : findTask(query.task, door);
    if (isRefusal(task)) return task;
    const after = numberOf(request.lastEventId ?? query.after, door);
    return door.feed.refusal() ?? { kind: 'events', open: (sink) => door.feed.open({ after, task: task?.id }, sink) };
  },
});

/** Where to go on; undefined for an event of another node, which numbers what arrives in its own order. */
function numberOf(id: string | undefined, door: Door): number | undefined {
  const [, node, n] = EVENT_ID.exec(id ?? '') ?? [];
  return node === door.node.info.self && n !== undefined ? Number(n) : undefined;
}

export const eventRoutes: readonly Route[] = [events];
