/**
 * Today's node and a peer of version 0.1.0. `0.1.0/session.jsonl` is what a real node of that version sent to a peer, frame by frame, while it ran two
 * tasks; `0.1.0/frame.ts` and `body.ts` are how it reads what it is sent. Neither is ever changed: a newer version is added beside it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SECRET } from '../fabric/world.ts';
import type { Json, Member } from '../host/swarm.ts';
import { asJson, TestSwarm } from '../host/swarm.ts';
import { bodySchema } from './0.1.0/body.ts';
import { frameSchemas } from './0.1.0/frame.ts';
import { OlderPeer } from './older-peer.ts';

const session = new URL('0.1.0/session.jsonl', import.meta.url);
const recorded: Json[] = readFileSync(session, 'utf8')
  .trim()
  .split('\n')
  .map((line) => asJson(JSON.parse(line)));
const [hello = {}, ...frames] = recorded;
/** The node that was recorded: its ops are its own, whoever brings them. */
const OLDER = String(hello['node_id']);
const GOODBYE = 8;
const PONG = 7;

const swarms: TestSwarm[] = [];
afterEach(async () => {
  for (const swarm of swarms.splice(0)) await swarm.close();
});

async function linkedPeer(): Promise<{ node: Member; peer: OlderPeer; log: readonly string[] }> {
  const swarm = new TestSwarm();
  swarms.push(swarm);
  mkdirSync(join(swarm.dir, 'data'), { mode: 0o700 });
  writeFileSync(join(swarm.dir, 'data', 'secret'), SECRET, { mode: 0o600 });
  const node = await swarm.add();
  const { self, p2pPort } = node.running.info;
  return { node, peer: await OlderPeer.link({ host: '127.0.0.1', port: p2pPort, node: self }, hello), log: swarm.log };
}

/** What was said of the recorded node itself is said of the peer that stands for it. */
const saidBy = (peer: OlderPeer, frame: Json): Json => ('node_id' in frame ? { ...frame, node_id: peer.node } : frame);

/** Frames that a node of that version would take for garbage, and end the link: those of a type that it knows, in another shape. */
const unreadable = (heard: readonly Json[]): unknown[] =>
  heard.flatMap((frame) => {
    const parsed = frameSchemas.get(Number(frame['type']))?.safeParse(frame);
    return parsed === undefined || parsed.success ? [] : [{ frame, problem: parsed.error.issues[0] }];
  });

const typesOf = new Set(bodySchema.options.map((option) => option.shape.type.value));

/** Ops of a type that it knows, with a body that it would pass over. */
const misread = (heard: readonly Json[]): unknown[] =>
  heard
    .flatMap(({ op, ops }) => (Array.isArray(op) ? [op] : Array.isArray(ops) ? ops : []))
    .map((texts: unknown[]): Json => asJson(JSON.parse(String(texts[1]))))
    .filter((body) => [...typesOf].some((type) => type === body['type']) && !bodySchema.safeParse(body).success);

function expectUnderstood({ heard }: OlderPeer): void {
  expect(heard.length).toBeGreaterThan(3);
  expect(unreadable(heard)).toEqual([]);
  expect(misread(heard)).toEqual([]);
}

describe('a peer of version 0.1.0', () => {
  it('links, and what it holds arrives: ops, a task that ran there, and one that failed', async () => {
    const { node, peer, log } = await linkedPeer();
    for (const frame of frames) {
      if (frame['type'] !== GOODBYE && frame['type'] !== PONG) peer.say(saidBy(peer, frame));
    }
    const done = await node.ended(`${OLDER}-3`);
    expect(done).toMatchObject({ status: 'completed', attempt: 1, result: 'hello\ndone', assigned_node: OLDER });
    expect(await node.ended(`${OLDER}-8`)).toMatchObject({ status: 'failed', attempt: 3, reason: 'script_failed' });
    await peer.settled();
    const { heads } = await node.get('/api/swarm/digest');
    expect(heads).toMatchObject({ [OLDER]: 20 });
    expect(log.filter((line) => line.includes('refused') || line.includes('ended:'))).toEqual([]);
    expectUnderstood(peer);
  });

  it('is given everything that it says it lacks', async () => {
    const { node, peer } = await linkedPeer();
    const { self } = node.running.info;
    peer.say({ type: 48, digest: '0'.repeat(32), heads: {}, whole: true });
    const first = await peer.hears((frame) => JSON.stringify(frame).includes('node.registered'));
    expect(JSON.stringify(first)).toContain(self);
    await peer.settled();
    expectUnderstood(peer);
  });

  it('does a task of today’s node: claims it, is granted it, starts it, and proposes its end', async () => {
    const { node, peer, log } = await linkedPeer();
    const { self } = node.running.info;
    const address = { publicKey: peer.publicKey, name: 'older', addresses: [], version: '0.1.0' };
    peer.append(64, { lamport: 1, body: { type: 'node.registered', ...address } });
    const tool = { name: 'older-shell-1', tool: 'shell', capabilities: ['shell'], projectPath: null };
    const registered = { type: 'agent.registered', ...tool, tmuxSessionId: null, maxConcurrentTasks: 1 };
    const agent = peer.append(32, { lamport: 2, body: registered });
    const idle = { agent_id: agent, status: 'idle', current_task_id: null, attempt: null };
    peer.say({ type: 33, node_id: peer.node, beat: 1, lamport_ts: 2, links: [self], agents: [idle] });
    await peer.settled();

    const wish = { title: 'for the older one', description: 'echo hi', required_capabilities: ['shell'] };
    const { id } = await node.post('/api/swarm/tasks', wish);
    const task = String(id);
    await peer.hears(({ type, op }) => type === 16 && JSON.stringify(op).includes(task));
    const claim = peer.append(17, { lamport: 20, entity: task, body: { type: 'task.claimed', slot: 1, agent } });
    const granted = { kind: 'granted', attempt: 1, claim, node: peer.node, agent };
    await peer.hears(({ type, op }) => type === 64 && JSON.stringify(op).includes(claim));
    peer.append(64, { lamport: 30, entity: task, body: { type: 'task.started', slot: 1 } });
    const value = { kind: 'completed', reason: null, result: 'hi', error: null, work: null, by: null, attempt: 1 };
    const ballot = { round: 0, node: peer.node };
    const call = { type: 80, id: 'older.1', from: peer.node, to: self, method: 'slot.accept', lamport: 31 };
    peer.say({ ...call, deadline_ms: 1000, params: { task, slot: 2, ballot, carry: granted, value } });
    const reply = await peer.hears(({ type, id: to }) => type === 81 && to === 'older.1');
    expect(reply).toMatchObject({ result: { vote: 'accepted' } });
    peer.append(19, { lamport: 32, entity: task, body: { type: 'task.ended', slot: 2, value } });
    expect(await node.ended(task)).toMatchObject({ status: 'completed', result: 'hi', assigned_node: peer.node });
    expect(log.filter((line) => line.includes('refused'))).toEqual([]);
    expectUnderstood(peer);
  });
});
