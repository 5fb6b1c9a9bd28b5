import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
beforeEach(() => {
  swarm = new TestSwarm();
});
afterEach(() => swarm.close());

test('with three voters a task goes on when its home is gone', async () => {
  const home = await swarm.add();
  const other = await swarm.add();
  const worker = await swarm.add({ shellAgents: 1 });
  await swarm.linked();
  const gate = join(swarm.dir, 'gate');
  const description = `while [ ! -e '${gate}' ]; do sleep 0.05; done; echo "TASK_RESULT: decided without home"`;
  const body = { title: 'Go on', description, required_capabilities: ['shell'] };
  const created = await home.post('/api/swarm/tasks', body);
  const id = String(created['id']);
  expect(created['voters']).toHaveLength(3);
  await other.until(async () => ((await other.task(id))['status'] === 'in_progress' ? true : undefined));
  await home.running.close();
  execFileSync('touch', [gate]);
  expect(await other.ended(id)).toMatchObject({ status: 'completed', result: 'decided without home' });
  expect(await worker.ended(id)).toMatchObject({ status: 'completed', attempt: 1 });
});

test('a pending task of a home that is gone is granted by another voter', async () => {
  const home = await swarm.add();
  const other = await swarm.add();
  await swarm.add();
  await swarm.linked();
  const created = await home.post('/api/swarm/tasks', {
    title: 'Wait',
    description: 'echo taken over',
    required_capabilities: ['shell'],
  });
  const id = String(created['id']);
  await other.until(async () =>
    (await other.request('GET', `/api/swarm/tasks/${id}`)).status === 200 ? true : undefined,
  );
  await home.running.close();
  const worker = await swarm.add({ shellAgents: 1, seeds: [`127.0.0.1:${other.options.p2pPort}`] });
  expect(await worker.ended(id)).toMatchObject({ status: 'completed', result: 'taken over' });
});

test('a dependent takes the result of a task that supersedes the one it waits for', async () => {
  const node = await swarm.add({ shellAgents: 1 });
  const shell = { required_capabilities: ['shell'] };
  const first = await node.post('/api/swarm/tasks', { title: 'Nobody can', required_capabilities: ['php'] });
  const dependent = await node.post('/api/swarm/tasks', {
    ...shell,
    title: 'After it',
    description: 'echo after',
    depends_on: [first['id']],
  });
  expect(await node.task(String(dependent['id']))).toMatchObject({ status: 'pending' });
  await node.post('/api/swarm/tasks', {
    ...shell,
    title: 'In its place',
    description: 'true',
    supersedes: first['id'],
  });
  expect(await node.ended(String(dependent['id']))).toMatchObject({ status: 'completed', result: 'after' });
});

test('an optimistic task is worked where its home is gone, and ends once for all when it is back', async () => {
  const home = await swarm.add();
  const worker = await swarm.add({ shellAgents: 1 });
  await swarm.linked();
  const gate = join(swarm.dir, 'gate');
  const description = `while [ ! -e '${gate}' ]; do sleep 0.05; done; echo done alone`;
  const body = { title: 'Anywhere', description, required_capabilities: ['shell'], claims: 'optimistic' };
  const created = await home.post('/api/swarm/tasks', body);
  const id = String(created['id']);
  expect(created).toMatchObject({ claims: 'optimistic', voters: [home.running.info.self] });
  await worker.until(async () => ((await worker.task(id))['status'] === 'in_progress' ? true : undefined));
  await home.running.close();
  execFileSync('touch', [gate]);
  // Nobody can decide its end here: it is reported, and its agent is free.
  const reported = await worker.until(async () => {
    const task = await worker.task(id);
    return JSON.stringify(task['reports']) === '[]' ? undefined : task;
  });
  expect(reported).toMatchObject({ status: 'in_progress', reports: [{ kind: 'completed', late: false }] });
  await home.restart();
  for (const member of [worker, home])
    expect(await member.ended(id)).toMatchObject({
      status: 'completed',
      result: 'done alone',
      assigned_node: worker.running.info.self,
    });
});
