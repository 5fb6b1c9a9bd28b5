/** A linked peer, with the secret and a good key, that says what does not hold: a real node counts it, tells why, and goes on. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LAMPORT_JUMP_MAX } from '#core/op.ts';
import { SECRET } from '../fabric/world.ts';
import { OlderPeer } from '../older/older-peer.ts';
import type { Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

const HELLO = { type: 1, node_id: '', p2p_port: 0, http_port: 0, protocol: [1, 1], boot: '5'.repeat(32), proof: '' };
const POST = { type: 'post.created', content: 'hi', author: 'x' };
/** A signature of nothing: the right length, the wrong bytes. */
const NO_SIGNATURE = Buffer.alloc(64, 1).toString('base64');

const swarms: TestSwarm[] = [];
afterEach(async () => {
  for (const swarm of swarms.splice(0)) await swarm.close();
});

async function attacked(): Promise<{ node: Member; peer: OlderPeer; again: () => Promise<OlderPeer> }> {
  const swarm = new TestSwarm();
  swarms.push(swarm);
  mkdirSync(join(swarm.dir, 'data'), { mode: 0o700 });
  writeFileSync(join(swarm.dir, 'data', 'secret'), SECRET, { mode: 0o600 });
  const node = await swarm.add();
  const { self, p2pPort } = node.running.info;
  const again = () => OlderPeer.link({ host: '127.0.0.1', port: p2pPort, node: self }, HELLO);
  const peer = await again();
  registered(peer);
  return { node, peer, again };
}

function registered(peer: OlderPeer): void {
  const body = { type: 'node.registered', publicKey: peer.publicKey, name: 'peer', addresses: [], version: '0' };
  peer.append(64, { lamport: 1, body });
}

/** How much of that peer's log the node holds, once it read all that the peer said. */
async function held(node: Member, peer: OlderPeer): Promise<unknown> {
  await peer.settled();
  await node.post('/api/posts', { content: 'a turn of its own', author: 'test' });
  const { heads } = await node.get('/api/swarm/digest');
  return typeof heads === 'object' && heads !== null ? Object.entries(heads).find(([id]) => id === peer.node)?.[1] : 0;
}

describe('a linked peer', () => {
  it('whose stamp jumps ahead is not believed, and the clock stays', async () => {
    const { node, peer } = await attacked();
    const before = Number((await node.get('/api/swarm/digest'))['lamport']);
    peer.append(2, { lamport: before + LAMPORT_JUMP_MAX + 1_000, body: POST });
    expect(await held(node, peer)).toBe(1);
    expect(Number((await node.get('/api/swarm/digest'))['lamport'])).toBeLessThan(before + 1_000);
  });

  it('that repeats itself changes nothing', async () => {
    const { node, peer } = await attacked();
    peer.append(2, { lamport: 2, body: POST });
    for (let at = 0; at < 200; at += 1) peer.repeat();
    expect(await held(node, peer)).toBe(2);
    const posts = await node.list('/api/posts');
    expect(posts.filter(({ content }) => content === POST.content)).toHaveLength(1);
  });

  it('whose signatures do not hold is sent away with the reason, and others are not', async () => {
    const { node, peer, again } = await attacked();
    const heldBefore = await held(node, peer);
    peer.append(2, { lamport: 2, body: POST, sig: NO_SIGNATURE });
    for (let at = 0; at < 100; at += 1) peer.repeat();
    const why = await peer.hears(({ type }) => type === 8);
    expect(why).toMatchObject({ code: 'bad_frame' });
    expect(why['message']).toContain('do not hold');
    expect(heldBefore).toBe(1);
    const friend = await again();
    registered(friend);
    friend.append(2, { lamport: 3, body: POST });
    expect(await held(node, friend)).toBe(2);
    const { heads } = await node.get('/api/swarm/digest');
    expect(heads).toMatchObject({ [peer.node]: 1 });
  });

  it('that signs two histories is found out, and its log counts up to where they part', async () => {
    const { node, peer } = await attacked();
    peer.append(2, { lamport: 2, body: POST });
    await peer.settled();
    peer.forget();
    peer.append(2, { lamport: 3, body: { ...POST, content: 'another past' } });
    await peer.settled();
    const seen = await node.until(async () => {
      const nodes = await node.list('/api/swarm/nodes');
      return nodes.find(({ id, forked }) => id === peer.node && forked === true);
    });
    expect(seen).toMatchObject({ forked: true });
    expect(await held(node, peer)).toBe(1);
  });
});
