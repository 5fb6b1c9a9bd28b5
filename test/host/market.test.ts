/** The market on real nodes: deals across a mesh, and what is left of them after every node was started again. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Chatter, makeKey, signed } from '../door/hub/hub-rig.ts';
import type { Key } from '../door/hub/hub-rig.ts';
import { WsClient } from '../door/ws-client.ts';
import type { Json, Member } from './swarm.ts';
import { freePort, TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
const chatters: Chatter[] = [];
beforeEach(() => (swarm = new TestSwarm()));
afterEach(async () => {
  for (const { client } of chatters.splice(0)) client.socket.terminate();
  await swarm.close();
});

const hub = async () => ({ hubPort: await freePort(), hubKeys: 'any', dealMinAgeMs: 0 }) as const;

async function come(member: Member, key: Key, name: string): Promise<Chatter> {
  const chatter = new Chatter(await WsClient.connect(`ws://127.0.0.1:${member.options.hubPort}`));
  chatters.push(chatter);
  expect(await chatter.login(key, { name, nowMs: Date.now() })).toMatchObject({ type: 'WELCOME' });
  return chatter;
}

const ratingsAt = (member: Member): Promise<Json[]> => member.list('/api/market/ratings');
const receiptsAt = (member: Member): Promise<Json[]> => member.list('/api/market/receipts');

it('a deal between two hubs of a mesh is decided where it was made, and outlives both', async () => {
  const [one, two] = [await swarm.add(await hub()), await swarm.add(await hub())];
  await swarm.linked();
  const [annKey, bobKey] = [makeKey(), makeKey()];
  const ann = await come(one, annKey, 'ann');
  const bob = await come(two, bobKey, 'bob');
  const sig = signed(annKey, `${bobKey.id}|Write the lexer|||||`);
  const proposal = { type: 'PROPOSAL', to: bobKey.id, task: 'Write the lexer', capability: 'rust', sig };
  // Refused until the key that is at the other hub is known at this one.
  await one.until(async () => {
    ann.say(proposal);
    const { type } = await ann.client.next();
    return type === 'PROPOSAL' ? true : undefined;
  });
  const { id } = await bob.hear('PROPOSAL');
  const about = { proposal_id: id };
  bob.say({ type: 'ACCEPT', ...about, sig: signed(bobKey, `ACCEPT|${String(id)}||`) });
  expect(await ann.hear('ACCEPT')).toMatchObject({ ...about, status: 'accepted' });
  expect(await bob.hear('ACCEPT')).toMatchObject({ ...about, status: 'accepted' });
  ann.say({ type: 'COMPLETE', ...about, sig: signed(annKey, `COMPLETE|${String(id)}|`) });
  expect(await bob.hear('COMPLETE')).toMatchObject({ ...about, status: 'completed' });

  const before = await ratingsAt(one);
  expect(before.map(({ rating }) => rating)).toEqual([1_208, 1_208]);
  expect(await ratingsAt(two)).toEqual(before);
  await one.running.close();
  const again = { type: 'COMPLETE', ...about, sig: signed(bobKey, `COMPLETE|${String(id)}|`) };
  expect(await bob.ask(again, 'ERROR')).toMatchObject({ code: 'INVALID_PROPOSAL' });
  await one.restart();
  await two.restart();
  for (const member of [one, two]) {
    expect(await ratingsAt(member)).toEqual(before);
    expect(await receiptsAt(member)).toMatchObject([{ id, state: 'completed', capability: 'rust' }]);
    const told = await member.list(`/api/market/proposals/${String(id)}/timeline`);
    expect(told.map(({ summary }) => summary)).toEqual([
      'proposed by ann',
      'accepted by bob',
      'completed: ann says so, who pays',
    ]);
  }
});

it('a task on the market is won by the claim of an agent, and its merge is noted', async () => {
  const node = await swarm.add({ shellAgents: 1 });
  const origin = swarm.repository('demo');
  const { id: project } = await node.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
  await node.post('/api/swarm/agents/node-0-shell-1/pause', {});
  const { id: task } = await node.post('/api/swarm/tasks', {
    title: 'Greet',
    description: 'echo hello > hello.txt',
    required_capabilities: ['shell'],
    project,
  });
  const offer = await node.post('/api/market/proposals', { task_id: task, task: 'Greet', amount: 9 });
  expect(offer).toMatchObject({ state: 'pending', worker: null, offers: task });
  await node.post('/api/swarm/agents/node-0-shell-1/resume', {});
  await node.ended(String(task));
  const [receipt] = await node.until(async () => {
    const found = await receiptsAt(node);
    return found.length > 0 ? found : undefined;
  });
  expect(receipt).toMatchObject({ id: offer['id'], worker: { name: 'node-0-shell-1' }, evidence: { kind: 'task' } });
  expect((await ratingsAt(node)).map(({ name, rating }) => [name, rating])).toContainEqual(['node-0-shell-1', 1_216]);
  expect(await node.post(`/api/swarm/tasks/${String(task)}/merge`, {})).toMatchObject({ state: 'merged' });
  expect(await node.story(String(task))).toContain('work.merged');
});
