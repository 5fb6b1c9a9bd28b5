/** Agents of two real nodes that wait for messages: what wakes them, and what is told of each message at each of them. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { ownText } from '#door/mcp/server.ts';
import { ReadCursor } from '#cli/chat/cursor.ts';
import { makeIdentity } from '#cli/chat/identity.ts';
import { OutsideTools } from '#cli/chat/outside-tools.ts';
import { stateDirOf } from '#socket-path.ts';
import { AgentLine } from './agent-line.ts';
import { until } from '../door/webhook/receiver.ts';
import type { Member } from './swarm.ts';
import { freePort, TestSwarm } from './swarm.ts';

const WAIT_S = 100;
const [NEAR, FAR] = ['node-0-shell-1', 'node-1-shell-1'];

let swarm: TestSwarm;
let one: Member;
let two: Member;
let near: AgentLine;
let far: AgentLine;

const line = ({ options }: Member, name: string): Promise<AgentLine> =>
  AgentLine.open(join(stateDirOf(options.dataDir, options.p2pPort), 'agents', name, 'mcp.sock'));

beforeAll(async () => {
  swarm = new TestSwarm();
  one = await swarm.add({ shellAgents: 1, hubPort: await freePort(), hubKeys: 'any' });
  two = await swarm.add({ shellAgents: 1 });
  await swarm.linked();
  await one.until(async () => {
    const names = (await one.list('/api/swarm/agents')).map((agent) => agent['name']);
    return names.includes(FAR) ? true : undefined;
  });
  [near, far] = [await line(one, NEAR), await line(two, FAR)];
});
afterAll(async () => {
  near.close();
  far.close();
  await swarm.close();
});

it('a nudge of an operator wakes an agent that waits, at whichever node, and says so', async () => {
  far.say({ cmd: 'recv', wait_seconds: WAIT_S });
  await one.post(`/api/swarm/agents/${FAR}/nudge`, { text: 'the review waits' });
  expect(await far.next()).toMatchObject({
    reason: 'nudge',
    messages: [{ from: 'operator', kind: 'event', source: 'nudge', body: 'the review waits' }],
  });
  expect(await far.ask({ cmd: 'ack_turn' })).toMatchObject({ acknowledged: 1 });
});

it('a nudge reaches a key at the hub, which is told that it is one', async () => {
  const identity = makeIdentity(join(swarm.dir, 'ann.json'), 'ann');
  const place = { url: `ws://127.0.0.1:${one.options.hubPort}`, name: 'ann', identity, invite: undefined };
  const outside = new OutsideTools({ place, cursor: new ReadCursor(undefined), textOf: ownText });
  await outside.call('channel_join', { channels: ['#love'] });
  const heard = outside.call('message_listen', { wait_seconds: WAIT_S });
  await one.post(`/api/swarm/agents/@${identity.agentId}/nudge`, {});
  expect(await heard).toContain('"nudge":true');
  outside.close();
});

it('what an agent tells of itself is no nudge, whatever it calls its source', async () => {
  far.say({ cmd: 'recv', wait_seconds: WAIT_S });
  const own = await line(two, FAR);
  await own.ask({ cmd: 'wake', from: 'nudge', body: 'x' });
  expect(await far.next()).toMatchObject({ reason: 'message', messages: [{ source: 'nudge' }] });
  await far.ask({ cmd: 'ack_turn' });
  own.close();
});

it('a reminder that comes due wakes an agent that waits; without anything its time runs out', async () => {
  const own = await line(one, NEAR);
  near.say({ cmd: 'recv', wait_seconds: WAIT_S });
  await own.ask({ cmd: 'remind', message: 'look at the build', delay_seconds: 0.3 });
  expect(await near.next()).toMatchObject({ reason: 'reminder', messages: [{ kind: 'reminder' }] });
  await near.ask({ cmd: 'ack_turn' });
  expect(await near.ask({ cmd: 'recv', wait_seconds: 0.05 })).toMatchObject({ reason: 'timeout', messages: [] });
  own.close();
});

it('of a message in a channel it is told who has read it, who was given it, and who has not', async () => {
  const place = { url: `ws://127.0.0.1:${one.options.hubPort}`, name: 'guest', identity: undefined, invite: undefined };
  const outside = new OutsideTools({ place, cursor: new ReadCursor(undefined), textOf: ownText });
  await outside.call('channel_join', { channels: ['#help'] });
  for (const agent of [near, far]) await agent.ask({ cmd: 'join', channels: ['#help'] });
  await until(async () => (await one.list('/api/channels/people?channel=%23help')).length === 3);
  const { body } = await one.request('POST', '/api/messages', { to: '#help', body: 'who has this?' });
  const id = z.array(z.looseObject({ id: z.string() })).parse(body)[0]?.id ?? '';
  const states = async (node: Member): Promise<Record<string, unknown>> => {
    const readers = await node.list(`/api/messages/${id}/readers`);
    return Object.fromEntries(readers.map((reader) => [String(reader['name']), reader['state']]));
  };
  expect(await states(one)).toEqual({ guest: 'delivered', [NEAR]: 'open', [FAR]: 'open' });
  await near.recv({ wait_seconds: WAIT_S });
  expect(await states(one)).toMatchObject({ [NEAR]: 'delivered' });
  await near.ask({ cmd: 'ack_turn' });
  expect(await states(one)).toMatchObject({ [NEAR]: 'read' });
  await far.recv({ wait_seconds: WAIT_S });
  // Only its own node knows that it was handed out; that it was read stands in the log.
  expect([(await states(one))[FAR], (await states(two))[FAR], (await states(two))['guest']]).toEqual([
    'open',
    'delivered',
    'sent',
  ]);
  await far.ask({ cmd: 'ack_turn' });
  await until(async () => (await states(one))[FAR] === 'read');
  outside.close();
});
