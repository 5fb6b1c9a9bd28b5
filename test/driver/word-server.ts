/** A tool server over standard input and output that knows one word. */
import { createInterface } from 'node:readline';
import { z } from 'zod';

const request = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string(),
  params: z.looseObject({ protocolVersion: z.string().optional() }).optional(),
});

const answers = (version: string | undefined): Readonly<Record<string, object>> => ({
  initialize: {
    protocolVersion: version,
    capabilities: { tools: {} },
    serverInfo: { name: 'words', version: '1' },
  },
  'tools/list': {
    tools: [{ name: 'word', description: 'tells a word', inputSchema: { type: 'object', properties: {} } }],
  },
  'tools/call': { content: [{ type: 'text', text: `the word is ${process.env['WORD'] ?? ''}` }] },
});

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = request.parse(JSON.parse(line));
  const result = answers(params?.protocolVersion)[method] ?? {};
  if (id !== undefined) process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
}
