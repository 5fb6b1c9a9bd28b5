import { afterEach, beforeEach, expect, it } from 'vitest';
import { ScriptedDriver } from './scripted-driver.ts';
import type { Json, Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
let home: Member;
let worker: Member;
let driver: ScriptedDriver;
let agent: string;
/** Lets the turn under way end by itself. */
let finish: () => void;
/** Resolves when the agent has begun its turn of that number. */
let begun: (number: number) => Promise<void>;

beforeEach(async () => {
  swarm = new TestSwarm();
  const turns = [1, 2, 3].map(() => Promise.withResolvers<void>());
  begun = async (number) => turns[number - 1]?.promise;
  driver = new ScriptedDriver(({ number }) => {
    turns[number - 1]?.resolve();
    const turn = Promise.withResolvers<string>();
    finish = () => turn.resolve(`the words of turn ${number}`);
    return turn.promise;
  });
  home = await swarm.add({ name: 'hive' });
  worker = await swarm.add({ name: 'meadow', drivers: [driver] });
  await swarm.linked();
  const body = { name: 'ann', tool: 'true', drive: 'protocol', capabilities: ['words'] };
  agent = String((await worker.post('/api/swarm/agents', body))['id']);
}, 60_000);
afterEach(() => swarm.close(), 60_000);

const control = (verb: string, body?: Json) => home.request('POST', `/api/swarm/agents/${agent}/${verb}`, body);
const statusOf = async (): Promise<unknown> =>
  (await home.list('/api/swarm/agents')).find(({ id }) => id === agent)?.['status'];
it('interrupts an agent of another node, which waits and does what it is told instead', async () => {
  const given = { title: 'Say it', description: 'Say it.', required_capabilities: ['words'] };
  const task = await home.post('/api/swarm/tasks', given);
  await begun(1);
  expect(await control('steer', { text: 'in one line' })).toMatchObject({ status: 200, body: { status: 'steered' } });
  expect(driver.steered).toEqual(['in one line']);
  expect(await control('interrupt')).toMatchObject({ status: 200, body: { status: 'interrupted', agent_id: agent } });
  await home.until(async () => ((await statusOf()) === 'waiting' ? true : undefined));
  const explained = await home.get(`/api/swarm/agents/${agent}/explain`);
  expect(explained).toMatchObject({ state: 'waiting', rule: expect.stringContaining('a person stopped its turn') });
  expect(Date.parse(String(explained['since']))).toBeGreaterThan(0);
  await control('steer', { text: 'Say it backwards.' });
  await begun(2);
  expect(driver.prompts[1]).toBe('Say it backwards.');
  finish();
  // Without a word on its task it is reminded once.
  await begun(3);
  finish();
  const ended = await home.ended(String(task['id']));
  expect(ended).toMatchObject({ status: 'completed', attempt: 1 });
  expect(String(ended['result'])).toContain('the words of turn 3');
}, 120_000);

it('says what cannot be done to an agent that is at nothing', async () => {
  await home.until(async () => ((await statusOf()) === 'idle' ? true : undefined));
  expect(await control('interrupt')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const steered = await control('steer', { text: 'hello' });
  expect(steered).toMatchObject({ status: 409, body: { error: expect.stringContaining('no task') } });
  expect(await control('restart')).toMatchObject({ status: 501, body: { code: 'not_supported' } });
}, 120_000);
