import { afterEach, describe, expect, it } from 'vitest';
import { completedTask, TASK_ID, taskJson, WORK } from './fake-node.ts';
import type { Rig } from './rig.ts';
import { Rigs } from './rig.ts';
import type { WorldOptions } from './test-world.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());
const nodeAndWorld = (o: WorldOptions = {}): Promise<Rig> => rigs.make(o);

const TASK_PATH = `/api/swarm/tasks/${TASK_ID}`;

describe('skep task', () => {
  it('lists tasks for people and, as they came, for programs', async () => {
    const { node, world } = await nodeAndWorld();
    node.on('GET /api/swarm/tasks', [taskJson({ title: 'evil \u001b[31mred', future_field: 1 })]);
    expect(await skep(world, 'task', 'list', '--status', 'pending')).toBe(0);
    expect(world.said.out).toMatch(/^ID +STATUS +TITLE +AGENT +CREATED\naaaaaaaa-7 +pending +evil red +1m ago\n$/);
    expect(node.seen[0]).toMatchObject({ query: { status: 'pending', limit: '100' } });
    world.said.out = '';
    expect(await skep(world, 'task', 'list', '--json')).toBe(0);
    expect(JSON.parse(world.said.out)).toMatchObject([{ id: TASK_ID, future_field: 1 }]);
  });

  it('says what to do when there are none', async () => {
    const { node, world } = await nodeAndWorld();
    node.on('GET /api/swarm/tasks', []);
    await skep(world, 'task', 'list');
    expect(world.said.out).toContain('skep run --shell');
  });

  it('creates a task from script, options and standard input', async () => {
    const { node, world } = await nodeAndWorld({ stdin: '#!/bin/sh\n# comment\nmake all\n' });
    node.on('POST /api/swarm/tasks', taskJson(), 201);
    const options = [
      '--project',
      'web',
      '--capability',
      'docker',
      '--capability',
      'gpu',
      '--priority',
      '-3',
      '--depends-on',
      'x',
      '--attempts',
      '1',
    ];
    expect(await skep(world, 'task', 'create', '--shell', '--file', '-', ...options)).toBe(0);
    expect(world.said.out).toBe(`${TASK_ID}\n`);
    expect(node.seen[0]?.body).toEqual({
      title: 'make all',
      description: '#!/bin/sh\n# comment\nmake all\n',
      required_capabilities: ['docker', 'gpu', 'shell'],
      depends_on: ['x'],
      project: 'web',
      priority: -3,
      attempts_max: 1,
    });
  });

  it('shows one, with names in the place of ids, and nothing that moves the cursor', async () => {
    const { node, world } = await nodeAndWorld();
    node.on(
      `GET ${TASK_PATH}`,
      completedTask({ result: 'done\u001b[2J', assigned_to: 'x-1', assigned_node: 'x', work: WORK, project: 'p-1' }),
    );
    node.on('GET /api/swarm/projects', [{ id: 'p-1', name: 'web', origin: '/web' }]);
    node.on('GET /api/swarm/agents', [
      {
        id: 'x-1',
        node_id: 'x',
        node_name: 'worker-1',
        name: 'shell-1',
        tool: 'shell',
        capabilities: [],
        status: 'idle',
      },
    ]);
    expect(await skep(world, 'task', 'show', TASK_ID)).toBe(0);
    expect(world.said.out).toMatch(/agent +shell-1 on worker-1\n/);
    expect(world.said.out).toMatch(/project +web\n/);
    expect(world.said.out).toMatch(/delivered +1 on skep\//);
    expect(world.said.out).not.toContain('\u001b');
  });

  it('shows what it used, and that nobody knows what a part of it cost', async () => {
    const { node, world } = await nodeAndWorld();
    const usage = { input_tokens: 1_000, cached_tokens: 200, output_tokens: 30, cost_usd: 0.5, unpriced_records: 1 };
    node.on(`GET ${TASK_PATH}`, completedTask({ usage }));
    node.on('GET /api/swarm/agents', []);
    expect(await skep(world, 'task', 'show', TASK_ID)).toBe(0);
    expect(world.said.out).toMatch(/used +1200 tokens in, 30 out, 0\.5000\+ USD\n/);
  });

  it('means the newest by `last`', async () => {
    const { node, world } = await nodeAndWorld();
    const older = taskJson({ id: `${'a'.repeat(32)}-6`, created_at: '2026-11-20T11:59:00Z', priority: 9 });
    node
      .on('GET /api/swarm/tasks', [older, taskJson()])
      .on(`GET ${TASK_PATH}/diff`, { text: 'diff --git a b\n+x\n', truncated: false });
    expect(await skep(world, 'task', 'diff', 'last')).toBe(0);
    expect(world.said.out).toBe('diff --git a b\n+x\n');
  });

  it('passes a refusal on, with exit code 3, in words and in JSON', async () => {
    const { node, world } = await nodeAndWorld();
    const refusal = {
      error: 'Cannot cancel task (not found or already terminal)',
      code: 'conflict',
      expected: 'a pending task',
      got: 'completed',
    };
    node.on(`POST ${TASK_PATH}/cancel`, refusal, 409);
    expect(await skep(world, 'task', 'cancel', TASK_ID)).toBe(3);
    expect(world.said.err).toBe(`skep: ${refusal.error}\n      expected: a pending task\n      got: completed\n`);
    world.said.err = '';
    expect(await skep(world, 'task', 'cancel', TASK_ID, '--json')).toBe(3);
    expect(JSON.parse(world.said.err)).toEqual({ ...refusal, status: 409 });
  });

  it('fetches into the repository where one stands', async () => {
    const { node, world, cwd } = await nodeAndWorld();
    node.on(`POST ${TASK_PATH}/fetch`, { branch: 'skep/x/1', head: 'c'.repeat(40) });
    expect(await skep(world, 'task', 'fetch', TASK_ID)).toBe(0);
    expect(node.seen[0]?.body).toEqual({ repository: cwd });
    expect(world.said.out).toContain('skep/x/1 is at cccccccccccc');
  });

  it('says which command merges where skep leaves the branch alone', async () => {
    const { node, world } = await nodeAndWorld();
    node.on(`GET ${TASK_PATH}`, completedTask({ work: WORK }));
    node.on(`POST ${TASK_PATH}/merge`, {
      state: 'ready',
      commit: null,
      into: 'main',
      command: 'git -C /x merge skep/1',
    });
    expect(await skep(world, 'task', 'merge', TASK_ID, '--into', 'main')).toBe(0);
    expect(node.seen[1]?.body).toEqual({ into: 'main' });
    expect(world.said.out).toContain('git -C /x merge skep/1');
  });
});
