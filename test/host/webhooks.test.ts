/** A channel of two real nodes with a webhook each way: one node tells, once, also what was said while it was away. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { startNode } from '#host.ts';
import { signatureOf } from '#door/webhook/signature.ts';
import type { Receiver } from '../door/webhook/receiver.ts';
import { receive, until } from '../door/webhook/receiver.ts';
import type { Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
let one: Member;
let two: Member;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await receive();
  swarm = new TestSwarm();
  one = await swarm.add();
  two = await swarm.add();
  await swarm.linked();
});
afterAll(async () => {
  await swarm.close();
  await receiver.close();
});

const say = async (node: Member, body: string): Promise<void> =>
  expect((await node.request('POST', '/api/messages', { to: '#help', body })).status).toBe(201);
const texts = (): unknown[] => receiver.told.map(({ json }) => json['text']);

it('what is said at either node is told by the one that has the webhook, in order, over a restart of it', async () => {
  const wanted = { name: 'out', channel: '#help', direction: 'out', url: receiver.url, allow_private: true };
  const path = '/api/webhooks';
  await one.post(path, wanted);
  await say(two, 'first');
  await until(() => receiver.told.length === 1);
  await one.running.close();
  await say(two, 'while it was away');
  one.running = await startNode(one.options);
  await until(() => receiver.told.length >= 2);
  await say(one, 'third');
  await until(() => texts().includes('third'));
  expect(texts()).toEqual(['first', 'while it was away', 'third']);
  await until(async () => (await one.list(path))[0]?.['waiting'] === 0);
  expect(await one.list(path)).toMatchObject([{ name: 'out', state: 'active', trouble: null }]);
  expect(await two.list(path)).toEqual([]);
});

it('what is posted, signed, is said at both nodes', async () => {
  const made = await one.post('/api/webhooks', { name: 'ci', channel: '#help', direction: 'in' });
  const { secret, post_path: path } = z.object({ secret: z.string(), post_path: z.string() }).parse(made);
  const [body, timestamp] = [JSON.stringify({ text: 'main is green' }), String(Math.floor(Date.now() / 1_000))];
  const headers = {
    'content-type': 'application/json',
    'skep-timestamp': timestamp,
    'skep-signature': signatureOf({ secret, timestamp, body }),
  };
  const answer = await fetch(`${one.running.httpUrl}${path}`, { method: 'POST', body, headers });
  expect(answer.status).toBe(201);
  const there = await two.until(async () => {
    const posted = (await two.list('/api/messages?to=%23help')).filter(({ from }) => from === '@hook-ci');
    return posted.length === 0 ? undefined : posted;
  });
  expect(there).toMatchObject([{ from: '@hook-ci', body: 'main is green' }]);
});
