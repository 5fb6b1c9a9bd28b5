/** Files between clients of two hubs of one mesh, people, and an agent of the swarm: the bytes follow the offer, whoever is away. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { hearFile, hearWord, offerOf, sayChunk, sayWord, sha256 } from '../door/hub/file-talk.ts';
import { Chatter, makeKey } from '../door/hub/hub-rig.ts';
import type { Key } from '../door/hub/hub-rig.ts';
import { WsClient } from '../door/ws-client.ts';
import { AgentLine } from './agent-line.ts';
import type { Member } from './swarm.ts';
import { freePort, TestSwarm } from './swarm.ts';

const AGENT = 'node-0-shell-1';
const TEXT = 'let x = "ä";\n'.repeat(30_000);

let swarm: TestSwarm;
let one: Member;
let two: Member;
const chatters: Chatter[] = [];
beforeEach(async () => {
  swarm = new TestSwarm();
  one = await swarm.add({ shellAgents: 1, hubPort: await freePort(), hubKeys: 'any' });
  two = await swarm.add({ hubPort: await freePort(), hubKeys: 'any' });
  await swarm.linked();
});
afterEach(async () => {
  for (const { client } of chatters.splice(0)) client.socket.terminate();
  await swarm.close();
});

async function come(member: Member, key: Key, name: string): Promise<Chatter> {
  const chatter = new Chatter(await WsClient.connect(`ws://127.0.0.1:${member.options.hubPort}`));
  chatters.push(chatter);
  expect(await chatter.login(key, { name, nowMs: Date.now() })).toMatchObject({ type: 'WELCOME' });
  return chatter;
}

type Bringing = { from: Chatter; at: Member; to: string; tid: string };

/** Offers it until what the other node knows has come, and this is the answer. */
const offered = ({ from, at, to, tid }: Bringing, wanted: object): Promise<unknown> =>
  at.until(async () => {
    sayWord(from, to, offerOf(tid, TEXT, 'lexer.ts'));
    const heard = await hearWord(from, 'have');
    return Object.entries(wanted).every(([name, value]) => heard[name] === value) ? true : undefined;
  });

async function bring(o: Bringing): Promise<void> {
  const { from, to, tid } = o;
  await offered(o, { _ft: 'have', offset: 0 });
  expect(await hearWord(from, 'accept')).toEqual({ _ft: 'accept', tid });
  const half = TEXT.slice(0, TEXT.length / 2);
  sayChunk(from, to, { tid, idx: 0, data: half });
  sayChunk(from, to, { tid, idx: 1, data: TEXT.slice(half.length) });
  sayWord(from, to, { _ft: 'complete', tid, sha256: sha256(TEXT) });
  expect(await hearWord(from, 'have')).toMatchObject({ offset: Buffer.byteLength(TEXT), id: expect.any(String) });
}

it('a reader at another hub is offered what is there, takes it over a restart, and its sender hears of it', async () => {
  const [annKey, bobKey] = [makeKey(), makeKey()];
  const [ann, bob] = [await come(one, annKey, 'ann'), await come(two, bobKey, 'bob')];
  await bring({ from: ann, at: one, to: bobKey.id, tid: 't1' });
  expect(await hearWord(bob, 'offer')).toMatchObject({ tid: 't1', sha256: sha256(TEXT), senderNick: 'ann' });
  bob.client.socket.terminate();
  await two.restart();
  await swarm.linked();
  const again = await come(two, bobKey, 'bob');
  expect(await hearWord(again, 'offer')).toMatchObject({ tid: 't1' });
  sayWord(again, annKey.id, { _ft: 'accept', tid: 't1' });
  expect((await hearFile(again)).toString()).toBe(TEXT);
  sayWord(again, annKey.id, { _ft: 'ack', tid: 't1', ok: true });
  expect(await hearWord(ann, 'ack')).toEqual({ _ft: 'ack', tid: 't1', ok: true });
  const [file] = await one.list('/api/files');
  expect(file).toMatchObject({ name: 'lexer.ts', state: 'taken', to: bobKey.id });
});

it('an agent of the swarm that lets its sender in is told of a file, and what people offer comes to a client', async () => {
  const key = makeKey();
  const ann = await come(two, key, 'ann');
  const [agent] = await one.list('/api/swarm/agents');
  const id = String(agent?.['id']);
  const bringing = { from: ann, at: two, to: `@${id}`, tid: 't1' };
  await offered(bringing, { type: 'ERROR', code: 'NOT_ALLOWED' });
  await one.post(`/api/swarm/agents/${AGENT}/outsiders`, { allow: [key.id] });
  await bring(bringing);
  const { dataDir, p2pPort } = one.options;
  const line = await AgentLine.open(join(stateDirOf(dataDir, p2pPort), 'agents', AGENT, 'mcp.sock'));
  const handed = await line.ask({ cmd: 'recv', wait_seconds: 60, max: 8 });
  line.close();
  expect(handed).toMatchObject({ messages: [{ from: key.id, body: expect.stringMatching(/^\[FILE\] lexer.ts, /) }] });
  // What is known at the hub is not sent again, to whomever it goes.
  const request = { to: key.id, name: 'again.ts', sha256: sha256(TEXT) };
  const offer = await two.post('/api/files', request);
  expect(await hearWord(ann, 'offer')).toMatchObject({ tid: offer['id'], files: [{ path: 'again.ts' }] });
  sayWord(ann, '@operator', { _ft: 'accept', tid: offer['id'] });
  expect((await hearFile(ann)).toString()).toBe(TEXT);
});
