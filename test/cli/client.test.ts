import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Client, NodeEvent } from '#cli/client.ts';
import { ask } from '#cli/client.ts';
import { withNode } from '#cli/find-node.ts';
import { Given } from '#cli/given.ts';
import { HttpClient } from '#cli/http-client.ts';
import { connectSocket } from '#cli/socket-client.ts';
import { isTrustedSocketDir, makeSocketDir, SOCKET_PATH_MAX_BYTES, socketPath, stateDirOf } from '#socket-path.ts';
import { FakeNode } from './fake-node.ts';
import type { WorldOptions } from './test-world.ts';
import { place, testWorld } from './test-world.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function room(): string {
  const { path, remove } = place();
  closers.push(remove);
  return path;
}

function fake(): FakeNode {
  const node = new FakeNode();
  closers.push(() => node.close());
  return node;
}

const doors = ['socket', 'http'] as const;

async function clientOf(node: FakeNode, door: (typeof doors)[number], token?: string): Promise<Client> {
  const client =
    door === 'socket'
      ? await connectSocket(await node.listenSocket(room(), 7101))
      : new HttpClient(await node.listenHttp(), token);
  closers.push(() => client.close());
  return client;
}

describe.each(doors)('the client over %s', (door) => {
  it('asks with query and body, several at a time', async () => {
    const node = fake().when('POST /api/swarm/tasks', ({ body, query }) => ({ status: 201, body: { body, query } }));
    node.on('GET /api/swarm/status', { node_id: 'x' });
    const client = await clientOf(node, door);
    const [made, status] = await Promise.all([
      ask(client, {
        method: 'POST',
        path: '/api/swarm/tasks',
        query: { a: 1, b: undefined },
        body: { title: 'ü\u2028x' },
      }),
      ask(client, { method: 'GET', path: '/api/swarm/status' }),
    ]);
    expect(made).toEqual({ body: { title: 'ü\u2028x' }, query: { a: '1' } });
    expect(status).toEqual({ node_id: 'x' });
  });

  it('tells a refusal with expected and got', async () => {
    const body = { error: 'title is required', code: 'invalid', expected: 'text', got: 'nothing' };
    const client = await clientOf(fake().on('POST /api/swarm/tasks', body, 400), door);
    await expect(ask(client, { method: 'POST', path: '/api/swarm/tasks', body: {} })).rejects.toMatchObject({
      code: 3,
      message: 'title is required',
      hints: ['expected: text', 'got: nothing'],
      detail: { code: 'invalid', status: 400 },
    });
  });

  it('streams events until it is told to stop, and says so to the node', async () => {
    const node = fake();
    node.beginning.push({ event: 'snapshot', data: { n: 1 } });
    const client = await clientOf(node, door);
    const ending = new AbortController();
    const seen: NodeEvent[] = [];
    const stream = client.events({ task: 'x' }, ending.signal);
    await node.streamOpened();
    node.tell('task.created', { text: 'two\nlines' });
    for await (const event of stream) {
      seen.push(event);
      if (seen.length === 2) ending.abort();
    }
    expect(seen).toEqual([
      { event: 'snapshot', data: { n: 1 } },
      { event: 'task.created', data: { text: 'two\nlines' } },
    ]);
    expect(node.seen[0]).toMatchObject({ path: '/api/events', query: { task: 'x' } });
  });

  it('says that the node is gone when the connection breaks', async () => {
    const node = fake();
    const client = await clientOf(node, door);
    const stream = client.events({}, new AbortController().signal);
    await node.streamOpened();
    const reading = (async () => {
      for await (const _ of stream);
    })();
    await Promise.all([node.close(), expect(reading).rejects.toMatchObject({ code: 4 })]);
    await expect(client.call({ method: 'GET', path: '/health' })).rejects.toMatchObject({ code: 4 });
  });
});

describe('the client over http', () => {
  it('shows its token, and says what to do without one', async () => {
    const node = fake().on('GET /api/swarm/status', {});
    node.token = 'right';
    const good = await clientOf(node, 'http', 'right');
    await expect(good.call({ method: 'GET', path: '/api/swarm/status' })).resolves.toMatchObject({ status: 200 });
    const bad = await clientOf(node, 'http');
    await expect(ask(bad, { method: 'GET', path: '/api/swarm/status' })).rejects.toMatchObject({
      code: 3,
      hints: [expect.stringContaining('SKEP_TOKEN')],
    });
  });

  it('takes a page in the place of JSON for what it is', async () => {
    const client = await clientOf(fake().on('GET /api/swarm/status', '<html>', 502), 'http');
    await expect(ask(client, { method: 'GET', path: '/api/swarm/status' })).rejects.toMatchObject({
      message: 'the node answered with status 502',
    });
  });
});

describe('the client over the socket', () => {
  it('gives up on a node that talks nonsense', async () => {
    const path = join(room(), 'x.sock');
    const server = createServer((socket) => void socket.on('error', () => undefined).write('hello\n'));
    server.listen(path);
    await once(server, 'listening');
    closers.push(() => server.close());
    const client = await connectSocket(path);
    await expect(client.call({ method: 'GET', path: '/health' })).rejects.toMatchObject({ code: 4 });
  });
});

