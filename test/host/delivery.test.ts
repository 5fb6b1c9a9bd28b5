import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
beforeEach(() => {
  swarm = new TestSwarm();
});
afterEach(() => swarm.close());

const SCRIPT = 'echo "hello from $SKEP_AGENT" > hello.txt; git add hello.txt; git commit -qm "Say hello"; echo done';

test('a task posted at the emperor is worked by one worker, and its commit is at home when the workers are gone', async () => {
  const emperor = await swarm.add();
  const workers = [await swarm.add({ shellAgents: 1 }), await swarm.add({ shellAgents: 1 })];
  await swarm.linked();
  const origin = swarm.repository('origin');
  await emperor.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
  const created = await emperor.post('/api/swarm/tasks', {
    title: 'Say hello',
    description: SCRIPT,
    project: 'demo',
    required_capabilities: ['shell'],
  });
  const id = String(created['id']);
  const ended = await emperor.ended(id);
  expect(ended).toMatchObject({ status: 'completed', error: null, attempt: 1, result: 'done' });
  for (const worker of workers) {
    const seen = await worker.ended(id);
    expect(seen).toMatchObject({ status: 'completed', assigned_node: ended['assigned_node'], work: ended['work'] });
  }
  for (const worker of workers) await worker.running.stopHolder();
  const diff = await emperor.get(`/api/swarm/tasks/${id}/diff`);
  expect(diff['text']).toContain('+hello from');
  const merged = await emperor.post(`/api/swarm/tasks/${id}/merge`, {});
  expect(merged).toMatchObject({ state: 'merged', into: 'main' });
  const text = execFileSync('git', ['show', 'main:hello.txt'], { cwd: origin, encoding: 'utf8' });
  expect(text).toContain('hello from');
  expect(existsSync(join(origin, 'hello.txt'))).toBe(false);
});

test('an agent goes on while its node is down, and is found again', async () => {
  const emperor = await swarm.add();
  const worker = await swarm.add({ shellAgents: 1 });
  await swarm.linked();
  const gate = join(swarm.dir, 'gate');
  const created = await emperor.post('/api/swarm/tasks', {
    title: 'Wait for the gate',
    description: `echo ready; while [ ! -e '${gate}' ]; do read -t 0.05 < <(:) || sleep 0.05; done; echo "TASK_RESULT: through"`,
    required_capabilities: ['shell'],
  });
  const id = String(created['id']);
  await emperor.until(async () => ((await emperor.task(id))['status'] === 'in_progress' ? true : undefined));
  await worker.restart();
  execFileSync('touch', [gate]);
  const ended = await emperor.ended(id);
  expect(ended).toMatchObject({ status: 'completed', attempt: 1, result: 'through' });
});

test('a running task is cancelled from another node, its agent stopped and free again', async () => {
  const emperor = await swarm.add();
  await swarm.add({ shellAgents: 1 });
  const third = await swarm.add();
  await swarm.linked();
  const body = { title: 'Sleep', description: 'sleep 600', required_capabilities: ['shell'] };
  const id = String((await emperor.post('/api/swarm/tasks', body))['id']);
  await third.until(async () => ((await third.task(id))['status'] === 'in_progress' ? true : undefined));
  expect(await third.post(`/api/swarm/tasks/${id}/cancel`, {})).toEqual({ status: 'cancelled', task_id: id });
  expect(await emperor.ended(id)).toMatchObject({ status: 'cancelled', reason: 'cancelled' });
  const again = await emperor.post('/api/swarm/tasks', { ...body, title: 'Next', description: 'echo free' });
  expect(await emperor.ended(String(again['id']))).toMatchObject({ status: 'completed', result: 'free' });
});

test('nodes that cannot dial one another work together through a neighbour', async () => {
  const middle = await swarm.add();
  const left = await swarm.add({ bind: 'none', shellAgents: 1 });
  const right = await swarm.add({ bind: 'none' });
  await swarm.linkedWith(middle, 3);
  const origin = swarm.repository('origin');
  await right.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
  const body = { title: 'Far', description: SCRIPT, project: 'demo', required_capabilities: ['shell'] };
  const id = String((await right.post('/api/swarm/tasks', body))['id']);
  expect(await right.ended(id)).toMatchObject({ status: 'completed', assigned_node: left.running.info.self });
  expect((await right.get(`/api/swarm/tasks/${id}/diff`))['text']).toContain('+hello from');
  expect((await right.get(`/api/swarm/tasks/${id}/output`))['output']).toContain('done');
});

test('a script that fails is tried again up to attempts_max, then the task has failed with what it printed', async () => {
  const emperor = await swarm.add({ shellAgents: 1 });
  const created = await emperor.post('/api/swarm/tasks', {
    title: 'Fail',
    description: 'echo to stdout; echo to stderr >&2; exit 3',
    required_capabilities: ['shell'],
    attempts_max: 2,
  });
  const ended = await emperor.ended(String(created['id']));
  expect(ended).toMatchObject({ status: 'failed', attempt: 2, reason: 'script_failed', result: null });
  expect(ended['error']).toMatch(/exit code 3[\s\S]*to st/);
});
