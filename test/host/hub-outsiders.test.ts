/** Who comes to the hub of a real node from outside reaches channels, and of its agents those that an operator opened to it. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { Chatter, makeKey } from '../door/hub/hub-rig.ts';
import { WsClient } from '../door/ws-client.ts';
import { AgentLine } from './agent-line.ts';
import type { Member } from './swarm.ts';
import { freePort, TestSwarm } from './swarm.ts';

const AGENT = 'node-0-shell-1';

let swarm: TestSwarm;
let member: Member;
const chatters: Chatter[] = [];

beforeEach(async () => {
  swarm = new TestSwarm();
  member = await swarm.add({ shellAgents: 1, hubPort: await freePort(), hubKeys: 'any', messagesPerMinute: 4 });
});

afterEach(async () => {
  for (const { client } of chatters.splice(0)) client.socket.terminate();
  await swarm.close();
});

it('an agent is closed to them until it is opened, and their pace is bounded across connections', async () => {
  const key = makeKey();
  const come = async (): Promise<Chatter> => {
    const chatter = new Chatter(await WsClient.connect(`ws://127.0.0.1:${member.options.hubPort}`));
    chatters.push(chatter);
    expect(await chatter.login(key, { nowMs: Date.now() })).toMatchObject({ type: 'WELCOME' });
    return chatter;
  };
  const [agent] = await member.list('/api/swarm/agents');
  const id = String(agent?.['id']);
  const message = { type: 'MSG', to: `@${id}`, content: 'hello' };
  expect(await (await come()).ask(message, 'ERROR')).toMatchObject({ code: 'NOT_ALLOWED' });
  const admitted = await member.post(`/api/swarm/agents/${AGENT}/outsiders`, { allow: [key.id] });
  expect(admitted).toEqual({ id, allow: [key.id] });

  for (let n = 0; n < 2; n += 1) expect(await (await come()).ask(message, 'MSG')).toMatchObject({ to: `@${id}` });
  expect(await (await come()).ask(message, 'ERROR')).toMatchObject({ code: 'RATE_LIMITED' });

  const { dataDir, p2pPort } = member.options;
  const line = await AgentLine.open(join(stateDirOf(dataDir, p2pPort), 'agents', AGENT, 'mcp.sock'));
  const handed = await line.recv({ max: 32 });
  line.close();
  expect(handed).toMatchObject([
    { from: key.id, body: 'hello' },
    { from: key.id, body: 'hello' },
  ]);
});
