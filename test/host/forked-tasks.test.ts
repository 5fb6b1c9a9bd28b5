/** Tasks that begin with a copy of the conversation of another one. With the real tools: forked-tasks.real.test.ts. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ScriptedDriver } from './scripted-driver.ts';
import type { Member } from './swarm.ts';
import { asJson, TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
let worker: Member;
let other: Member;
let driver: ScriptedDriver;
beforeEach(async () => {
  swarm = new TestSwarm();
  driver = new ScriptedDriver(async ({ prompt, number, tell }) => {
    if (number === 1 && !prompt.includes('nameless')) tell({ kind: 'session', session: `of ${prompt}` });
    return 'done';
  });
  worker = await swarm.add({ drivers: [driver], shellAgents: 1 });
  other = await swarm.add();
  await swarm.linked();
});
afterEach(() => swarm.close());

const hire = async (name: string): Promise<string> =>
  String(
    (await worker.post('/api/swarm/agents', { name, tool: 'true', drive: 'protocol', capabilities: ['x'] }))['id'],
  );
const body = (title: string, o: object = {}) => ({ title, required_capabilities: ['x'], attempts_max: 1, ...o });
const given = async (title: string, o: object = {}): Promise<string> =>
  String((await other.post('/api/swarm/tasks', body(title, o)))['id']);
const refusedWith = async (o: object, at = other): Promise<unknown> => {
  const { status, body: answer } = await at.request('POST', '/api/swarm/tasks', body('refused', o));
  return [status, asJson(answer)['code']];
};

it('are worked by the agent that had it, with a copy, whoever else is free', async () => {
  const ann = await hire('ann');
  const first = await given('one');
  expect(await other.ended(first)).toMatchObject({ assigned_to: ann });
  await hire('ben');
  await hire('eve');
  for (let n = 0; n < 5; n++) {
    const task = await given(`copy ${n}`, { fork: first });
    const fork = { agent_id: ann, task_id: first, attempt: 1 };
    expect(await other.ended(task)).toMatchObject({ status: 'completed', assigned_to: ann, fork });
  }
  expect(driver.specs.map(({ resume, fork }) => [resume, fork])).toEqual([
    [null, undefined],
    ...Array.from({ length: 5 }, () => ['of one', true]),
  ]);
  // One of a copy, by its short id.
  const copy = await given('copy 6', { fork: first });
  await other.ended(copy);
  const last = await given('a copy of a copy', { fork: copy.replace(/^(.{8})[^-]*/, '$1') });
  expect(await other.ended(last)).toMatchObject({ assigned_to: ann });
  expect(driver.specs.at(-1)).toMatchObject({ resume: 'of copy 6', fork: true });
  await worker.request('DELETE', `/api/swarm/agents/${ann}`);
  expect(await refusedWith({ fork: first }, worker)).toEqual([409, 'no_work']);
});

it('are refused where it is known that there is none to copy, and fail with the reason where it turns out', async () => {
  await hire('ann');
  const script = await given('true', { required_capabilities: ['shell'] });
  await other.ended(script);
  expect(await refusedWith({ fork: script })).toEqual([501, 'not_supported']);
  expect(await refusedWith({ fork: await given('nobody', { required_capabilities: ['nobody'] }) })).toEqual([
    409,
    'no_work',
  ]);
  expect(await refusedWith({ fork: 'unknown' })).toEqual([400, 'invalid']);
  const nameless = await given('nameless');
  await other.ended(nameless);
  const task = await given('copy', { fork: nameless });
  expect(await other.ended(task)).toMatchObject({
    status: 'failed',
    reason: 'setup_failed',
    error: expect.stringContaining('named none, or its transcript was dropped'),
  });
});

it('wait for nobody else where that agent does not fit, or was withdrawn', async () => {
  const ann = await hire('ann');
  const first = await given('one');
  await other.ended(first);
  const hard = await given('hard', { fork: first, required_capabilities: ['x', 'y'] });
  await worker.post('/api/swarm/agents', { name: 'ben', tool: 'true', drive: 'protocol', capabilities: ['x', 'y'] });
  expect(await other.task(hard)).toMatchObject({
    status: 'pending',
    pending_reason: 'it copies a conversation of ann, which does not fit it',
  });
  await worker.request('DELETE', `/api/swarm/agents/${ann}`);
  const reason = async () =>
    String((await other.task(hard))['pending_reason']).includes('was withdrawn: cancel it') ? true : undefined;
  expect(await other.until(reason)).toBe(true);
});
