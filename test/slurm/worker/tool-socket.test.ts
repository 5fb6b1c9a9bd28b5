import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connectSocket } from '#cli/socket-client.ts';
import { ToolSocket } from '#slurm/worker/tool-socket.ts';
import { temporaryDirectories } from '../../runtime/temporary.ts';

const makeDirectory = temporaryDirectories();
const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

type Asked = { call: string; method: string; path: string; body: unknown };
async function socket(): Promise<{ tools: ToolSocket; asked: Asked[]; path: string; token: string }> {
  const asked: Asked[] = [];
  const path = join(makeDirectory(), 't.sock');
  const tools = await ToolSocket.open({ path, prefix: '0', ask: (one) => asked.push(one) });
  open.push(tools);
  return { tools, asked, path, token: tools.server.env['SKEP_MCP_TOKEN'] ?? '' };
}

const call = { method: 'POST', path: '/api/tools/task_complete', body: { summary: 'Done.' } } as const;

describe('the socket of an agent’s tools', () => {
  it('hands each call on, and its answer back to whoever asked', async () => {
    const { tools, asked, path, token } = await socket();
    const client = await connectSocket(path, token);
    open.push(client);
    const [first, second] = [client.call(call), client.call({ ...call, path: '/api/tools/message_send' })];
    await expect.poll(() => asked.map((one) => one.call)).toEqual(['0-1', '0-2']);
    expect(asked[0]).toEqual({ call: '0-1', ...call });
    expect(tools.answer({ type: 'tool_result', call: '0-2', status: 200, body: { text: 'two' } })).toBe(true);
    expect(tools.answer({ type: 'tool_result', call: '0-1', status: 409, body: { error: { message: 'no' } } })).toBe(
      true,
    );
    expect(await second).toEqual({ status: 200, body: { text: 'two' } });
    expect(await first).toEqual({ status: 409, body: { error: { message: 'no' } } });
    expect(tools.answer({ type: 'tool_result', call: '0-1', status: 200, body: {} })).toBe(false);
  });

  it('refuses who has no token, what is no tool, and more than 64 at once', async () => {
    const { asked, path, token } = await socket();
    const stranger = await connectSocket(path, 'wrong');
    const client = await connectSocket(path, token);
    open.push(stranger, client);
    expect((await stranger.call(call)).status).toBe(401);
    expect((await client.call({ method: 'POST', path: '/api/tasks', body: {} })).status).toBe(400);
    expect((await client.call({ method: 'GET', path: '/api/tools/x' })).status).toBe(400);
    expect(asked).toEqual([]);
    for (let at = 0; at < 64; at += 1) void client.call(call).catch(() => {});
    expect((await client.call(call)).status).toBe(429);
  });

  it('hangs up on what is no line of JSON', async () => {
    const { path } = await socket();
    const client: Socket = connect(path);
    open.push({ close: () => client.destroy() });
    client.write('GET / HTTP/1.1\n');
    expect(await once(client.resume(), 'close')).toEqual([false]);
  });
});
