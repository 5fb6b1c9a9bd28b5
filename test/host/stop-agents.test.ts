/** A node that is stopped with its agents: nothing of it runs afterwards, and tasks that waited do not pay for it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNode } from '#host.ts';
import { LocalRuntime } from '#runtime/local.ts';
import { stateDirOf } from '#socket-path.ts';
import type { Json } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
beforeEach(() => {
  swarm = new TestSwarm();
});
afterEach(() => swarm.close());

test('takes no task that waits while its agents are ended, and gives back what they had', async () => {
  const node = await swarm.add({ shellAgents: 2 });
  const file = join(swarm.dir, 'starts');
  const create = async (title: string, work: string): Promise<string> => {
    const description = `echo '${title}' "$SKEP_ATTEMPT" >>'${file}'; ${work}`;
    return String(
      (await node.post('/api/swarm/tasks', { title, description, required_capabilities: ['shell'] }))['id'],
    );
  };
  const runs = (id: string) =>
    node.until(async () => ((await node.task(id))['status'] === 'in_progress' ? true : undefined));
  // The second hears nothing, so the ladder lasts; meanwhile the agent of the first would be free for the third.
  const first = await create('ends', '[ "$SKEP_ATTEMPT" = 2 ] || exec sleep 60');
  const second = await create('hears nothing', '[ "$SKEP_ATTEMPT" = 2 ] || { trap "" TERM; sleep 60; }');
  for (const id of [first, second]) await runs(id);
  const third = await create('waits', 'true');

  await node.running.stopHolder();
  const directory = join(stateDirOf(node.options.dataDir, node.options.p2pPort), 'runtime');
  expect(await new LocalRuntime({ directory }).list()).toEqual([]);
  expect(readFileSync(file, 'utf8').trim().split('\n').toSorted()).toEqual(['ends 1', 'hears nothing 1']);

  node.running = await startNode(node.options);
  for (const id of [first, second]) expect(await node.ended(id)).toMatchObject({ status: 'completed', attempt: 2 });
  expect(await node.ended(third)).toMatchObject({ status: 'completed', attempt: 1 });
  const summaries = (await node.list(`/api/swarm/tasks/${first}/timeline`)).filter(
    ({ type }: Json) => type === 'task.ended',
  );
  expect(summaries).toMatchObject([{ attempt: 1, summary: expect.stringContaining('released') }, { attempt: 2 }]);
});
