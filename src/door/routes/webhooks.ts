/** Webhooks of channels: what is said is told to a URL, and what is posted to one is said. */
import { z } from 'zod';
import { channelNameSchema } from '#core/schema/channel-body.ts';
import type { Door } from '../door.ts';
import { webhookJson, webhookJsonSchema } from '../json/webhook.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { webhookNameSchema } from '../webhook/book.ts';
import { POSTED, POSTED_MAX_BYTES } from '../webhook/incoming.ts';
import type { Webhooks } from '../webhook/webhooks.ts';
import { idParams, none } from './input.ts';

const URL_MAX_CHARS = 2_048;

const openAt = ({ webhooks }: Door): Webhooks | DoorRefusal =>
  webhooks.open ?? refused('not_supported', 'this node keeps no webhooks');

const list = jsonRoute({
  method: 'GET',
  path: '/api/webhooks',
  summary: 'Webhooks of this node, and how each does; never their secrets',
  action: 'webhook.read',
  params: none,
  query: z.object({ channel: channelNameSchema.optional() }),
  body: none,
  answer: z.array(webhookJsonSchema),
  status: 200,
  handle: ({ query: { channel }, door }) => {
    const open = openAt(door);
    if (isRefusal(open)) return open;
    const all = open.list().filter((one) => channel === undefined || one.channel === channel);
    return all.map((one) => webhookJson(one, door));
  },
});

const common = { name: webhookNameSchema, channel: channelNameSchema };

const add = jsonRoute({
  method: 'POST',
  path: '/api/webhooks',
  summary: 'Make a webhook of a channel at this node; its secret is shown this once',
  action: 'webhook.manage',
  params: none,
  query: none,
  body: z.discriminatedUnion('direction', [
    z.object({
      ...common,
      direction: z.literal('out'),
      url: z.string().min(1).max(URL_MAX_CHARS),
      allow_private: z.boolean().default(false),
    }),
    z.object({ ...common, direction: z.literal('in') }),
  ]),
  answer: webhookJsonSchema.extend({
    secret: z.string().describe('Key of the HMAC'),
    post_path: z.string().nullable().describe('Of in: where to post, at this node'),
  }),
  status: 201,
  handle: async ({ body, by, door }) => {
    const open = openAt(door);
    if (isRefusal(open)) return open;
    const more = body.direction === 'out' ? { ...body, allowPrivate: body.allow_private } : body;
    const made = await open.add({ ...more, by });
    if (isRefusal(made)) return made;
    const { webhook, secret, token } = made;
    return { ...webhookJson(webhook, door), secret, post_path: token === null ? null : `/api/webhooks/in/${token}` };
  },
});

const remove = jsonRoute({
  method: 'DELETE',
  path: '/api/webhooks/{id}',
  summary: 'Take a webhook away; its secret is worth nothing any more',
  action: 'webhook.manage',
  params: idParams,
  query: none,
  body: none,
  answer: z.object({ id: z.string(), removed: z.literal(true) }),
  status: 200,
  handle: async ({ params: { id }, door }) => {
    const open = openAt(door);
    if (isRefusal(open)) return open;
    const removed = await open.remove(id);
    return isRefusal(removed) ? removed : { id, removed: true as const };
  },
});

const resume = jsonRoute({
  method: 'POST',
  path: '/api/webhooks/{id}/resume',
  summary: 'Let a webhook that gave up go on with the message at which it stopped, or after it',
  action: 'webhook.manage',
  params: idParams,
  query: none,
  body: z.object({ skip: z.boolean().default(false).describe('Leave that message out') }),
  answer: webhookJsonSchema,
  status: 200,
  handle: async ({ params: { id }, body: { skip }, door }) => {
    const open = openAt(door);
    if (isRefusal(open)) return open;
    const webhook = await open.resume(id, { isSkipped: skip });
    return isRefusal(webhook) ? webhook : webhookJson(webhook, door);
  },
});

const take = jsonRoute({
  method: 'POST',
  path: '/api/webhooks/in/{token}',
  summary: 'Say something in the channel of this webhook; signed by its secret, see docs/security.md',
  action: 'webhook.post',
  params: z.object({ token: z.string().min(1).max(100) }),
  query: none,
  body: POSTED,
  bodyMaxBytes: POSTED_MAX_BYTES,
  answer: z.object({ id: z.string().describe('Of the message, which is on disk') }),
  status: 201,
  handle: async ({ params: { token }, body, request, door }) => {
    const open = openAt(door);
    if (isRefusal(open)) return open;
    const id = await open.take(token, body, request.signed);
    return isRefusal(id) ? id : { id };
  },
});

export const webhookRoutes: readonly Route[] = [list, add, take, remove, resume];
