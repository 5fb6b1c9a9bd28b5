/** The tools as an MCP server. It knows no node: whoever runs it says how a call is carried out. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { TOOLS } from './tools.ts';

/** Never rejects: a node that is away is an answer, too, or the agent would take its tool for broken. */
export type CallTool = (tool: string, args: unknown) => Promise<{ text: string; isError: boolean }>;

type ServerOptions = { version: string; call: CallTool };

export function mcpServer({ version, call }: ServerOptions): McpServer {
  const server = new McpServer({ name: 'skep', version }, { capabilities: { tools: {} } });
  for (const { name, title, description, input, isReadOnly } of TOOLS) {
    const annotations = { readOnlyHint: isReadOnly, destructiveHint: false, openWorldHint: false };
    server.registerTool(name, { title, description, inputSchema: input, annotations }, async (args: unknown) => {
      const { text, isError } = await call(name, args);
      return { content: [{ type: 'text', text }], isError };
    });
  }
  return server;
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
