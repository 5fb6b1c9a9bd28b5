import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import { startAdminSocket } from '#door/socket.ts';
import { LINE_MAX_BYTES, PIPELINE_MAX } from '#door/socket-client.ts';
import { SELF } from './fake-node.ts';
import type { LineClient, Served } from './serve.ts';
import { serve } from './serve.ts';

describe('admin socket', () => {
  let served: Served;
  let client: LineClient;
  beforeEach(async () => {
    served = await serve();
    client = await served.connect();
  });
  afterEach(async () => {
    client.close();
    await served.close();
  });

  it('answers as HTTP does, in the name of the user', async () => {
    client.send({ id: 1, method: 'POST', path: '/api/swarm/tasks', body: { title: 'x' } });
    const body = { id: `${SELF}-2`, title: 'x', status: 'pending' };
    expect(await client.next()).toMatchObject({ id: 1, status: 201, body });
    client.send({ id: 'two', method: 'GET', path: `/api/swarm/tasks/${SELF}-2` });
    expect(await client.next()).toEqual({
      id: 'two',
      status: 200,
      body: await served.json(`/api/swarm/tasks/${SELF}-2`),
    });
    expect(served.node.store.opsAbout(`${SELF}-2`, 1)[0]?.header.by).toBe(`user:${userInfo().username}`);
  });

  it('takes queries as texts, as numbers and in the path', async () => {
    for (const title of ['a', 'b', 'c']) await served.post('/api/swarm/tasks', { title });
    client.send({ id: 1, method: 'GET', path: '/api/swarm/tasks', query: { limit: 1, offset: '1' } });
    client.send({ id: 2, method: 'GET', path: '/api/swarm/tasks?limit=1&offset=1' });
    for (const _ of [1, 2]) expect(await client.next()).toMatchObject({ status: 200, body: [{ title: 'b' }] });
  });

  it('answers pipelined requests as they finish, each once', async () => {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    served.node.knobs.taskOutput = async () => {
      await late;
      return { attempt: 1, output: 'late' };
    };
    await served.post('/api/swarm/tasks', { title: 'x' });
    client.send({ id: 'slow', method: 'GET', path: `/api/swarm/tasks/${SELF}-2/output` });
    const count = 5_000;
    client.send(
      ...Array.from({ length: count }, (_, id) => ({
        id,
        method: 'POST',
        path: '/api/posts',
        body: { content: `${id}` },
      })),
    );
    const answers = await client.take(count);
    expect(new Set(answers.map((one) => JSON.stringify(one).slice(0, 10))).size).toBe(count);
    expect(answers).toEqual(answers.map((_, id) => expect.objectContaining({ id, status: 201 })));
    resolve(undefined);
    expect(await client.next()).toMatchObject({ id: 'slow', body: { output: 'late' } });
  });

  it('lets no more than a bounded number of requests be under way', async () => {
    await served.post('/api/swarm/tasks', { title: 'x' });
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    let underWay = 0;
    served.node.knobs.taskOutput = async () => {
      underWay += 1;
      await late;
      return { attempt: 1, output: '' };
    };
    const count = PIPELINE_MAX + 100;
    const path = `/api/swarm/tasks/${SELF}-2/output`;
    client.send(...Array.from({ length: count }, (_, id) => ({ id, method: 'GET', path })));
    await expect.poll(() => underWay).toBe(PIPELINE_MAX);
    // Another client is served meanwhile, and this one reads no further.
    await served.json('/api/swarm/status');
    expect(underWay).toBe(PIPELINE_MAX);
    resolve(undefined);
    expect(await client.take(count)).toHaveLength(count);
  });

  it('gives a name to one of two that ask in one breath', async () => {
    const tasks = ['a', 'b'].map((title) => ({
      id: title,
      method: 'POST',
      path: '/api/swarm/tasks',
      body: { title, id: 'raced' },
    }));
    const projects = ['c', 'd'].map((id) => ({
      id,
      method: 'POST',
      path: '/api/swarm/projects',
      body: { name: 'raced', origin: '/x' },
    }));
    client.send(...tasks, ...projects);
    const answers = await client.take(4);
    for (const status of [201, 409]) {
      expect(answers.filter((answer) => JSON.stringify(answer).includes(`"status":${status},`))).toHaveLength(2);
    }
  });

  it('answers a client that sends no more', async () => {
    client.send({ id: 1, method: 'POST', path: '/api/posts', body: { content: 'x' } });
    client.socket.end();
    expect(await client.next()).toMatchObject({ id: 1, status: 201 });
    await expect(client.next()).rejects.toThrow('closed');
  });

  it('refuses what is no request, and goes on', async () => {
    const before = served.node.store.lastArrival();
    const cases: [string, unknown, number, string][] = [
      ['{"id":', null, 400, 'invalid'],
      ['[]', null, 400, 'invalid'],
      ['null', null, 400, 'invalid'],
      ['{"method":"GET","path":"/health"}', null, 400, 'invalid'],
      ['{"id":{},"method":"GET","path":"/health"}', null, 400, 'invalid'],
      ['{"id":1,"method":"GET"}', 1, 400, 'invalid'],
      ['{"id":1,"method":7,"path":"/health"}', 1, 400, 'invalid'],
      ['{"id":1,"method":"GET","path":"/nowhere"}', 1, 404, 'not_found'],
      ['{"id":1,"method":"GET","path":"/"}', 1, 404, 'not_found'],
      ['{"id":1,"method":"GET","path":"/login"}', 1, 404, 'not_found'],
      ['{"id":1,"method":"PUT","path":"/api/swarm/tasks"}', 1, 405, 'method_not_allowed'],
      ['{"id":1,"method":"POST","path":"/api/swarm/tasks","body":[]}', 1, 400, 'invalid'],
      ['{"id":1,"method":"POST","path":"/api/swarm/tasks","body":"x"}', 1, 400, 'invalid'],
      ['{"id":1,"method":"POST","path":"/api/swarm/tasks","key":"","body":{"title":"x"}}', 1, 400, 'invalid'],
      ['{"id":1,"method":"GET","path":"/api/swarm/tasks/%ff"}', 1, 404, 'not_found'],
    ];
    for (const [line, id, status, code] of cases) {
      client.raw(`${line}\n`);
      expect({ line, answer: await client.next() }).toMatchObject({
        line,
        answer: { id, status, body: { error: expect.any(String), code } },
      });
    }
    expect(served.node.store.lastArrival()).toBe(before);
    expect(served.faults).toEqual([]);
  });

  it('skips a line that is too long, and goes on', async () => {
    client.raw(`{"id":1,"method":"POST","path":"/api/posts","body":{"content":"${'x'.repeat(LINE_MAX_BYTES)}"}}\n`);
    expect(await client.next()).toMatchObject({ id: null, status: 413, body: { code: 'too_large' } });
    client.send({ id: 2, method: 'GET', path: '/health' });
    expect(await client.next()).toMatchObject({ id: 2, status: 200 });
  });

  it('streams events until they are cancelled', async () => {
    client.send({ id: 1, method: 'GET', path: '/api/events' });
    expect(await client.next()).toMatchObject({ id: 1, event: 'snapshot', data: { n: 1, node: { node_id: SELF } } });
    client.send({ id: 2, method: 'POST', path: '/api/posts', body: { content: 'x' } });
    const both = await client.take(2);
    expect(both).toContainEqual(expect.objectContaining({ id: 1, event: 'post.created' }));
    expect(both).toContainEqual(expect.objectContaining({ id: 2, status: 201 }));
    client.send({ id: 1, method: 'GET', path: '/api/events' });
    expect(await client.next()).toMatchObject({ id: 1, status: 409 });
    client.send(
      { id: 1, cancel: true },
      { id: 1, cancel: true },
      { id: 3, method: 'POST', path: '/api/posts', body: { content: 'y' } },
    );
    expect(await client.next()).toEqual({ id: 1, event: 'end', data: {} });
    expect(await client.next()).toMatchObject({ id: 3, status: 201 });
    client.send({ id: 4, method: 'GET', path: '/api/events', query: { after: `${SELF}:1` } });
    expect(await client.take(2)).toMatchObject([
      { id: 4, event: 'post.created', data: { n: 2 } },
      { id: 4, event: 'post.created', data: { n: 3 } },
    ]);
  });

  it('lets go of a stream whose client is gone', async () => {
    const idle = served.node.listeners();
    client.send({ id: 1, method: 'GET', path: '/api/events' });
    await client.next();
    client.close();
    await expect.poll(() => served.node.listeners()).toEqual(idle);
  });

  it('ends its streams and its connections when the node stops', async () => {
    client.send({ id: 1, method: 'GET', path: '/api/events' });
    await client.next();
    served.door.close();
    expect(await client.next()).toEqual({ id: 1, event: 'end', data: {} });
    await served.close();
    await expect(client.next()).rejects.toThrow('closed');
  });

  it('is for user and group, takes the place of an old socket and of nothing else', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'skep-socket-'));
    const path = join(dir, 'admin.sock');
    const { door } = served;
    const first = await startAdminSocket({ door, path });
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    const second = await startAdminSocket({ door, path });
    await Promise.all([first.close(), second.close(), second.close()]);
    await writeFile(path, 'a file of somebody');
    await expect(startAdminSocket({ door, path })).rejects.toThrow('is no socket');
    await rm(dir, { recursive: true });
  });

  it('keeps a key as HTTP does', async () => {
    const request = { method: 'POST', path: '/api/posts', key: 'k', body: { content: 'once' } };
    client.send({ id: 1, ...request }, { id: 2, ...request });
    const [one, two] = await client.take(2);
    expect(one).toMatchObject({ status: 201, body: { id: parsedOpId(`${SELF}-2`) } });
    expect(two).toMatchObject({ status: 201, body: { id: parsedOpId(`${SELF}-2`) } });
  });
});
