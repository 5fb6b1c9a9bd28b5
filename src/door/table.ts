/** All routes, and which of them a method and a path mean. */
import { z } from 'zod';
import { openApiOf } from './openapi.ts';
import type { Route } from './route.ts';
import { jsonRoute } from './route.ts';
import { accessRoutes } from './routes/access.ts';
import { agentControlRoutes } from './routes/agent-control.ts';
import { activityRoutes } from './routes/activity.ts';
import { agentScreenRoutes } from './routes/agent-screen.ts';
import { agentRoutes } from './routes/agents.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { backupRoutes } from './routes/backup.ts';
import { boxRoutes } from './routes/boxes.ts';
import { capRoutes } from './routes/caps.ts';
import { channelActRoutes } from './routes/channel-acts.ts';
import { channelRoutes } from './routes/channels.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { eventRoutes } from './routes/events.ts';
import { fileRoutes } from './routes/files.ts';
import { hookRoutes } from './routes/hooks.ts';
import { none } from './routes/input.ts';
import { hubRoutes } from './routes/hub.ts';
import { marketRoutes } from './routes/market.ts';
import { messageRoutes } from './routes/messages.ts';
import { messageSearchRoutes } from './routes/message-search.ts';
import { nodeRoutes } from './routes/nodes.ts';
import { pageRoutes } from './routes/page.ts';
import { postRoutes } from './routes/posts.ts';
import { projectRoutes } from './routes/projects.ts';
import { ruleRoutes } from './routes/rules.ts';
import { statusRoutes } from './routes/status.ts';
import { taskCreateRoutes } from './routes/task-create.ts';
import { taskWorkRoutes } from './routes/task-work.ts';
import { taskRoutes } from './routes/tasks.ts';
import { transcriptRoutes } from './routes/transcripts.ts';
import { toolRoutes } from './routes/tools.ts';
import { usageRoutes } from './routes/usage.ts';
import { wallRoutes } from './routes/wall.ts';
import { webhookRoutes } from './routes/webhooks.ts';

const openApi = jsonRoute({
  method: 'GET',
  path: '/openapi.json',
  summary: 'This table, as OpenAPI 3.1',
  action: 'status.read',
  params: none,
  query: none,
  body: none,
  answer: z.record(z.string(), z.unknown()),
  status: 200,
  handle: ({ door }) => openApiOf(routes, door.node.info.version),
});

export const routes: readonly Route[] = [
  ...statusRoutes,
  ...activityRoutes,
  ...nodeRoutes,
  ...taskRoutes,
  ...taskCreateRoutes,
  ...taskWorkRoutes,
  ...agentRoutes,
  ...agentControlRoutes,
  ...boxRoutes,
  ...agentScreenRoutes,
  ...transcriptRoutes,
  ...toolRoutes,
  ...hookRoutes,
  ...messageRoutes,
  ...messageSearchRoutes,
  ...channelRoutes,
  ...channelActRoutes,
  ...deliveryRoutes,
  ...webhookRoutes,
  ...marketRoutes,
  ...fileRoutes,
  ...hubRoutes,
  ...usageRoutes,
  ...projectRoutes,
  ...approvalRoutes,
  ...ruleRoutes,
  ...capRoutes,
  ...postRoutes,
  ...wallRoutes,
  ...eventRoutes,
  ...accessRoutes,
  ...backupRoutes,
  openApi,
  ...pageRoutes,
];

/** `allow`: the path is there, but not for this method. */
export type Match =
  | { kind: 'route'; route: Route; params: Record<string, string> }
  | { kind: 'method'; allow: string[] }
  | { kind: 'none' };

type Pattern = { route: Route; parts: readonly { name: string; variable: boolean }[] };

const exact = new Map<string, Route>();
const patterns: Pattern[] = [];
for (const route of routes) {
  if (!route.path.includes('{')) exact.set(`${route.method} ${route.path}`, route);
  else patterns.push({ route, parts: partsOf(route.path) });
}

function partsOf(path: string): { name: string; variable: boolean }[] {
  return path.split('/').map((part) => {
    const variable = part.startsWith('{');
    return { name: variable ? part.slice(1, -1) : part, variable };
  });
}

/** Finds the route for a path without its query, as it stands in a URL. */
export function matchRoute(method: string, path: string): Match {
  const plain = exact.get(`${method} ${path}`);
  if (plain !== undefined) return { kind: 'route', route: plain, params: {} };
  const segments = path.split('/');
  for (const pattern of patterns) {
    const params = pattern.route.method === method ? paramsOf(pattern, segments) : undefined;
    if (params !== undefined) return { kind: 'route', route: pattern.route, params };
  }
  const allow = methodsOf(path, segments);
  return allow.length === 0 ? { kind: 'none' } : { kind: 'method', allow };
}

function methodsOf(path: string, segments: readonly string[]): string[] {
  const found = routes.filter((route) => route.path === path).map((route) => route.method);
  for (const pattern of patterns) {
    if (paramsOf(pattern, segments) !== undefined) found.push(pattern.route.method);
  }
  return [...new Set<string>(found.includes('GET') ? [...found, 'HEAD'] : found)];
}

function paramsOf({ parts }: Pattern, segments: readonly string[]): Record<string, string> | undefined {
  if (parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? '';
    if (!part.variable && part.name !== segment) return undefined;
    if (!part.variable) continue;
    const value = decoded(segment);
    if (value === undefined || value === '') return undefined;
    params[part.name] = value;
  }
  return params;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
