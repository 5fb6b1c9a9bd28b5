/** How fast a connection to the hub of a node may speak is said where the node is started. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Chatter } from '../door/hub/hub-rig.ts';
import { WsClient } from '../door/ws-client.ts';
import { freePort, TestSwarm } from './swarm.ts';

/** More at once than a connection may send without an option, and than wait for one another. */
const AT_ONCE = 100;

/** Not all of them come a second apart, however slow the machine. */
const FEW = 10;

let swarm: TestSwarm;
let chatter: Chatter | undefined;

beforeEach(() => {
  swarm = new TestSwarm();
});

afterEach(async () => {
  chatter?.client.socket.terminate();
  await swarm.close();
});

async function come(o: { hubPace?: number }): Promise<Chatter> {
  const hubPort = await freePort();
  await swarm.add({ hubPort, hubKeys: 'any', messagesPerMinute: 1_000_000, ...o });
  chatter = new Chatter(await WsClient.connect(`ws://127.0.0.1:${hubPort}`));
  await chatter.ask({ type: 'IDENTIFY', name: 'ann' }, 'WELCOME');
  await chatter.ask({ type: 'JOIN', channel: '#general' }, 'JOINED');
  return chatter;
}

it('any pace: whatever is asked at once is answered, and what is said at once comes back in order', async () => {
  const ann = await come({ hubPace: 0 });
  for (let n = 0; n < AT_ONCE; n += 1) ann.say({ type: 'PING' });
  for (let n = 0; n < AT_ONCE; n += 1) expect(await ann.next()).toEqual({ type: 'PONG' });
  for (let n = 0; n < AT_ONCE / 2; n += 1) ann.say({ type: 'MSG', to: '#general', content: `${n}` });
  for (let n = 0; n < AT_ONCE / 2; n += 1)
    expect(await ann.next()).toMatchObject({ type: 'MSG', from_name: 'ann', content: `${n}` });
});

it('one message a second, where nothing else is said', async () => {
  const ann = await come({});
  for (let n = 0; n < FEW; n += 1) ann.say({ type: 'MSG', to: '#general', content: `${n}` });
  expect(await ann.next()).toMatchObject({ type: 'MSG', content: '0' });
  expect(await ann.hear('ERROR')).toMatchObject({ code: 'RATE_LIMITED' });
});
