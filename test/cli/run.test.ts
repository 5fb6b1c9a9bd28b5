import { afterEach, describe, expect, it } from 'vitest';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { completedTask, TASK_ID, taskJson, WORK } from './fake-node.ts';
import type { Rig } from './rig.ts';
import { Rigs } from './rig.ts';
import type { WorldOptions } from './test-world.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());
const nodeAndWorld = (o: WorldOptions = {}): Promise<Rig> => rigs.make(o);

const TASK_PATH = `/api/swarm/tasks/${TASK_ID}`;

describe('skep run', () => {
  const created = taskJson({ pending_reason: 'no agent is registered' });
  const snapshot = (task: unknown): { event: string; data: unknown } => ({
    event: 'snapshot',
    data: { n: 1, tasks: [task] },
  });
  const output = (text: string): unknown => ({ task_id: TASK_ID, agent_id: 'x-1', attempt: 1, output: text });

  async function running(o: WorldOptions, ...argv: string[]) {
    const { node, world, cwd } = await nodeAndWorld(o);
    node.on('POST /api/swarm/tasks', created, 201).on(`GET ${TASK_PATH}`, completedTask({ work: WORK }));
    node.on(`GET ${TASK_PATH}/diff`, { text: ' greeting.txt | 1 +\n', truncated: false });
    node.on(`GET ${TASK_PATH}/output`, { task_id: TASK_ID, attempt: 1, output: 'one\ntwo\n' });
    node.on(`POST ${TASK_PATH}/merge`, { state: 'merged', commit: 'd'.repeat(40), into: 'main', command: null });
    node.beginning.push(snapshot(created));
    const code = skep(world, 'run', '--shell', 'echo hi', ...argv);
    await node.streamOpened();
    return { node, world, code, cwd };
  }

  it('follows to the end, shows what was missed of the output, and the change', async () => {
    const { node, world, code } = await running({});
    node.tell('task.started', { entity: TASK_ID, by: 'x', task: taskJson({ status: 'in_progress', attempt: 1 }) });
    node.tell('output', output('one\n'));
    node.tell('task.ended', { entity: TASK_ID, by: 'x', task: completedTask({ work: WORK }) });
    expect(await code).toBe(0);
    expect(world.said.out).toContain('one\ntwo\n\n1 commit on skep/');
    expect(world.said.out).toContain('greeting.txt | 1 +');
    expect(world.said.out).toContain('skep task merge aaaaaaaa-7');
    expect(world.said.err).toBe('pending: no agent is registered\nrunning\ncompleted in 3s\n');
    expect(node.seen.some((seen) => seen.path.endsWith('/merge'))).toBe(false);
  });

  it('says what is needed without an answer from the terminal, merges with --yes', async () => {
    const { node, world, code } = await running({}, '--yes', '--into', 'main');
    node.tell('task.ended', { entity: TASK_ID, by: 'x', task: completedTask({ work: WORK }) });
    expect(await code).toBe(0);
    expect(world.said.out).toContain('Merged into main: dddddddddddd');
  });

  it.each([
    ['y', true],
    ['', false],
    [undefined, false],
  ])('asks at a terminal; %j merges: %s', async (answer, merges) => {
    const { node, world, code } = await running({
      streams: { isTerminal: true },
      ...(answer === undefined ? {} : { answer }),
    });
    node.tell('task.ended', { entity: TASK_ID, by: 'x', task: completedTask({ work: WORK, project: 'p-1' }) });
    expect(await code).toBe(0);
    expect(world.said.out).toContain('Merge into the base branch? [y/N] ');
    expect(node.seen.some((seen) => seen.path.endsWith('/merge'))).toBe(merges);
  });

  it('exits with 1 when the task failed, and says why', async () => {
    const { node, world, code } = await running({});
    node.tell('task.ended', {
      entity: TASK_ID,
      by: 'x',
      task: taskJson({ status: 'failed', reason: 'script_failed', error: 'exit code 2', attempt: 3 }),
    });
    expect(await code).toBe(1);
    expect(world.said.err).toContain('failed (script_failed): exit code 2 (attempt 3 of 3)');
  });

  it('leaves the task alone at Ctrl-C, and says how to go on', async () => {
    const { node, world, code } = await running({});
    await world.until('pending');
    world.interrupt();
    expect(await code).toBe(130);
    expect(world.said.err).toContain('skep task cancel aaaaaaaa-7');
    expect(node.seen.map((seen) => seen.path)).toEqual(['/api/swarm/tasks', '/api/events']);
  });

  it('gives one JSON document with --json', async () => {
    const { node, world, code } = await running({}, '--json');
    node.tell('output', output('one\n'));
    node.tell('task.ended', { entity: TASK_ID, by: 'x', task: completedTask({ work: WORK }) });
    expect(await code).toBe(0);
    expect(JSON.parse(world.said.out)).toMatchObject({
      task: { status: 'completed' },
      stat: ' greeting.txt | 1 +\n',
      merge: null,
    });
  });

  it('exits with 4 when the node goes away', async () => {
    const { node, world, code } = await running({});
    await world.until('pending');
    await node.close();
    expect(await code).toBe(4);
  });

  it('takes the title from the option, the script from a file', async () => {
    const { node, world, cwd } = await nodeAndWorld();
    node.on('POST /api/swarm/tasks', { error: 'no', code: 'invalid' }, 400);
    writeFileSync(join(cwd, 'build.sh'), 'make\n');
    expect(await skep(world, 'run', '--shell', '--file', 'build.sh')).toBe(3);
    expect(await skep(world, 'run', 'Build it', '--file', 'build.sh', '--capability', 'c')).toBe(3);
    expect(node.seen.map((seen) => seen.body)).toEqual([
      { title: 'build.sh', description: 'make\n', required_capabilities: ['shell'] },
      { title: 'Build it', description: 'make\n', required_capabilities: ['c'] },
    ]);
    expect(await skep(world, 'run', '--shell', '--file', 'gone.sh')).toBe(2);
    expect(await skep(world, 'run')).toBe(2);
    expect(await skep(world, 'run', 'x', '--yes', '--no-merge')).toBe(2);
  });
});
