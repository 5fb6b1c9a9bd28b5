/** The page and its files. They hold nothing of the swarm, so anybody may read them. */
import type { PageFile } from '../asset.ts';
import { PAGE_FILES, pageAsset } from '../asset.ts';
import type { Route } from '../route.ts';
import { otherRoute } from '../route.ts';
import { none } from './input.ts';

const shape = {
  method: 'GET',
  action: 'page.open',
  params: none,
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
  handle: async ({ caller, door }) => ({
    kind: 'page',
    status: 200,
    asset: await pageAsset(caller === undefined ? 'login.html' : door.front === 'wall' ? 'wall.html' : 'index.html'),
  }),
});

const wall = otherRoute({
  ...shape,
  path: '/wall',
  summary: 'The graffiti wall; for somebody who is not logged in, how to log in',
  handle: async ({ caller }) => ({
    kind: 'page',
    status: 200,
    asset: await pageAsset(caller === undefined ? 'login.html' : 'wall.html'),
  }),
});

const file = (name: PageFile): Route =>
  otherRoute({
    ...shape,
    path: `/page/${name}`,
    summary: 'A file of the page',
    handle: async () => ({ kind: 'page', status: 200, asset: await pageAsset(name) }),
  });

export const pageRoutes: readonly Route[] = [
  home,
  wall,
  ...PAGE_FILES.filter((name) => !name.endsWith('.html')).map(file),
];
