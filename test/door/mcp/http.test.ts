import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { refusal } from '#core/refusal.ts';
import type { AttemptBearer } from '#agent-ports.ts';
import { TOOLS } from '#door/mcp/tools.ts';
import { SELF } from '../fake-node.ts';
import type { Served } from '../serve.ts';
import { serve, TOKEN } from '../serve.ts';

const AGENT = parsedOpId(`${SELF}-9`);

describe('MCP over HTTP', () => {
  let served: Served;
  let said: string[];
  const clients: Client[] = [];
  beforeEach(async () => {
    served = await serve();
    said = [];
    const bearer: AttemptBearer = {
      agent: AGENT,
      task: parsedOpId(`${SELF}-2`),
      attempt: 1,
      complete: async (summary) => {
        said.push(summary);
        return 'Noted.';
      },
      fail: async () => 'Noted.',
      ask: async () => 'Noted.',
      progress: () => 'Noted.',
      mayCreateTask: () => true,
    };
    served.node.bearers.set('attempt', bearer);
    served.node.bearers.set('over', refusal('fenced', 'attempt 1 has ended'));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await served.close();
  });

  async function connect(token: string): Promise<Client> {
    const client = new Client({ name: 'test', version: '1' });
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL('mcp', served.http.url), { requestInit }));
    clients.push(client);
    return client;
  }

  it('offers every tool, and carries a call out in the name of the attempt', async () => {
    const client = await connect('attempt');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
    const done = await client.callTool({ name: 'task_complete', arguments: { summary: ' Done. ' } });
    expect(done).toMatchObject({ content: [{ type: 'text', text: 'Noted.' }] });
    expect(said).toEqual(['Done.']);
    await client.callTool({ name: 'task_create', arguments: { title: 'More', description: 'Do it.' } });
    const [made] = served.node.store.list('task', { limit: 1 });
    expect(made?.created).toMatchObject({ by: `agent:${AGENT}`, createdBy: AGENT });
  });

  it('says of a task that it came out of a box, which the door knows and the call cannot say', async () => {
    const client = await connect('attempt');
    const create = async (title: string): Promise<void> => {
      await client.callTool({ name: 'task_create', arguments: { title, description: 'x', fromBox: 'nspawn' } });
    };
    await create('outside');
    const limits = { memoryBytes: null, cpus: null, processes: null };
    const what = { agent: AGENT, runtime: 'sandbox', image: null, mounts: [], limits, secretNames: [] } as const;
    const body = { ...what, type: 'box.declared', mounts: [], secretNames: [] } as const;
    await served.node.append([
      { entity: AGENT, by: userPrincipal('ann'), body: { ...body, mounts: [], secretNames: [] } },
    ]);
    await create('inside');
    const made = served.node.store.list('task', { limit: 2 }).map((row) => [row.created?.title, row.created?.fromBox]);
    expect(Object.fromEntries(made)).toEqual({ outside: undefined, inside: 'sandbox' });
  });

  it('knows a person, who works on no task', async () => {
    const client = await connect(TOKEN);
    const refused = await client.callTool({ name: 'task_complete', arguments: { summary: 'x' } });
    expect(refused).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('no task of skep') }] });
    await client.callTool({ name: 'task_create', arguments: { title: 'Mine', description: 'x' } });
    expect(served.node.store.list('task', { limit: 1 })[0]?.created?.by).toBe('user:operator');
    const listed = await client.callTool({ name: 'tasks_list', arguments: {} });
    expect(listed).toMatchObject({ content: [{ text: expect.stringContaining('"title":"Mine"') }] });
  });

  it('is closed to strangers, viewers and attempts that are over', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const ask = async (token: string | null): Promise<number> => {
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      return (await served.fetch('/mcp', { method: 'POST', body, headers, token })).status;
    };
    const tokens = [null, 'guessed', served.viewer, 'over', TOKEN];
    const statuses: number[] = [];
    for (const token of tokens) statuses.push(await ask(token));
    expect(statuses).toEqual([401, 401, 403, 409, 200]);
  });

  it('answers what is no MCP, and keeps no session', async () => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const broken = await served.fetch('/mcp', { method: 'POST', body: '{', headers });
    expect(broken.status).toBe(400);
    expect((await served.fetch('/mcp', { headers })).status).toBe(405);
    expect(served.faults).toEqual([]);
  });
});

describe('POST /api/tools/{tool}', () => {
  it('refuses tools that are not there and arguments that are wrong, in the words of every other route', async () => {
    const served = await serve();
    try {
      const none = await served.post('/api/tools/rm', {});
      expect([none.status, await none.json()]).toMatchObject([404, { code: 'not_found', got: '"rm"' }]);
      const wrong = await served.post('/api/tools/tasks_list', { limit: 0 });
      expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: 'invalid', expected: 'at least 1' }]);
      expect(await (await served.post('/api/tools/tasks_list', {})).json()).toEqual({ text: 'None.' });
    } finally {
      await served.close();
    }
  });
});
