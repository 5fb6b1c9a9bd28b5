/** An agent of a real node whose program was given up takes no work, says so everywhere, and begins anew at a person's word. */
import { afterEach, expect, it } from 'vitest';
import type { Turn } from './scripted-driver.ts';
import { ScriptedDriver } from './scripted-driver.ts';
import type { Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm | undefined;
afterEach(() => swarm?.close());

/** Ends with the code of a program that does not know its arguments. */
const dies: Turn = ({ number, tell }) => {
  const exit = { code: 2, signal: null, error: null };
  const text = 'unknown option --turbo';
  tell({ kind: 'turn_ended', turn: `turn-${number}`, outcome: 'failed', text, exit, failure: 'agent_gone' });
  return Promise.resolve('');
};

const task = async (node: Member): Promise<string> =>
  String((await node.post('/api/swarm/tasks', { title: 'Do it', attempts_max: 1 }))['id']);

const givenUp = async (node: Member): Promise<void> => {
  const found = await node.until(async () => {
    const explained = await node.get('/api/swarm/agents/ann/explain');
    return explained['state'] === 'error' ? explained : undefined;
  });
  expect(found).toMatchObject({
    rule: expect.stringMatching(/exit code 2.*unknown option --turbo/),
    evidence: [{ zone: 'way out', text: expect.stringContaining('skep agent pause ann') }],
  });
};

it('is held until it is resumed, also by the next life of its node, and the people hear of it once', async () => {
  swarm = new TestSwarm();
  const driver = new ScriptedDriver(dies);
  const node = await swarm.add({ drivers: [driver] });
  await node.post('/api/swarm/agents', { name: 'ann', tool: 'true', drive: 'protocol' });
  expect(await node.ended(await task(node))).toMatchObject({ status: 'failed' });
  await givenUp(node);
  const left = await task(node);
  await node.restart();
  await givenUp(node);
  expect(await node.task(left)).toMatchObject({ status: 'pending' });
  expect(driver.prompts).toHaveLength(1);
  const told = await node.list('/api/messages?to=operator');
  expect(told).toMatchObject([{ kind: 'event', source: 'crash watch', from: 'system' }]);
  expect(told[0]?.['body']).toMatch(/^ann is given up/);

  await node.post('/api/swarm/agents/ann/pause', {});
  await node.post('/api/swarm/agents/ann/resume', {});
  expect(await node.ended(left)).toMatchObject({ status: 'failed' });
  expect(driver.prompts).toHaveLength(2);
}, 120_000);
