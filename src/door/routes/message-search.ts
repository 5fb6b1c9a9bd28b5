/** Looking for messages over HTTP. */
import { z } from 'zod';
import { allowed } from '#core/policy.ts';
import { PAGE_MAX } from '#core/search/search.ts';
import { foundPageJson, foundPageSchema } from '../json/found.ts';
import { search, searchSortSchema, searchTextSchema } from '../message/search-desk.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none, queryNumber } from './input.ts';

const PAGE_DEFAULT = 50;

const find = jsonRoute({
  method: 'GET',
  path: '/api/messages/search',
  summary: 'Messages by what they say, newest or best first; a viewer finds those of open channels',
  action: 'channel.read',
  params: none,
  query: z.object({
    q: searchTextSchema,
    sort: searchSortSchema.default('newest'),
    limit: queryNumber({ min: 1, max: PAGE_MAX, default: PAGE_DEFAULT }),
    cursor: z.string().max(32).optional().describe('next of the page before'),
  }),
  body: none,
  answer: foundPageSchema,
  status: 200,
  handle: async ({ query: { q, ...rest }, caller, door }) => {
    const reader = allowed(caller, 'message.read') ? 'operator' : 'viewer';
    const page = await search({ query: q, ...rest }, { reader, door });
    return isRefusal(page) ? page : foundPageJson(page, door);
  },
});

export const messageSearchRoutes: readonly Route[] = [find];