it('tells why a line was refused that was too long to be read', async () => {
  const path = join(room(), 'x.sock');
  const body = { error: 'the line is too long', code: 'too_large', expected: 'at most 10 bytes', got: null };
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => {
        socket.write(`${JSON.stringify({ id: null, status: 413, body })}\n`);
      });
  });
  server.listen(path);
  await once(server, 'listening');
  closers.push(() => server.close());
  const client = await connectSocket(path);
  closers.push(() => client.close());
  await expect(ask(client, { method: 'GET', path: '/health' })).rejects.toMatchObject({
    code: 3,
    message: 'the line is too long',
    hints: ['expected: at most 10 bytes'],
  });
});

describe('finding the node', () => {
  const find = (o: WorldOptions, options: Record<string, unknown> = {}): Promise<string> =>
    withNode(new Given([], options), testWorld(o), async (node) => node.where);

  it('takes the only one of ./data, then that of the state directory', async () => {
    const cwd = room();
    const home = room();
    const state = await fake().listenSocket(join(home, '.local/state/skep'), 7101);
    await expect(find({ cwd, home })).resolves.toBe(state);
    const here = await fake().listenSocket(join(cwd, 'data'), 7205);
    await expect(find({ cwd, home })).resolves.toBe(here);
  });

  it('takes the one at the usual port of several, and asks when there is none', async () => {
    const cwd = room();
    await fake().listenSocket(join(cwd, 'data'), 7102);
    await fake().listenSocket(join(cwd, 'data'), 7103);
    await expect(find({ cwd, home: cwd })).rejects.toMatchObject({
      code: 2,
      hints: ['--p2p-port PORT, one of 7102, 7103'],
    });
    await expect(find({ cwd, home: cwd }, { p2pPort: '7103' })).resolves.toMatch(/7103/);
    const usual = await fake().listenSocket(join(cwd, 'data'), 7101);
    await expect(find({ cwd, home: cwd })).resolves.toBe(usual);
  });

  it('passes over sockets that a stopped node left behind', async () => {
    const cwd = room();
    mkdirSync(join(cwd, 'data', '7101'), { recursive: true });
    writeFileSync(join(cwd, 'data', '7101', 'admin.sock'), '');
    const other = await fake().listenSocket(join(cwd, 'data'), 7102);
    await expect(find({ cwd, home: cwd })).resolves.toBe(other);
  });

  it('says how to start one when none runs', async () => {
    const cwd = room();
    await expect(find({ cwd, home: cwd })).rejects.toMatchObject({
      code: 4,
      message: expect.stringContaining('./data/*'),
      hints: [expect.stringContaining('skep up'), expect.stringContaining('--url')],
    });
  });

  it('asks over HTTP where a URL is named more strongly than a directory', async () => {
    const cwd = room();
    const socket = await fake().listenSocket(join(cwd, 'data'), 7101);
    const url = await fake().listenHttp();
    await expect(find({ cwd, home: cwd }, { url })).resolves.toBe(url);
    await expect(find({ cwd, home: cwd, env: { SKEP_URL: url } })).resolves.toBe(url);
    await expect(find({ cwd, home: cwd, env: { SKEP_URL: url } }, { p2pPort: '7101' })).resolves.toBe(socket);
    await expect(find({ cwd, home: cwd }, { url, p2pPort: '7101' })).rejects.toMatchObject({ code: 2 });
  });

  it('reads the token from its file', async () => {
    const cwd = room();
    const node = fake().on('GET /x', { ok: true });
    node.token = 'secret';
    const url = await node.listenHttp();
    writeFileSync(join(cwd, 'token'), 'secret\n');
    const answer = await withNode(new Given([], { url, tokenFile: 'token' }), testWorld({ cwd, home: cwd }), (client) =>
      client.call({ method: 'GET', path: '/x' }),
    );
    expect(answer.status).toBe(200);
  });
});

describe('the path of a socket', () => {
  it('is in the state directory, or short in a folder of one’s own', () => {
    expect(socketPath(stateDirOf('/srv/skep', 7101), 'admin')).toBe('/srv/skep/7101/admin.sock');
    const long = socketPath(stateDirOf(`/srv/${'x'.repeat(120)}`, 7101), 'admin');
    expect(long).toMatch(/^\/tmp\/skep-\d+\/[0-9a-f]{24}\.sock$/);
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(SOCKET_PATH_MAX_BYTES);
    expect(socketPath(stateDirOf(`/srv/${'x'.repeat(120)}`, 7102), 'admin')).not.toBe(long);
  });

  it('is not trusted where others may write', () => {
    const dir = join('/tmp', `skep-test-${process.pid}`);
    mkdirSync(dir, { mode: 0o700 });
    closers.push(() => rmSync(dir, { recursive: true }));
    expect(isTrustedSocketDir(join(dir, 'x.sock'))).toBe(true);
    chmodSync(dir, 0o777);
    expect(isTrustedSocketDir(join(dir, 'x.sock'))).toBe(false);
    expect(() => makeSocketDir(join(dir, 'x.sock'))).toThrow(/belongs to you alone/);
  });
});
