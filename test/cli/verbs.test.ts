import { afterEach, describe, expect, it } from 'vitest';
import { TASK_ID, taskJson } from './fake-node.ts';
import type { Rig } from './rig.ts';
import { Rigs } from './rig.ts';
import type { WorldOptions } from './test-world.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());
const nodeAndWorld = (o: WorldOptions = {}): Promise<Rig> => rigs.make(o);

describe('the other verbs', () => {
  it('agent: add, send, output, remove', async () => {
    const { node, world } = await nodeAndWorld();
    const agent = { id: 'x-1', node_id: 'x', name: 'shell-1', tool: 'shell', capabilities: ['shell'], status: 'idle' };
    node.on('POST /api/swarm/agents', agent, 201).on('POST /api/swarm/agents/shell-1/send', { sent: false });
    node.on('GET /api/swarm/agents/shell-1/output', { agent_id: 'x-1', status: 'idle', output: 'a\u0007b' });
    node.on('DELETE /api/swarm/agents/shell-1', { status: 'deregistered', agent_id: 'x-1' });
    expect(await skep(world, 'agent', 'add', 'shell-1', '--tool', 'shell', '--capability', 'docker')).toBe(0);
    expect(await skep(world, 'agent', 'send', 'shell-1', 'go', 'on')).toBe(1);
    expect(await skep(world, 'agent', 'output', 'shell-1', '--lines', '5')).toBe(0);
    expect(await skep(world, 'agent', 'remove', 'shell-1')).toBe(0);
    expect(node.seen.map((seen) => seen.body ?? seen.query)).toEqual([
      {
        name: 'shell-1',
        tool: 'shell',
        drive: 'terminal',
        capabilities: ['docker'],
        project_path: null,
        tmux_session_id: null,
        account: null,
        budget_usd_day: null,
        home: 'person',
      },
      { text: 'go on' },
      { lines: '5' },
      {},
    ]);
    expect(world.said.out).toBe('x-1\nNot sent: it is not listening now.\nab\nRemoved.\n');
  });

  it('project: the directory one stands in, and one from elsewhere', async () => {
    const { node, world, cwd } = await nodeAndWorld();
    node.when('POST /api/swarm/projects', ({ body }) => ({ status: 201, body: { id: 'p-1', ...Object(body) } }));
    expect(await skep(world, 'project', 'add', 'web')).toBe(0);
    expect(await skep(world, 'project', 'add', 'api', 'git@example.org:api.git', '--setup', 'npm ci')).toBe(0);
    expect(node.seen.map((seen) => seen.body)).toEqual([
      { name: 'web', origin: cwd, base: null, setup: null },
      { name: 'api', origin: 'git@example.org:api.git', base: null, setup: 'npm ci' },
    ]);
  });

  it('token: shown once, nothing but the token on standard output', async () => {
    const { node, world } = await nodeAndWorld();
    node.on('POST /api/tokens', { name: 'wall', role: 'viewer', token: 'skep_x' }, 201);
    node
      .on('GET /api/tokens', [{ name: 'operator', role: 'operator', created_at: null }])
      .on('DELETE /api/tokens/wall', {});
    expect(await skep(world, 'token', 'create', 'wall')).toBe(0);
    expect(world.said.out).toBe('skep_x\n');
    expect(node.seen[0]?.body).toEqual({ name: 'wall', role: 'viewer' });
    expect(await skep(world, 'token', 'list')).toBe(0);
    expect(await skep(world, 'token', 'revoke', 'wall')).toBe(0);
    expect(await skep(world, 'token', 'create', 'wall', '--role', 'king')).toBe(2);
  });

  it('status, peers, join-code, open', async () => {
    const { node, world } = await nodeAndWorld();
    const status = {
      node_id: 'b'.repeat(32),
      uptime: 61,
      tasks: { total: 2, pending: 0, completed: 2 },
      agents: { total: 1 },
      name: 'emperor',
      role: 'emperor',
      version: '0.1.0',
      http_port: 9090,
      p2p_port: 7101,
      nodes: 2,
      links: 1,
      boot_check: { state: 'alone', answered: 0, needed: 1, waits_for: ['worker'] },
    };
    const member = {
      id: 'b'.repeat(32),
      name: 'emperor',
      status: 'self',
      addresses: ['127.0.0.1:7101'],
      agents: 1,
      round_trip_ms: null,
      last_heard_at: null,
    };
    node.on('GET /api/swarm/status', status).on('GET /api/swarm/nodes', [
      member,
      {
        ...member,
        id: 'c'.repeat(32),
        name: 'w',
        status: 'alive',
        round_trip_ms: 0.42,
        last_heard_at: '2026-11-20T11:59:59Z',
      },
    ]);
    node
      .on('GET /api/join-code', { code: 'skep1_abc' })
      .on(
        'POST /api/login-codes',
        { code: 'q', path: '/login?code=q', url: 'http://127.0.0.1:9090/login?code=q' },
        201,
      );
    node.on('GET /api/swarm/links', [
      {
        node_id: 'c'.repeat(32),
        name: 'w',
        address: '127.0.0.1:7102',
        dialled: true,
        since: '2026-11-20T11:59:59Z',
        round_trip_ms: 0.42,
        frames_in: 12,
        frames_out: 34,
        bytes_in: 5_000,
        bytes_out: 70_000,
        overflows: 0,
        batches: { taken: 7, relayed: 3, repeated: 2, gaps: 1, refused: 0 },
      },
    ]);
    for (const verb of ['status', 'peers', 'join-code', 'open']) expect(await skep(world, verb)).toBe(0);
    expect(await skep(world, 'node', 'links')).toBe(0);
    expect(world.said.out).toContain('to 127.0.0.1:7102');
    expect(world.said.out).toContain('emperor bbbbbbbb (emperor), up 1m 1s, skep 0.1.0');
    expect(world.said.out).toContain('2 tasks: 2 completed');
    expect(world.said.out).toContain('not yet: worker. Until then it decides only what depends on it alone');
    expect(world.said.out).toMatch(/cccccccc +w +alive +127\.0\.0\.1:7101 +1 +0\.4 ms +1s ago\n/);
    expect(world.said.out).toContain('skep1_abc\nhttp://127.0.0.1:9090/login?code=q\n');
  });

  it('events: how things stand, then line by line, for people and programs', async () => {
    const { node, world } = await nodeAndWorld();
    node.beginning.push({ event: 'snapshot', data: { n: 5, tasks: [], agents: [], nodes: [{}] } });
    expect(await skep(world, 'events')).toBe(0);
    expect(world.said.out).toBe('snapshot           1 nodes, 0 agents, 0 tasks, 5 ops\n');
    world.said.out = '';
    const code = skep(world, 'events', '--follow', '--limit', '3', '--json');
    await world.until('snapshot');
    node.tell('task.created', { entity: TASK_ID, by: 'user:x', task: taskJson() });
    node.tell('hologram.projected', { entity: TASK_ID });
    expect(await code).toBe(0);
    expect(
      world.said.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).event),
    ).toEqual(['snapshot', 'task.created', 'hologram.projected']);
  });

  it('says that an answer cannot be read, and where', async () => {
    const { node, world } = await nodeAndWorld();
    node.on('GET /api/swarm/tasks', [{ id: 5 }]);
    expect(await skep(world, 'task', 'list')).toBe(1);
    expect(world.said.err).toContain('0.id');
  });
});
