/** Which conversations a person cannot go on with, and why. With the real tools: opened-conversations.real.test.ts. */
import { afterEach, expect, it } from 'vitest';
import { ScriptedDriver } from './scripted-driver.ts';
import { asJson, TestSwarm } from './swarm.ts';

let swarm: TestSwarm | undefined;
afterEach(() => swarm?.close());

it('is refused, with the reason, and changes nothing', async () => {
  swarm = new TestSwarm();
  const driver = new ScriptedDriver(async ({ tell }) => {
    tell({ kind: 'session', session: 'one' });
    return 'done';
  });
  const worker = await swarm.add({ drivers: [driver], shellAgents: 1 });
  const other = await swarm.add();
  await swarm.linked();
  await worker.post('/api/swarm/agents', { name: 'ann', tool: 'true', drive: 'protocol', capabilities: ['ann'] });
  const given = async (needs: string): Promise<string> => {
    const body = { title: 'true', required_capabilities: [needs], attempts_max: 1 };
    return String((await other.post('/api/swarm/tasks', body))['id']);
  };
  const opened = async (task: string, body = {}) => {
    const { status, body: answer } = await other.request('POST', `/api/swarm/tasks/${task}/open`, body);
    return [status, asJson(answer)['code']];
  };
  const scripted = await given('ann');
  await other.ended(scripted);
  expect(await opened(scripted)).toEqual([501, 'not_supported']);
  const shell = await given('shell');
  await other.ended(shell);
  expect(await opened(shell, { terminal: 'own' })).toEqual([501, 'not_supported']);
  expect(await opened(await given('nobody'))).toEqual([409, 'no_work']);
  expect(await opened(scripted, { attempt: 7 })).toEqual([409, 'no_work']);
  expect(await opened(`${'c'.repeat(32)}-7`)).toEqual([404, 'not_found']);
  expect((await other.list('/api/swarm/agents')).filter(({ opens }) => opens !== null)).toEqual([]);
});
