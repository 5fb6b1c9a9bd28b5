import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { CLIENTS_MAX } from '#door/feed.ts';
import { OTHER, SELF } from './fake-node.ts';
import { SseClient } from './sse-client.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

describe('events', () => {
  let served: Served;
  let open: SseClient[] = [];
  beforeEach(async () => {
    served = await serve({ http: { heartbeatMs: 20 } });
  });
  afterEach(async () => {
    await Promise.all(open.map((client) => client.close()));
    open = [];
    await served.close();
  });

  async function follow(query = '', headers: Record<string, string> = {}): Promise<SseClient> {
    const client = new SseClient(await served.fetch(`/api/events${query}`, { headers }));
    open.push(client);
    return client;
  }
  const post = (n: number): Promise<Response> => served.post('/api/posts', { content: `post ${n}` });
  const idOf = (n: number): string => `${SELF}:${n}`;

  it('begin with a snapshot, then tell each op as it arrives', async () => {
    await served.post('/api/swarm/tasks', { title: 'before' });
    const client = await follow();
    expect(await client.next()).toMatchObject({
      event: 'snapshot',
      id: idOf(2),
      data: {
        n: 2,
        node: { node_id: SELF, tasks: { pending: 1 } },
        tasks: [{ title: 'before' }],
        agents: [],
        nodes: [{ id: SELF, status: 'self' }],
        projects: [],
      },
    });
    const task = parsedOpId(`${SELF}-3`);
    await served.post('/api/swarm/tasks', { title: 'after' });
    const about = {
      n: 3,
      type: 'task.created',
      entity: task,
      by: 'user:operator',
      task: { title: 'after', status: 'pending' },
    };
    expect(await client.next()).toMatchObject({ event: 'task.created', id: idOf(3), data: about });
    await served.fetch(`/api/swarm/tasks/${task}/cancel`, { method: 'POST' });
    expect(await client.next()).toMatchObject({
      event: 'task.ended',
      id: idOf(4),
      data: { task: { status: 'cancelled' } },
    });
  });

  it('name what is gone with null', async () => {
    const client = await follow();
    await client.next();
    await served.post('/api/swarm/agents', { name: 'sh', tool: 'shell' });
    expect(await client.next()).toMatchObject({ event: 'agent.registered', data: { agent: { name: 'sh' } } });
    await served.fetch('/api/swarm/agents/sh', { method: 'DELETE' });
    expect(await client.next()).toMatchObject({ event: 'agent.deregistered', data: { agent: null } });
    await served.post('/api/swarm/projects', { name: 'demo', origin: '/x' });
    expect(await client.next()).toMatchObject({ event: 'project.registered', data: { project: { name: 'demo' } } });
    await served.fetch('/api/swarm/projects/demo', { method: 'DELETE' });
    expect(await client.next()).toMatchObject({ event: 'project.removed', data: { project: null } });
    await served.node.register(OTHER, 'worker');
    expect(await client.next()).toMatchObject({
      event: 'node.registered',
      data: { node: { name: 'worker', status: 'dead' } },
    });
    await post(1);
    expect(await client.next()).toMatchObject({ event: 'post.created', data: { post: { content: 'post 1' } } });
  });

  it('go on where a client was, in the same order, whole', async () => {
    const first = await follow();
    await first.next();
    await post(1);
    const seen = await first.next();
    await first.close();
    await post(2);
    await post(3);
    const clients = [await follow('', { 'last-event-id': seen?.id ?? '' }), await follow(`?after=${seen?.id ?? ''}`)];
    await post(4);
    for (const client of clients) {
      expect(await client.next()).toMatchObject({
        event: 'post.created',
        id: idOf(3),
        data: { post: { content: 'post 2' } },
      });
      expect(await client.next()).toMatchObject({
        event: 'post.created',
        id: idOf(4),
        data: { post: { content: 'post 3' } },
      });
      expect(await client.next()).toMatchObject({ event: 'presence', id: undefined });
      expect(await client.next()).toMatchObject({
        event: 'post.created',
        id: idOf(5),
        data: { post: { content: 'post 4' } },
      });
    }
  });

  it.each([
    ['of another node', `${OTHER}:1`],
    ['that has not come yet', `${SELF}:99`],
    ['that is none', 'nonsense'],
  ])('begin anew after an id %s', async (_what, id) => {
    const client = await follow('', { 'last-event-id': id });
    expect(await client.next()).toMatchObject({ event: 'snapshot' });
  });

  it('begin anew for a client that is too far behind', async () => {
    const draft = {
      entity: undefined,
      by: userPrincipal('x'),
      body: { type: 'post.created' as const, content: 'x', author: 'x' },
    };
    await served.node.append(Array.from({ length: 1_001 }, () => draft));
    expect(await (await follow(`?after=${idOf(1)}`)).next()).toMatchObject({ event: 'snapshot', id: idOf(1_002) });
    expect(await (await follow(`?after=${idOf(2)}`)).next()).toMatchObject({ event: 'post.created', id: idOf(3) });
  });

  it('do not tell twice what the snapshot holds', async () => {
    const { node } = served;
    const draft = {
      entity: undefined,
      by: userPrincipal('x'),
      body: { type: 'post.created' as const, content: 'x', author: 'x' },
    };
    const [first] = await node.commit(SELF, [draft]);
    const client = await follow();
    expect(await client.next()).toMatchObject({ id: idOf(2) });
    // The store shows a commit before the node tells of it: 1. commit 2. snapshot 3. announcement.
    const listeners = Reflect.get(node, 'arrivalListeners');
    if (!(listeners instanceof Set) || first === undefined) throw new Error('the fake has changed');
    for (const listener of listeners) listener([first, { n: 3, op: first.op }]);
    expect(await client.next()).toMatchObject({ id: idOf(3) });
    for (const listener of listeners) listener([first]);
    for (const listener of listeners) listener([{ n: 4, op: first.op }]);
    expect(await client.next()).toMatchObject({ id: idOf(4) });
  });

  it('show glimpses and presence without an id, and output only to whoever asked for that task', async () => {
    await served.post('/api/swarm/agents', { name: 'sh', tool: 'shell' });
    await served.post('/api/swarm/tasks', { title: 'x', required_capabilities: ['shell'] });
    const [agent, task] = [parsedOpId(`${SELF}-2`), parsedOpId(`${SELF}-3`)];
    const [plain, watching] = [await follow(), await follow(`?task=${task}`)];
    await Promise.all([plain.next(), watching.next()]);
    served.node.say(SELF, [{ agent, status: 'idle', task: null, attempt: null }]);
    for (const client of [plain, watching]) {
      expect(await client.next()).toMatchObject({
        event: 'presence',
        id: undefined,
        data: { agents: [{ status: 'idle' }], nodes: [{ status: 'self' }] },
      });
    }
    served.node.show({ task, agent, attempt: 1, status: 'running', progress: 'line 1', output: 'line 1\n' });
    const progress = { task_id: task, agent_id: agent, attempt: 1, status: 'running', progress: 'line 1' };
    expect(await plain.next()).toEqual({ event: 'progress', id: undefined, data: progress });
    const both = [await watching.next(), await watching.next()];
    expect(both).toMatchObject([
      { event: 'progress' },
      { event: 'output', data: { task_id: task, output: 'line 1\n' } },
    ]);
    await post(1);
    expect(await plain.next()).toMatchObject({ event: 'post.created' });
  });

  it('send a comment now and then', async () => {
    const client = await follow();
    await client.next();
    expect(await client.comment()).toBe(': still here');
  });

  it('cost nothing without clients', async () => {
    const idle = served.node.listeners();
    const client = await follow(`?task=${parsedOpId(`${SELF}-2`)}`).catch(() => undefined);
    expect(client).toBeDefined();
    const busy = await follow();
    await busy.next();
    expect(served.node.listeners().arrivals).toBe(idle.arrivals + 1);
    for (const one of open) await one.close();
    open = [];
    await expect.poll(() => served.node.listeners()).toEqual(idle);
  });

  it('are refused to a client too many', async () => {
    const sink = { deliver: () => undefined, end: () => undefined };
    const stops = Array.from({ length: CLIENTS_MAX }, () =>
      served.door.feed.open({ after: undefined, task: undefined }, sink),
    );
    const answer = await served.fetch('/api/events');
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'too_many' }]);
    for (const stop of stops) stop();
  });

  it('end for a client that reads too slowly; it resumes', async () => {
    const { node } = served;
    const client = await follow();
    const seen = await client.next();
    // Nobody reads: system buffers fill, then ours, then the connection is dropped.
    const draft = {
      entity: undefined,
      by: userPrincipal('x'),
      body: { type: 'post.created' as const, content: 'x'.repeat(1000), author: 'x' },
    };
    const idle = node.listeners().arrivals;
    for (let round = 0; round < 200 && node.listeners().arrivals === idle; round += 1) {
      await node.append(Array.from({ length: 250 }, () => draft));
      await new Promise(setImmediate);
    }
    expect(node.listeners().arrivals).toBe(idle - 1);
    const again = await follow('', { 'last-event-id': seen?.id ?? '' });
    expect(await again.next()).toMatchObject({ event: 'snapshot', id: idOf(node.store.lastArrival()) });
  });

  it('end when the node stops', async () => {
    const client = await follow();
    await client.next();
    await served.http.close();
    expect(await client.next()).toBeUndefined();
  });
});
