/** Those who break the rules of a hub: floods, readers that do not read, names of others, ten thousand channels. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Escalation } from '#door/hub/escalation.ts';
import { Floor } from '#door/hub/floor.ts';
import { textFrame } from '#door/hub/outgoing.ts';
import { userPrincipal } from '#core/brand.ts';
import type { Chatter } from './hub-rig.ts';
import { HubRig, makeKey, TOKEN } from './hub-rig.ts';

describe('whoever breaks a limit again and again', () => {
  it('is warned, paused, and shown the door; and what it did is forgiven', () => {
    const limits = new Escalation();
    const levels = (count: number, fromMs: number): string[] =>
      Array.from({ length: count }, (_, at) => limits.breach('@ann', fromMs + at).level);
    expect(levels(10, 0)).toEqual('none none warn warn warn throttle throttle throttle throttle timeout'.split(' '));
    expect(limits.pauseMs('@ann', 10)).toBe(59_999);
    expect(limits.pauseMs('@ann', 60_009)).toBe(0);
    expect(limits.pauseMs('@bob', 10)).toBe(0);
    expect(levels(30, 100_000).filter((level) => level === 'timeout' || level === 'kick')).toEqual([
      'timeout',
      'timeout',
      'kick',
    ]);
    const later = 100_100 + 2 * 300_000;
    expect(levels(10, later).at(-1)).toBe('timeout');
    expect(levels(10, later + 3_600_001).at(-1)).toBe('timeout');
  });

  it('makes a pause no shorter by what it says in it', () => {
    const limits = new Escalation();
    const step = (count: number): unknown => Array.from({ length: count }, () => limits.breach('@ann', 0)).at(-1);
    expect(step(10)).toEqual({ level: 'timeout', pauseMs: 60_000 });
    expect(step(6)).toEqual({ level: 'throttle', pauseMs: 60_000 });
    expect(limits.pauseMs('@ann', 0)).toBe(60_000);
  });

  it('at a hub hears so, and is gone in the end', async () => {
    const rig = await HubRig.start({ messageMs: 1_000, framesPerS: 1_000 });
    const ann = await rig.guest('ann', '#general');
    const said: string[] = [];
    for (let at = 0; at < 42; at += 1) ann.say({ type: 'MSG', to: '#general', content: `${at}` });
    for (let frame = await ann.next(); frame['type'] !== 'KICKED'; frame = await ann.next())
      said.push(JSON.stringify(frame));
    expect(said[0]).toContain('"MSG"');
    expect(said.some((line) => line.includes('go on so, and you are paused'))).toBe(true);
    expect(said.some((line) => line.includes('you are paused for 5 s'))).toBe(true);
    expect(said.some((line) => line.includes('you are paused for 60 s'))).toBe(true);
    expect(await ann.client.closed).toMatchObject({ code: 1008 });
    await rig.close();
  });
});

describe('claims', () => {
  const claim = (holder: string, startedMs: number) => ({
    msgId: 'm',
    channel: '#c',
    holder,
    holderName: holder,
    startedMs,
  });

  it('go to the earliest, of two at once to the lower id, whatever the order in which they come', () => {
    for (const [first, second] of [
      [claim('@b', 1), claim('@a', 2)],
      [claim('@b', 1), claim('@c', 1)],
    ] as const) {
      const inOrder = new Floor();
      inOrder.claim(first, 10);
      expect(inOrder.claim(second, 10)).toEqual({ held: first, lost: second });
      const turned = new Floor();
      turned.claim(second, 10);
      expect(turned.claim(first, 10)).toEqual({ held: first, lost: second });
    }
  });

  it('end after 45 seconds, and when their holder has spoken', () => {
    const floor = new Floor();
    floor.claim(claim('@a', 0), 0);
    expect(floor.claim(claim('@b', 44_999), 44_999).held.holder).toBe('@a');
    expect(floor.claim(claim('@b', 45_000), 45_000)).toEqual({ held: claim('@b', 45_000), lost: undefined });
    floor.release('@b', '#other');
    expect(floor.claim(claim('@c', 45_001), 45_001).held.holder).toBe('@b');
    floor.release('@b', '#c');
    expect(floor.claim(claim('@c', 45_002), 45_002).held.holder).toBe('@c');
  });
});

it('a frame has the length of its text written in the way that RFC 6455 wants', () => {
  const heads = [125, 126, 65_535, 65_536].map((length) => [...textFrame('x'.repeat(length)).subarray(0, 10)]);
  expect(heads.map(([one, two]) => [one, two])).toEqual([
    [0x81, 125],
    [0x81, 126],
    [0x81, 126],
    [0x81, 127],
  ]);
  expect(heads[1]?.slice(2, 4)).toEqual([0, 126]);
  expect(heads[3]?.slice(2, 10)).toEqual([0, 0, 0, 0, 0, 1, 0, 0]);
  expect(textFrame('ä').subarray(1)).toEqual(Buffer.from([2, 0xc3, 0xa4]));
});

describe('a hub', () => {
  let rig: HubRig;
  beforeEach(async () => (rig = await HubRig.start({ framesPerS: 100_000 })));
  afterEach(() => rig.close());

  it('keeps the names of keys and of agents of the swarm', async () => {
    await rig.member(makeKey(), 'ann');
    const squatter = await rig.connect();
    const said = await squatter.ask({ type: 'IDENTIFY', name: 'Ann' }, 'ERROR');
    expect(said).toMatchObject({ code: 'INVALID_NAME', message: 'the name Ann is taken' });
    const other = await squatter.login(makeKey(), { name: 'ANN', nowMs: rig.node.now() });
    expect(other).toMatchObject({ code: 'INVALID_NAME' });
    const bob = await rig.guest('bob');
    expect(await bob.ask({ type: 'SET_NICK', nick: 'ann' }, 'ERROR')).toMatchObject({ code: 'INVALID_NAME' });
  });

  it('closes a reader that does not read, which goes on after its cursor and has missed nothing', async () => {
    const [ann, bob] = [await rig.guest('ann', '#general'), await rig.guest('bob', '#general')];
    const first = await ann.ask({ type: 'MSG', to: '#general', content: 'first' }, 'MSG');
    expect(await bob.hear('MSG')).toMatchObject({ content: 'first' });
    bob.client.socket.pause();
    const content = 'x'.repeat(500_000);
    const sent: unknown[] = [];
    for (let at = 0; at < 30; at += 1)
      sent.push((await ann.ask({ type: 'MSG', to: '#general', content }, 'MSG'))['msg_id']);
    bob.client.socket.resume();
    // It is told why, or cut off when it does not even read that.
    expect([1013, 1006]).toContain((await bob.client.closed).code);
    const again = await rig.guest('bob2');
    await again.ask({ type: 'JOIN', channel: '#general', after: first['msg_id'] }, 'JOINED');
    const got: unknown[] = [];
    while (got.length < sent.length) got.push((await again.hear('MSG'))['msg_id']);
    expect(got).toEqual(sent);
  });

  it('goes on with ten thousand channels', async () => {
    const ann = await rig.guest('ann');
    const by = userPrincipal('ada');
    const bodies = Array.from({ length: 9_990 }, (_, at) => ({
      type: 'channel.created' as const,
      channel: `#c${at}`,
      inviteOnly: false,
      verifiedOnly: false,
    }));
    await rig.node.append(bodies.map((body) => ({ entity: undefined, by, body })));
    for (let at = 9_990; at < 10_000; at += 1) await ann.ask({ type: 'CREATE_CHANNEL', channel: `#c${at}` }, 'JOINED');
    const { list } = await ann.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS');
    expect(list).toHaveLength(10_008);
    await ann.ask({ type: 'MSG', to: '#c9999', content: 'still here' }, 'MSG');
    const health = await (await fetch(`${rig.hub.url.replace('ws:', 'http:')}/health`)).json();
    expect(health).toMatchObject({ channels: { total: 10_008, public: 10_008 } });
  });

  it('tells an operator who is connected, and nobody else', async () => {
    const ann = await rig.guest('ann');
    const url = `${rig.hub.url.replace('ws:', 'http:')}/api/connections`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { 'x-admin-key': 'wrong' } })).status).toBe(401);
    const answer = await (await fetch(url, { headers: { 'x-admin-key': TOKEN } })).json();
    expect(answer).toMatchObject({ connections: [{ agent_id: ann.id, ip: '127.0.0.1' }], count: 1 });
  });

  it('takes a text of two megabytes less its frame, and no more', async () => {
    const ann = await rig.guest('ann', '#general');
    const content = 'y'.repeat(2 * 1024 * 1024 - 100);
    const said = await ann.ask({ type: 'MSG', to: '#general', content }, 'MSG');
    expect(said['content']).toBe(content);
  });
});

describe('two hubs of one mesh', () => {
  let here: HubRig;
  let there: HubRig;
  const kim = makeKey();
  let ann: Chatter;
  let far: Chatter;

  beforeEach(async () => {
    const { FakeNode, OTHER } = await import('../fake-node.ts');
    here = await HubRig.start();
    const node = new FakeNode({ self: OTHER, name: 'there' });
    await node.register(OTHER, 'there');
    there = await HubRig.start({ node });
    here.node.hubPeers.add(node);
    node.hubPeers.add(here.node);
    ann = await here.guest('ann', '#general');
    far = await there.member(kim, 'kim', '#general');
    // What the mesh would carry: who is there, and in which channel.
    const own = there.node.store.arrivals({ after: 0, limit: 100 }).map(({ op }) => op);
    await here.node.commit(
      OTHER,
      own.flatMap(({ body, header }) =>
        body.type === 'channel.joined' || body.type === 'identity.registered' || body.type === 'identity.opened'
          ? { entity: undefined, by: header.by, body }
          : [],
      ),
    );
    await ann.hear('AGENT_JOINED');
  });
  afterEach(async () => {
    await here.close();
    await there.close();
  });

  it('show one another typing, presence and claims', async () => {
    far.say({ type: 'TYPING', channel: '#general' });
    expect(await ann.hear('TYPING')).toMatchObject({ from: kim.id, channel: '#general' });
    far.say({ type: 'SET_PRESENCE', status: 'busy', status_text: 'lexing' });
    expect(await ann.hear('PRESENCE_CHANGED')).toMatchObject({ agent_id: kim.id, presence: 'busy' });
    const { list } = await ann.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS');
    expect(list).toContainEqual(expect.objectContaining({ id: kim.id, presence: 'busy', status_text: 'lexing' }));
    const said = await far.ask({ type: 'MSG', to: '#general', content: 'who?' }, 'MSG');
    far.say({ type: 'RESPONDING_TO', msg_id: said['msg_id'], channel: '#general' });
    expect(await ann.hear('FLOOR_CLAIMED')).toMatchObject({ msg_id: said['msg_id'], holder: kim.id });
  });

  it('carry a proof from one to the other, and a kick', async () => {
    const { signed } = await import('./hub-rig.ts');
    const nonce = '0123456789abcdef';
    const pending = await ann.ask({ type: 'VERIFY_REQUEST', target: kim.id, nonce }, 'VERIFY_REQUEST');
    expect(pending).toMatchObject({ status: 'pending' });
    const asked = await far.hear('VERIFY_REQUEST');
    far.say({ type: 'VERIFY_RESPONSE', request_id: asked['request_id'], nonce, sig: signed(kim, nonce) });
    expect(await ann.hear('VERIFY_SUCCESS')).toMatchObject({ agent: kim.id, pubkey: kim.publicKey });
    expect(await far.hear('VERIFY_SUCCESS')).toMatchObject({ verified: true });
    await ann.ask({ type: 'ADMIN_KICK', admin_key: TOKEN, agent_id: kim.id, reason: 'x' }, 'ADMIN_RESULT');
    expect(await far.hear('KICKED')).toMatchObject({ reason: 'x' });
  });

  it('leave out members of a hub that died', async () => {
    const { OTHER } = await import('../fake-node.ts');
    here.node.members.set(OTHER, 'dead');
    const { list } = await ann.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS');
    expect(list).toMatchObject([{ id: ann.id }]);
  });
});
