/** Pages by address. The address stands behind `#`, so that any path a proxy puts in front works, and the node serves one page. */
import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { Overview } from './pages/overview.tsx';
import { channelSearch, channelsSearch, marketSearch, settingsSearch, tasksSearch } from './pages/search.ts';
import { Empty } from './parts/layout.tsx';
import { Shell } from './shell.tsx';

const root = createRootRoute({ component: Shell, notFoundComponent: () => <Empty title="There is no such page." /> });

const routes = [
  createRoute({ getParentRoute: () => root, path: '/', component: Overview }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks',
    validateSearch: tasksSearch,
    component: lazyRouteComponent(() => import('./pages/tasks.tsx'), 'Tasks'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks/$id',
    component: lazyRouteComponent(() => import('./pages/task.tsx'), 'TaskPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/agents',
    component: lazyRouteComponent(() => import('./pages/agents.tsx'), 'Agents'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/agents/$id',
    component: lazyRouteComponent(() => import('./pages/agent.tsx'), 'AgentPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/settings',
    validateSearch: settingsSearch,
    component: lazyRouteComponent(() => import('./pages/settings.tsx'), 'Settings'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/market',
    validateSearch: marketSearch,
    component: lazyRouteComponent(() => import('./pages/market.tsx'), 'Market'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/market/$id',
    component: lazyRouteComponent(() => import('./pages/deal.tsx'), 'DealPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/channels',
    validateSearch: channelsSearch,
    component: lazyRouteComponent(() => import('./pages/channels.tsx'), 'Channels'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/channels/$name',
    validateSearch: channelSearch,
    component: lazyRouteComponent(() => import('./pages/channels.tsx'), 'ChannelPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/boxes',
    component: lazyRouteComponent(() => import('./pages/boxes.tsx'), 'Boxes'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/allocations',
    component: lazyRouteComponent(() => import('./pages/places.tsx'), 'Allocations'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/more',
    component: lazyRouteComponent(() => import('./pages/places.tsx'), 'More'),
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren([...routes]),
  history: createHashHistory(),
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
