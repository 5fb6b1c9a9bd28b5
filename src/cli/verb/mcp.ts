/** `skep mcp`: the program between an agent that speaks MCP and its node. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { read } from '../answers.ts';
import type { Client } from '../client.ts';
import { ask, NodeGone } from '../client.ts';
import { CommandFailure, EXIT, usageFailure } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { connectSocket } from '../socket-client.ts';
import type { Group, Leaf } from '../verb.ts';
import type { World } from '../world.ts';
import { install } from './mcp-install.ts';

/** Does something with the node for one call: a node that was away is found again by the next one. */
type WithNode = <T>(use: (node: Client) => Promise<T>) => Promise<T>;

const answerSchema = z.object({ text: z.string() });

const serve: Leaf = {
  name: 'mcp',
  summary: 'the tools of skep for agents that speak MCP',
  about:
    'Speaks MCP on standard input and output. Agents that skep started are given it, and their calls are known by the environment\n' +
    '(SKEP_MCP_TOKEN, SKEP_MCP_SOCKET; in a terminal SKEP_MCP_SECRET, a file). In a session of your own it speaks for you: skep mcp install registers it there.',
  examples: [
    ['skep mcp install --client claude', 'offers the tools to Claude Code in your own sessions'],
    ['skep mcp', 'what such a client runs'],
  ],
  asksNode: true,
  run: async (given, world) => {
    const within = attemptIn(world) ?? ((use) => withNode(given, world, use));
    const { serveTools } = await import('#door/mcp/server.ts');
    await serveTools({
      version: world.version,
      call: async (tool, args) => {
        const path = `/api/tools/${encodeURIComponent(tool)}`;
        try {
          const body = await within((node) => ask(node, { method: 'POST', path, body: args }));
          return { text: read(answerSchema, body).text, isError: false };
        } catch (error) {
          return { text: toldToModel(error), isError: true };
        }
      },
    });
    return EXIT.ok;
  },
};

/** Undefined outside of an attempt. */
function attemptIn({ env }: World): WithNode | undefined {
  const { SKEP_MCP_TOKEN: token, SKEP_MCP_SOCKET: socket, SKEP_MCP_SECRET: file } = env;
  if (file !== undefined) return (use) => asBearer(secretIn(file), use);
  if (token === undefined && socket === undefined) return undefined;
  if (token === undefined || socket === undefined) {
    throw usageFailure('SKEP_MCP_TOKEN and SKEP_MCP_SOCKET belong together: one of them is missing');
  }
  return (use) => asBearer({ token, socket }, use);
}

async function asBearer<T>(o: { token: string; socket: string }, use: (node: Client) => Promise<T>): Promise<T> {
  const node = await connectSocket(o.socket, o.token);
  try {
    return await use(node);
  } finally {
    node.close();
  }
}

const secretSchema = z.object({ token: z.string(), socket: z.string() });

/** Read at each call: the agent may have been withdrawn, or be known anew. */
function secretIn(file: string): z.output<typeof secretSchema> {
  try {
    return secretSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new CommandFailure(EXIT.negative, `nothing was noted: the secret of this agent cannot be read (${file})`, {
      hints: ['it was withdrawn from skep, or its node is being made anew: end your turn'],
    });
  }
}

/** An answer is all that a model sees: it says what is to be done. */
function toldToModel(error: unknown): string {
  if (error instanceof NodeGone) {
    return 'skep does not answer now: its node is stopped or starts anew. Nothing was noted. Your work is not lost: go on, and call this again in a while.';
  }
  if (error instanceof CommandFailure) return [error.message, ...error.hints].join('\n');
  return `the call failed: ${error instanceof Error ? error.message : String(error)}`;
}

export const mcp: Group = { name: 'mcp', summary: serve.summary, alone: serve, leaves: [install] };
