/** The stream of what happens, in two encodings. */
import { z } from 'zod';
import type { Door } from '../door.ts';
import { findAgent, findTask } from '../lookup.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal } from '../refusal.ts';
import type { Answer, Context, Route } from '../route.ts';
import { otherRoute } from '../route.ts';
import { none } from './input.ts';

/** `<node id>:<n>`, or the number alone: then of this node. */
const EVENT_ID = /^(?:([0-9a-f]{32}):)?(\d{1,15})$/;

const query = z.object({
  after: z
    .string()
    .regex(EVENT_ID, 'after: the id of an event is expected, <node id>:<n>')
    .optional()
    .describe('Go on after this event; for server-sent events the header Last-Event-ID does the same'),
  task: z.string().min(1).max(200).optional().describe('Also send what the agent of this task prints'),
  agent: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Also send what the terminal of this agent shows, each time it shows something else'),
});

const shape = {
  method: 'GET',
  action: 'event.read',
  params: none,
  query,
  body: none,
} as const;

type Asked = Context<unknown, z.output<typeof query>, unknown>;

/** One mechanism for both: where it goes on, whose output it brings, and whether there is room. */
function follow({
  query: { after: asked, task: taskRef, agent: agentRef },
  request,
  door,
}: Asked): Answer | DoorRefusal {
  const task = taskRef === undefined ? undefined : findTask(taskRef, door);
  if (isRefusal(task)) return task;
  const agent = agentRef === undefined ? undefined : findAgent(agentRef, door);
  if (isRefusal(agent)) return agent;
  const after = numberOf(request.lastEventId ?? asked, door);
  const asks = { after, task: task?.id, agent: agent?.id };
  return door.feed.refusal() ?? { kind: 'events', open: (sink) => door.feed.open(asks, sink) };
}

const events = otherRoute({
  ...shape,
  path: '/api/events',
  summary: 'A snapshot, then everything that happens, as it happens (server-sent events)',
  answer: 'events',
  events:
    'First `snapshot`, then an event for each op that arrives, named by its type; `presence` and `progress` in between',
  httpOnly: false,
  status: 200,
  handle: follow,
});

/** Found here by the HTTP door when a browser asks to upgrade; a plain GET is told so. */
export const websocketRoute = otherRoute({
  ...shape,
  path: '/ws',
  summary: 'The same as a WebSocket, in the frames of docs/websocket.md; each message is one JSON object',
  answer: 'websocket',
  httpOnly: true,
  status: 101,
  handle: follow,
});

/** Where to go on; undefined for an event of another node, which numbers what arrives in its own order. */
function numberOf(id: string | undefined, door: Door): number | undefined {
  const { self } = door.node.info;
  const [, node = self, n] = EVENT_ID.exec(id ?? '') ?? [];
  return node === self && n !== undefined ? Number(n) : undefined;
}

export const eventRoutes: readonly Route[] = [events, websocketRoute];
