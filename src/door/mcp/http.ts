/** MCP by streamable HTTP, for agents whose tool server is a URL. Each request is answered by itself: no session is kept here. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { allowed } from '#core/policy.ts';
import type { DoorCaller } from '../caller.ts';
import type { Door } from '../door.ts';
import type { HttpAnswers } from '../http-answer.ts';
import { EVERYWHERE } from '../http-answer.ts';
import { isRefusal, refused } from '../refusal.ts';
import { callTool } from './call.ts';
import type { CallTool } from './server.ts';

/** Adds `/mcp`. Host, Origin and token were checked when the handler is reached. */
export function addMcp(app: FastifyInstance, { door, answers }: { door: Door; answers: HttpAnswers }): void {
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    config: { action: 'tool.call' },
    handler: async (request, reply) => {
      const { caller } = request.visitor;
      if (caller === undefined || !allowed(caller, 'tool.call')) {
        const detail = { expected: 'a role that may tool.call', got: caller?.role ?? 'nobody' };
        return answers.refuse(reply, refused('forbidden', 'your role may not do this', detail));
      }
      const answer = await answerOf(webRequest(request), caller, door);
      reply.code(answer.status).headers({ ...Object.fromEntries(answer.headers), ...EVERYWHERE });
      return reply.send(answer.body ?? '');
    },
  });
}

async function answerOf(request: Request, caller: DoorCaller, door: Door): Promise<Response> {
  // Weighs as much as the rest of the door: only a node that is asked loads it.
  const [{ createMcpHandler }, { mcpServer }] = await Promise.all([
    import('@modelcontextprotocol/server'),
    import('./server.ts'),
  ]);
  const call: CallTool = async (tool, args) => {
    const text = await callTool(tool, args, { by: caller.principal, bearer: caller.bearer, door });
    return isRefusal(text) ? { text: toldToModel(text), isError: true } : { text, isError: false };
  };
  const version = door.node.info.version;
  const handler = createMcpHandler(() => mcpServer({ version, call }), {
    // The list of tools never changes, so nobody waits for news of it.
    maxSubscriptions: 0,
    onerror: (error) => door.onFault(error, 'POST /mcp'),
  });
  return handler.fetch(request);
}

function webRequest(request: FastifyRequest): Request {
  const { body } = request;
  const isJson = typeof body === 'object' && body !== null && 'value' in body;
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' && name !== 'content-length' && name !== 'authorization' ? [[name, value]] : [],
  );
  const hasBody = request.method === 'POST';
  const url = new URL(request.url, 'http://localhost');
  return new Request(url, {
    method: request.method,
    headers,
    ...(hasBody ? { body: isJson ? JSON.stringify(body.value) : '' } : {}),
  });
}

const toldToModel = ({ message, expected, got }: { message: string; expected?: string; got?: string }): string =>
  [
    message,
    ...(expected === undefined ? [] : [`expected: ${expected}`]),
    ...(got === undefined ? [] : [`got: ${got}`]),
  ].join('\n');
