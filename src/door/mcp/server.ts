/** The tools as an MCP server. It knows no node: whoever runs it says how a call is carried out. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { fromSeed, SEED_TOOLS } from './seed-tools.ts';
import { TOOLS } from './tools.ts';

/** Never rejects: a node that is away is an answer, too, or the agent would take its tool for broken. */
export type CallTool = (tool: string, args: unknown) => Promise<{ text: string; isError: boolean }>;

/** `names`: the tools that AgentChat has, under its names; the call is then told skep's name and arguments. */
type ServerOptions = { version: string; call: CallTool; names?: 'agentchat' };

export function mcpServer({ version, call, names }: ServerOptions): McpServer {
  const server = new McpServer({ name: names ?? 'skep', version }, { capabilities: { tools: {} } });
  if (names === 'agentchat') {
    addSeedTools(server, call);
    return server;
  }
  for (const { name, title, description, input, isReadOnly } of TOOLS) {
    const annotations = { readOnlyHint: isReadOnly, destructiveHint: false, openWorldHint: false };
    server.registerTool(name, { title, description, inputSchema: input, annotations }, async (args: unknown) => {
      const { text, isError } = await call(name, args);
      return { content: [{ type: 'text', text }], isError };
    });
  }
  return server;
}

function addSeedTools(server: McpServer, call: CallTool): void {
  for (const [name, { to, input }] of Object.entries(SEED_TOOLS)) {
    const own = TOOLS.find((tool) => tool.name === to);
    if (own === undefined) continue;
    const annotations = { readOnlyHint: own.isReadOnly, destructiveHint: false, openWorldHint: true };
    const { title, description } = own;
    server.registerTool(name, { title, description, inputSchema: input, annotations }, async (given: unknown) => {
      const { tool, args } = fromSeed(name, given);
      const { text, isError } = await call(tool, args);
      return { content: [{ type: 'text', text }], isError };
    });
  }
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
