/** Channels and direct messages of the hub, as clients see them. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cursorId } from '#core/view/cursor.ts';
import { outsider } from '#door/hub/key.ts';
import { HubRig, makeKey, signed } from './hub-rig.ts';

let rig: HubRig;
beforeEach(async () => (rig = await HubRig.start()));
afterEach(() => rig.close());

const MSG_ID = expect.stringMatching(/^[0-9a-f]{32}-\d+$/);

describe('channels', () => {
  it('are joined with the last of what was said, and company is told', async () => {
    const ann = await rig.guest('ann', '#general');
    const said = await ann.ask({ type: 'MSG', to: '#general', content: 'hello', sig: 'c2ln' }, 'MSG');
    expect(said).toMatchObject({
      from: ann.id,
      from_name: 'ann',
      to: '#general',
      sig: 'c2ln',
      verified: false,
      msg_id: MSG_ID,
    });
    const bob = await rig.guest('bob');
    bob.say({ type: 'JOIN', channel: '#general' });
    expect(await bob.next()).toMatchObject({
      type: 'JOINED',
      channel: '#general',
      agents: expect.arrayContaining([{ id: ann.id, name: 'ann', verified: false }]),
    });
    expect(await bob.next()).toMatchObject({ type: 'MSG', content: 'hello', replay: true, msg_id: said['msg_id'] });
    expect(await ann.hear('AGENT_JOINED')).toMatchObject({ channel: '#general', agent: bob.id, name: 'bob' });
    const answer = { type: 'MSG', to: '#general', content: 'hi', in_reply_to: said['msg_id'] };
    expect(await bob.ask(answer, 'MSG')).toMatchObject({ in_reply_to: said['msg_id'] });
    expect(await bob.ask({ ...answer, in_reply_to: 'x' }, 'ERROR')).toMatchObject({ code: 'INVALID_MSG' });
    expect(await ann.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).toMatchObject({
      list: expect.arrayContaining([
        { id: bob.id, name: 'bob', verified: false, presence: 'online', status_text: null },
      ]),
    });
    expect(await bob.ask({ type: 'LEAVE', channel: '#general' }, 'LEFT')).toMatchObject({ channel: '#general' });
    expect(await ann.hear('AGENT_LEFT')).toMatchObject({ channel: '#general', agent: bob.id });
    expect(await bob.ask({ type: 'MSG', to: '#general', content: 'x' }, 'ERROR')).toMatchObject({
      code: 'NOT_INVITED',
    });
  });

  it('say of each message when it was said, also in a replay', async () => {
    const ann = await rig.guest('ann', '#general');
    const said = await ann.ask({ type: 'MSG', to: '#general', content: 'hello' }, 'MSG');
    rig.node.wallMs += 60_000;
    const bob = await rig.guest('bob', '#general');
    expect(await bob.hear('MSG')).toMatchObject({ replay: true, ts: said['ts'] });
    const key = makeKey();
    const kim = await rig.member(key, 'kim', '#general');
    kim.client.socket.terminate();
    await ann.hear('AGENT_LEFT');
    const sent = await ann.ask({ type: 'MSG', to: key.id, content: 'later' }, 'MSG');
    rig.node.wallMs += 60_000;
    const again = await rig.member(key, 'kim');
    expect(await again.hear('MSG')).toMatchObject({ content: 'later', replay: true, ts: sent['ts'] });
  });

  it('go on after a cursor without loss or repetition', async () => {
    const ann = await rig.guest('ann', '#general');
    const ids: unknown[] = [];
    for (const content of ['1', '2', '3'])
      ids.push((await ann.ask({ type: 'MSG', to: '#general', content }, 'MSG'))['msg_id']);
    const bob = await rig.guest('bob');
    await bob.ask({ type: 'JOIN', channel: '#general', after: ids[0] }, 'JOINED');
    expect([await bob.next(), await bob.next()]).toMatchObject([{ content: '2' }, { content: '3' }]);
    await ann.ask({ type: 'MSG', to: '#general', content: '4' }, 'MSG');
    expect(await bob.next()).toMatchObject({ content: '4' });
    expect(await bob.ask({ type: 'JOIN', channel: '#general', after: 'x' }, 'ERROR')).toMatchObject({
      code: 'INVALID_MSG',
    });
  });

  it('are made once, by invitation where that was said, and hidden from lists then', async () => {
    const [ann, bob] = [await rig.guest('ann'), await rig.guest('bob')];
    expect(await ann.ask({ type: 'CREATE_CHANNEL', channel: '#own', invite_only: true }, 'JOINED')).toMatchObject({
      agents: [{ id: ann.id, name: 'ann', verified: false }],
    });
    expect(await bob.ask({ type: 'CREATE_CHANNEL', channel: '#own' }, 'ERROR')).toMatchObject({
      code: 'CHANNEL_EXISTS',
    });
    expect(await bob.ask({ type: 'JOIN', channel: '#own' }, 'ERROR')).toMatchObject({ code: 'NOT_INVITED' });
    expect(await bob.ask({ type: 'JOIN', channel: '#none' }, 'ERROR')).toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
    const { list } = await bob.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS');
    expect(list).toContainEqual({ name: '#general', agents: 0, verifiedOnly: false });
    expect(JSON.stringify(list)).not.toContain('#own');
    ann.say({ type: 'INVITE', channel: '#own', agent: bob.id });
    expect(await bob.hear('MSG')).toMatchObject({ from: '@server', content: expect.stringContaining('#own') });
    await bob.ask({ type: 'JOIN', channel: '#own' }, 'JOINED');
  });

  it('are kept by their operators: mute, slow mode, kick and ban', async () => {
    const ann = await rig.guest('ann');
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#own' }, 'JOINED');
    const bob = await rig.guest('bob', '#own');
    const act = { type: 'MODERATE', channel: '#own', agent: bob.id };
    expect(await bob.ask({ ...act, action: 'kick' }, 'ERROR')).toMatchObject({ code: 'NOT_ALLOWED' });
    await ann.ask({ ...act, action: 'mute' }, 'MODERATED');
    expect(await bob.ask({ type: 'MSG', to: '#own', content: 'x' }, 'ERROR')).toMatchObject({ code: 'NOT_ALLOWED' });
    await ann.ask({ ...act, action: 'unmute' }, 'MODERATED');
    await ann.ask({ ...act, action: 'slow', seconds: 60 }, 'MODERATED');
    await bob.ask({ type: 'MSG', to: '#own', content: 'x' }, 'MSG');
    expect(await bob.ask({ type: 'MSG', to: '#own', content: 'y' }, 'ERROR')).toMatchObject({ code: 'RATE_LIMITED' });
    await ann.ask({ ...act, action: 'ban', reason: 'enough' }, 'MODERATED');
    expect(await bob.hear('LEFT')).toMatchObject({ channel: '#own', reason: 'enough' });
    expect(await bob.ask({ type: 'JOIN', channel: '#own' }, 'ERROR')).toMatchObject({ code: 'BANNED' });
  });
});

describe('to one', () => {
  it('goes to it and back, waits for a key that is away, and not for a guest', async () => {
    const key = makeKey();
    const [ann, bob] = [await rig.guest('ann'), await rig.member(key, 'bob')];
    ann.say({ type: 'MSG', to: key.id, content: 'psst' });
    expect(await bob.hear('MSG')).toMatchObject({ from: ann.id, to: key.id, content: 'psst' });
    const echo = await ann.hear('MSG');
    expect(echo).toMatchObject({ content: 'psst', msg_id: MSG_ID });
    bob.client.socket.terminate();
    await ann.ask({ type: 'MSG', to: key.id, content: 'later' }, 'MSG');
    const again = await rig.connect();
    await again.login(key, { nowMs: rig.node.now(), after: String(echo['msg_id']) });
    expect(await again.next()).toMatchObject({ type: 'MSG', content: 'later', replay: true });
    expect(await ann.ask({ type: 'MSG', to: '@abcdefg1', content: 'x' }, 'ERROR')).toMatchObject({
      code: 'AGENT_NOT_FOUND',
    });
  });

  it('comes again when its line was dead before it came, and not when it came', { timeout: 60_000 }, async () => {
    const key = makeKey();
    const [ann, bob] = [await rig.guest('ann'), await rig.member(key, 'bob')];
    await ann.ask({ type: 'MSG', to: key.id, content: 'came' }, 'MSG');
    await bob.hear('MSG');
    const ownCursor = () =>
      rig.node.store.get('cursor', cursorId({ reader: outsider(key.id.slice(1)), channel: key.id }));
    await vi.waitFor(() => expect(ownCursor()).toBeDefined(), { timeout: 30_000 });
    // It takes nothing from its line any more, and nobody knows.
    bob.client.socket.pause();
    await ann.ask({ type: 'MSG', to: key.id, content: 'lost' }, 'MSG');
    bob.client.socket.terminate();
    await rig.untilGone(key.id);
    const again = await rig.member(key, 'bob');
    expect(await again.next()).toMatchObject({ type: 'MSG', content: 'lost', replay: true });
    expect(await again.ask({ type: 'PING' }, 'PONG')).toBeDefined();
  });

  it('leaves out what looks like a secret, and says so', async () => {
    const ann = await rig.guest('ann', '#general');
    ann.say({ type: 'MSG', to: '#general', content: `key sk-ant-api03-${'a'.repeat(80)}` });
    const [one, two] = [await ann.hear('MSG'), await ann.hear('MSG')];
    const [said, told] = one['from'] === '@server' ? [two, one] : [one, two];
    expect(String(said['content'])).not.toContain('aaaa');
    expect(told).toMatchObject({ from: '@server', content: expect.stringContaining('left out') });
  });

  it('passes on pieces of files, typing, presence and nicks', async () => {
    const key = makeKey();
    const [ann, bob] = [await rig.member(key, 'ann', '#general'), await rig.guest('bob', '#general')];
    ann.say({ type: 'FILE_CHUNK', to: bob.id, content: 'a piece' });
    expect(await bob.hear('FILE_CHUNK')).toMatchObject({ from: key.id, content: 'a piece' });
    ann.say({ type: 'TYPING', channel: '#general' });
    expect(await bob.hear('TYPING')).toMatchObject({ from: key.id, from_name: 'ann', channel: '#general' });
    ann.say({ type: 'SET_PRESENCE', status: 'busy', status_text: 'lexing' });
    expect(await bob.hear('PRESENCE_CHANGED')).toMatchObject({
      agent_id: key.id,
      presence: 'busy',
      status_text: 'lexing',
    });
    expect(await ann.ask({ type: 'SET_NICK', nick: 'anna' }, 'NICK_CHANGED')).toMatchObject({
      old_nick: 'ann',
      new_nick: 'anna',
    });
    expect(await bob.hear('NICK_CHANGED')).toMatchObject({ agent_id: key.id, new_nick: 'anna' });
    expect(await ann.ask({ type: 'SET_NICK', nick: 'x' }, 'ERROR')).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('lets one ask another to prove its key', async () => {
    const key = makeKey();
    const [ann, bob] = [await rig.guest('ann'), await rig.member(key, 'bob')];
    const nonce = 'n'.repeat(16);
    expect(await bob.ask({ type: 'VERIFY_REQUEST', target: ann.id, nonce }, 'ERROR')).toMatchObject({
      code: 'NO_PUBKEY',
    });
    const pending = await ann.ask({ type: 'VERIFY_REQUEST', target: key.id, nonce }, 'VERIFY_REQUEST');
    expect(pending).toMatchObject({ target: key.id, status: 'pending' });
    const asked = await bob.hear('VERIFY_REQUEST');
    const proof = { type: 'VERIFY_RESPONSE', request_id: asked['request_id'], nonce, sig: signed(key, nonce) };
    expect(await bob.ask(proof, 'VERIFY_SUCCESS')).toMatchObject({ verified: true });
    expect(await ann.hear('VERIFY_SUCCESS')).toMatchObject({ agent: key.id, pubkey: key.publicKey });
  });
});
