/** Agent CLIs that were found here: offered once, paused, and working when somebody resumes them. */
import { afterEach, expect, test } from 'vitest';
import { ScriptedDriver } from './scripted-driver.ts';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm | undefined;
afterEach(() => swarm?.close());

test('is registered once, works only after it was resumed, and stays away when it was removed', async () => {
  swarm = new TestSwarm();
  const driver = new ScriptedDriver(async () => 'done');
  const node = await swarm.add({ drivers: [driver], offerAgents: true, name: 'hive' });
  const agents = () => node.list('/api/swarm/agents');
  expect(await agents()).toMatchObject([{ name: 'hive-true', tool: 'true', paused: true, status: 'offline' }]);
  const task = await node.post('/api/swarm/tasks', { title: 'Wait', attempts_max: 1 });
  const id = String(task['id']);
  expect(await node.task(id)).toMatchObject({
    status: 'pending',
    pending_reason: 'every agent that could take it is paused: hive-true',
  });

  await node.restart();
  expect(await agents()).toHaveLength(1);
  expect(driver.prompts).toEqual([]);
  expect(await node.post('/api/swarm/agents/hive-true/resume', {})).toMatchObject({ paused: false });
  expect(await node.ended(id)).toMatchObject({ status: 'completed' });
  expect(await node.post('/api/swarm/agents/hive-true/pause', {})).toMatchObject({ paused: true });

  await node.request('DELETE', '/api/swarm/agents/hive-true');
  await node.restart();
  expect(await agents()).toEqual([]);
});
