/** The tools as an MCP server. It knows no node: whoever runs it says how a call is carried out. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { fromSeed, SEED_TOOLS } from './seed-tools.ts';
import { TOOLS } from './tools.ts';

/** What an agent from outside signs of what it says on the market. */
export { ownText } from '../hub/market-frames.ts';

/** Never rejects: a node that is away is an answer, too, or the agent would take its tool for broken. */
export type CallTool = (tool: string, args: unknown) => Promise<{ text: string; isError: boolean }>;

/** `outside`: what an agent from outside of the swarm can do, also under AgentChat's names; the call is told skep's name and arguments. */
type ServerOptions = { version: string; call: CallTool; outside?: readonly string[] };

export function mcpServer({ version, call, outside }: ServerOptions): McpServer {
  const server = new McpServer(
    { name: outside === undefined ? 'skep' : 'agentchat', version },
    { capabilities: { tools: {} } },
  );
  const renamed = outside === undefined ? new Set<string>() : addSeedTools(server, call, outside);
  for (const { name, title, description, input, isReadOnly } of TOOLS) {
    if (outside !== undefined && (renamed.has(name) || !outside.includes(name))) continue;
    const annotations = { readOnlyHint: isReadOnly, destructiveHint: false, openWorldHint: outside !== undefined };
    server.registerTool(name, { title, description, inputSchema: input, annotations }, async (args: unknown) => {
      const { text, isError } = await call(name, args);
      return { content: [{ type: 'text', text }], isError };
    });
  }
  return server;
}

/** Gives skep's names of those that it added. */
function addSeedTools(server: McpServer, call: CallTool, outside: readonly string[]): ReadonlySet<string> {
  const added = new Set<string>();
  for (const [name, { to, input }] of Object.entries(SEED_TOOLS)) {
    const own = TOOLS.find((tool) => tool.name === to);
    if (own === undefined || !outside.includes(to)) continue;
    added.add(to);
    const annotations = { readOnlyHint: own.isReadOnly, destructiveHint: false, openWorldHint: true };
    const { title, description } = own;
    server.registerTool(name, { title, description, inputSchema: input, annotations }, async (given: unknown) => {
      const { tool, args } = fromSeed(name, given);
      const { text, isError } = await call(tool, args);
      return { content: [{ type: 'text', text }], isError };
    });
  }
  return added;
}

/** Serves on this process's standard input and output until the input ends. */
export async function serveTools(o: ServerOptions): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
  });
  const handle = serveStdio(() => mcpServer(o));
  await ended;
  await handle.close();
}
