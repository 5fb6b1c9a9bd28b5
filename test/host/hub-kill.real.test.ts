// Needs: a node as a process of its own
/**
 * A client that knows AgentChat's protocol table and nothing of skep, at `skep` with an open hub; and that hub killed with SIGKILL in the middle of a burst: what it
 * acknowledged is heard once by a listener that goes on after its cursor, and nothing twice.
 */
import { sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { ReadCursor } from '#cli/chat/cursor.ts';
import { Listener } from '#cli/chat/listener.ts';
import { AgentChatClient } from './agentchat-client.ts';
import { NodeProcess } from './process.ts';
import { freePort } from './swarm.ts';

const WITHIN_MS = 300_000;
/** The hub lets one client say one a second: these say their first at once. */
const SPEAKERS = 12;

const listSchema = z.array(z.looseObject({ id: z.string(), task: z.string() }));

let dir: string;
let node: NodeProcess;
let url: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sk-hubkill-'));
  const [httpPort, p2pPort, hubPort] = [await freePort(), await freePort(), await freePort()];
  url = `ws://127.0.0.1:${hubPort}`;
  const rest = { name: 'hub', dataDir: join(dir, 'data'), seeds: '', shellAgents: 0 };
  node = new NodeProcess({ ...rest, httpPort, p2pPort, hubPort });
  await node.start();
}, WITHIN_MS);

afterAll(async () => {
  await node.stop();
  rmSync(dir, { recursive: true, force: true });
});

it(
  'a client written from the table alone logs in, meets another, and finds every field',
  async () => {
    const [ann, bob] = [new AgentChatClient(), new AgentChatClient()];
    expect(await ann.login(url, 'ann')).toMatchObject({ agent_id: ann.id, name: 'ann', server: 'hub', verified: true });
    await bob.login(url, 'bob');
    expect(await ann.join('#engineering')).toMatchObject({ agents: [{ id: ann.id, name: 'ann', verified: true }] });
    await bob.join('#engineering');
    const came = await ann.next(({ type }) => type === 'AGENT_JOINED');
    expect(came).toMatchObject({ channel: '#engineering', agent: bob.id, name: 'bob', verified: true });
    ann.say({ type: 'MSG', to: '#engineering', content: 'hello' });
    for (const one of [ann, bob])
      expect(await one.next(({ type }) => type === 'MSG')).toMatchObject({
        from: ann.id,
        from_name: 'ann',
        to: '#engineering',
        content: 'hello',
        verified: true,
      });
    bob.say({ type: 'SET_PRESENCE', status: 'away', status_text: 'lunch' });
    const changed = await ann.next(({ type }) => type === 'PRESENCE_CHANGED');
    expect(changed).toMatchObject({ agent_id: bob.id, presence: 'away', status_text: 'lunch' });
    ann.say({ type: 'LIST_CHANNELS' });
    expect(await ann.next(({ type }) => type === 'CHANNELS')).toMatchObject({
      list: expect.arrayContaining([{ name: '#engineering', agents: 2, verifiedOnly: false }]),
    });
    const again = new AgentChatClient();
    expect(await again.login(url, 'eve')).toMatchObject({ name: 'eve' });
    for (const one of [ann, bob, again]) one.close();
  },
  WITHIN_MS,
);

it(
  'what was acknowledged before a kill is heard once after it',
  async () => {
    const got: string[] = [];
    const place = { url, name: 'reader', identity: undefined, invite: undefined };
    const heard = new Set<() => void>();
    const listener = new Listener({
      place,
      channels: ['#help'],
      cursor: new ReadCursor(join(dir, 'cursor.json')),
      onMessage: (message) => {
        got.push(String(message['content']));
        for (const check of heard) check();
      },
    });
    await listener.connect();
    const running = listener.run();
    const speakers = Array.from({ length: SPEAKERS }, () => new AgentChatClient());
    for (const [at, one] of speakers.entries()) {
      await one.login(url, `speaker${at}`);
      await one.join('#help');
    }
    const acknowledged: string[] = [];
    for (const [at, one] of speakers.entries()) one.say({ type: 'MSG', to: '#help', content: `burst ${at}` });
    const own = speakers.map(async (one) => {
      const message = await one.next((frame) => frame.type === 'MSG' && frame['from'] === one.id);
      acknowledged.push(String(message['content']));
    });
    // As soon as one is acknowledged; the others are anywhere on their way.
    await Promise.race(own);
    await node.kill();
    await Promise.allSettled(own);
    expect(acknowledged.length).toBeGreaterThan(0);
    await node.start();
    const last = new AgentChatClient();
    await last.login(url, 'last');
    await last.join('#help');
    last.say({ type: 'MSG', to: '#help', content: 'the end' });
    await new Promise<void>((resolve) => {
      const check = (): void => (got.includes('the end') ? resolve() : undefined);
      heard.add(check);
      check();
    });
    listener.close();
    await running;
    for (const one of [...speakers, last]) one.close();
    const burst = got.filter((content) => content.startsWith('burst'));
    expect(new Set(burst).size).toBe(burst.length);
    expect(burst).toEqual(expect.arrayContaining(acknowledged));
    expect(node.troubles).toEqual([]);
  },
  WITHIN_MS,
);

it(
  'a burst of proposals: what was acknowledged before a kill is there once, and shown to its reader again',
  async () => {
    const bob = new AgentChatClient();
    await bob.login(url, 'bob2');
    const payers = Array.from({ length: SPEAKERS }, () => new AgentChatClient());
    for (const [at, one] of payers.entries()) await one.login(url, `payer${at}`);
    for (const [at, one] of payers.entries()) {
      const signature = sign(null, Buffer.from(`${bob.id}|work ${at}|||||`), one.keys.privateKey);
      one.say({ type: 'PROPOSAL', to: bob.id, task: `work ${at}`, sig: signature.toString('base64') });
    }
    const acknowledged: unknown[] = [];
    const own = payers.map(async (one) => {
      acknowledged.push((await one.next(({ type }) => type === 'PROPOSAL'))['id']);
    });
    await Promise.race(own);
    await node.kill();
    await Promise.allSettled(own);
    expect(acknowledged.length).toBeGreaterThan(0);
    await node.start();
    const found = listSchema.parse(await node.get('/api/market/proposals?limit=1000'));
    const tasks = found.map(({ task }) => task);
    expect(new Set(tasks).size).toBe(tasks.length);
    expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged));
    // The same key, in a new connection: all that waits for it, each once.
    bob.heard.length = 0;
    await bob.login(url, 'bob2');
    bob.say({ type: 'PING' });
    await bob.next(({ type }) => type === 'PONG');
    const shown = bob.heard.flatMap(({ type, id }) => (type === 'PROPOSAL' ? [id] : []));
    expect([shown.length, new Set(shown)]).toEqual([found.length, new Set(found.map(({ id }) => id))]);
    for (const one of [...payers, bob]) one.close();
    expect(node.troubles).toEqual([]);
  },
  WITHIN_MS,
);
