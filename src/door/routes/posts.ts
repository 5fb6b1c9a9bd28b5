/** Posts of the wall. */
import { z } from 'zod';
import { appendOne } from '../append.ts';
import { postJson, postJsonSchema } from '../json/op.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { listQuery, none, optionalText, orNull } from './input.ts';

const LIST_MAX = 1_000;
const AUTHOR_DEFAULT = 'anon';

const list = jsonRoute({
  method: 'GET',
  path: '/api/posts',
  summary: 'Posts, newest first',
  action: 'post.read',
  params: none,
  query: listQuery(LIST_MAX),
  body: none,
  answer: z.array(postJsonSchema),
  status: 200,
  handle: ({ query: { limit, offset }, door }) => {
    const order = [
      ['lamport', 'desc'],
      ['created', 'desc'],
    ] as const;
    return door.node.store.list('post', { order, limit, offset }).map(postJson);
  },
});

const create = jsonRoute({
  method: 'POST',
  path: '/api/posts',
  summary: 'Write on the wall',
  action: 'post.create',
  params: none,
  query: none,
  body: z.object({
    content: z
      .string({
        error: (issue) => (issue.input === undefined || issue.input === null ? 'Content is required' : undefined),
      })
      .regex(/\S/, 'Content is required')
      .max(1000, 'Content too long (max 1000 chars)'),
    author: optionalText(64),
  }),
  answer: postJsonSchema,
  status: 201,
  handle: async ({ body, by, door }) => {
    const author = orNull(body.author) ?? AUTHOR_DEFAULT;
    const draft = { entity: undefined, by, body: { type: 'post.created' as const, content: body.content, author } };
    const arrival = await appendOne(draft, door);
    if (isRefusal(arrival)) return arrival;
    const row = door.node.store.get('post', arrival.op.header.entity);
    if (row === undefined) throw new Error('a post that was just written is not there');
    return postJson(row);
  },
});

export const postRoutes: readonly Route[] = [list, create];
