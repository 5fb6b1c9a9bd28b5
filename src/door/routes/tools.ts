/** Tools of agents: what MCP offers, also for whoever speaks no MCP. */
import { z } from 'zod';
import { callTool } from '../mcp/call.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none } from './input.ts';

const call = jsonRoute({
  method: 'POST',
  path: '/api/tools/{tool}',
  summary: 'Call a tool that agents are offered, with its arguments as the body; the attempt is that of the token',
  action: 'tool.call',
  params: z.object({ tool: z.string() }),
  query: none,
  body: z.record(z.string(), z.unknown()),
  answer: z.object({ text: z.string() }),
  status: 200,
  handle: async ({ params, body, by, caller, door }) => {
    const text = await callTool(params.tool, body, { by, bearer: caller?.bearer, door });
    return isRefusal(text) ? text : { text };
  },
});

export const toolRoutes: readonly Route[] = [call];
