/** The page and its files. They hold nothing of the swarm, so anybody may read them. */
import { z } from 'zod';
import type { Caller } from '#core/policy.ts';
import { pageAsset } from '../asset.ts';
import type { DoorRefusal } from '../refusal.ts';
import { noRoute, refused } from '../refusal.ts';
import type { Answer, Route } from '../route.ts';
import { otherRoute } from '../route.ts';
import { none } from './input.ts';

const shape = {
  method: 'GET',
  action: 'page.open',
  query: none,
  body: none,
  answer: 'page',
  httpOnly: true,
  status: 200,
} as const;

const home = otherRoute({
  ...shape,
  path: '/',
  summary: 'The page; for somebody who is not logged in, how to log in',
  params: none,
  handle: ({ caller, door }) => page(caller, door.front === 'wall' ? 'wall.html' : 'index.html'),
});

const wall = otherRoute({
  ...shape,
  path: '/wall',
  summary: 'The graffiti wall; for somebody who is not logged in, how to log in',
  params: none,
  handle: ({ caller }) => page(caller, 'wall.html'),
});

async function page(caller: Caller | undefined, name: string): Promise<Answer | DoorRefusal> {
  const asset = await pageAsset(caller === undefined ? 'login.html' : name);
  if (asset !== undefined) return { kind: 'page', status: 200, asset };
  return refused('not_supported', 'the page of this installation was never built', {
    expected: 'npm start, which builds it',
  });
}

const file = otherRoute({
  ...shape,
  path: '/page/{file}',
  summary: 'A file of the page',
  params: z.object({ file: z.string().max(200) }),
  handle: async ({ params }): Promise<Answer | DoorRefusal> => {
    const asset = params.file.endsWith('.html') ? undefined : await pageAsset(params.file);
    return asset === undefined ? noRoute(`/page/${params.file}`) : { kind: 'page', status: 200, asset };
  },
});

export const pageRoutes: readonly Route[] = [home, wall, file];
