/** The hub in AgentChat's words: each frame as a client sees it. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TOKEN, HubRig, makeKey, signed } from './hub-rig.ts';

let rig: HubRig;
beforeEach(async () => (rig = await HubRig.start()));
afterEach(() => rig.close());

const refusedLine = z.object({ say: z.string(), code: z.string(), message: z.string() });

describe('logging in', () => {
  it('without a key gives an id of eight characters', async () => {
    const ann = await rig.connect();
    expect(await ann.ask({ type: 'PING' }, 'PONG')).toMatchObject({ ts: expect.any(Number) });
    const welcome = await ann.ask({ type: 'IDENTIFY', name: 'ann' }, 'WELCOME');
    expect(welcome).toMatchObject({ name: 'ann', server: 'hive', verified: false });
    expect(welcome['agent_id']).toMatch(/^@[a-z0-9]{8}$/);
    expect(await ann.ask({ type: 'IDENTIFY', name: 'ann' }, 'ERROR')).toMatchObject({ code: 'INVALID_MSG' });
  });

  it('by a key gives the id that belongs to it', async () => {
    const key = makeKey();
    const ann = await rig.connect();
    const welcome = await ann.login(key, { nowMs: rig.node.now() });
    expect(welcome).toMatchObject({ type: 'WELCOME', agent_id: key.id, verified: true, epoch: expect.any(Number) });
  });

  it('refuses a wrong signature, a challenge used twice, an expired one, and a clock that is far off', async () => {
    const key = makeKey();
    const ann = await rig.connect();
    const challenge = await ann.ask({ type: 'IDENTIFY', name: 'ann', pubkey: key.publicKey }, 'CHALLENGE');
    expect(challenge).toMatchObject({ nonce: expect.stringMatching(/^[0-9a-f]{32}$/), expires_at: expect.any(Number) });
    expect(await ann.ask({ type: 'IDENTIFY', name: 'ann' }, 'ERROR')).toMatchObject({
      message: 'Challenge already pending',
    });
    const timestamp = rig.node.now();
    const id = String(challenge['challenge_id']);
    const right = signed(key, `AGENTCHAT_AUTH|${String(challenge['nonce'])}|${id}|${timestamp}`);
    const proof = { type: 'VERIFY_IDENTITY', challenge_id: id, timestamp };
    expect(await ann.ask({ ...proof, signature: signed(makeKey(), 'x') }, 'ERROR')).toMatchObject({
      code: 'VERIFICATION_FAILED',
    });
    expect(await ann.ask({ ...proof, signature: right }, 'ERROR')).toMatchObject({ code: 'VERIFICATION_EXPIRED' });
    expect(await ann.login(key, { nowMs: rig.node.now(), skewMs: 301_000 })).toMatchObject({
      code: 'VERIFICATION_FAILED',
    });
    await ann.ask({ type: 'IDENTIFY', name: 'ann', pubkey: key.publicKey }, 'CHALLENGE').then(async (late) => {
      rig.node.wallMs += 61_000;
      const expired = { ...proof, challenge_id: late['challenge_id'], signature: right };
      expect(await ann.ask(expired, 'ERROR')).toMatchObject({ code: 'VERIFICATION_EXPIRED' });
    });
  });

  it('a second time takes the place of the first, which is told not to return, also twice in a row', async () => {
    const key = makeKey();
    const all = [];
    for (let at = 0; at < 3; at += 1) all.push(await rig.member(key, 'ann', '#general'));
    const [first, second, third] = all;
    for (const old of [first, second]) {
      const told = await old?.hear('SESSION_DISPLACED');
      expect(told).toMatchObject({ reason: expect.stringContaining('do not reconnect'), epoch: expect.any(Number) });
      expect(await old?.client.closed).toMatchObject({ code: 1000 });
    }
    third?.say({ type: 'MSG', to: '#general', content: 'still here' });
    expect(await third?.hear('MSG')).toMatchObject({ content: 'still here' });
  });

  it('is refused under reserved and impossible names, and with what is no key', async () => {
    const ann = await rig.connect();
    for (const name of ['admin', 'a b', ''])
      expect(await ann.ask({ type: 'IDENTIFY', name }, 'ERROR')).toMatchObject({ code: 'INVALID_NAME' });
    expect(await ann.ask({ type: 'IDENTIFY', name: 'ann', pubkey: 'x' }, 'ERROR')).toMatchObject({
      code: 'INVALID_MSG',
    });
  });
});

describe('a hub for known keys', () => {
  it('lets in by invitation, as often as it says, and by the word of an operator', async () => {
    await rig.close();
    rig = await HubRig.start({ isOpen: false });
    const [key, other] = [makeKey(), makeKey()];
    const nowMs = rig.node.now();
    const stranger = await rig.connect();
    expect(await stranger.ask({ type: 'IDENTIFY', name: 'x' }, 'ERROR')).toMatchObject({ code: 'NOT_ALLOWED' });
    expect(await stranger.login(key, { nowMs })).toMatchObject({ code: 'NOT_ALLOWED' });
    const { hash } = await import('node:crypto');
    const { hashOf, userPrincipal } = await import('#core/brand.ts');
    const body = {
      type: 'invite.created',
      sha256: hashOf(hash('sha256', 'code')),
      usesMax: 1,
      expiresMs: nowMs + 1,
    } as const;
    await rig.node.append([{ entity: undefined, by: userPrincipal('operator'), body }]);
    expect(await stranger.login(key, { nowMs, invite: 'code' })).toMatchObject({ type: 'WELCOME' });
    const second = await rig.connect();
    expect(await second.login(other, { nowMs, invite: 'code' })).toMatchObject({ code: 'NOT_ALLOWED' });
    const admin = { admin_key: TOKEN, pubkey: other.publicKey };
    expect(await stranger.ask({ type: 'ADMIN_APPROVE', ...admin, admin_key: 'no' }, 'ERROR')).toMatchObject({
      code: 'AUTH_REQUIRED',
    });
    await stranger.ask({ type: 'ADMIN_APPROVE', ...admin }, 'ADMIN_RESULT');
    expect(await second.login(other, { name: 'bob', nowMs })).toMatchObject({ type: 'WELCOME' });
    await stranger.ask({ type: 'ADMIN_REVOKE', admin_key: TOKEN, agent_id: other.id }, 'ADMIN_RESULT');
    expect(await second.hear('KICKED')).toMatchObject({ reason: 'not allowed any more' });
    const third = await rig.connect();
    expect(await third.login(other, { nowMs, invite: 'code' })).toMatchObject({ code: 'NOT_ALLOWED' });
  });
});

describe('what is refused', () => {
  it('is said in AgentChat’s codes and words', async () => {
    const ann = await rig.connect();
    const lines = readFileSync(new URL('refused.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n');
    for (const line of lines) {
      const { say, code, message } = refusedLine.parse(JSON.parse(line));
      ann.client.socket.send(say);
      expect({ say, ...(await ann.next()) }).toEqual({ say, type: 'ERROR', code, message });
    }
  });

  it('a flood, a frame above 2 MiB and a page of a browser are cut off', async () => {
    const ann = await rig.connect();
    for (let at = 0; at < 11; at += 1) ann.say({ type: 'PING' });
    expect(await ann.client.closed).toMatchObject({ code: 1008 });
    const bob = await rig.connect();
    bob.say({ type: 'PING', more: 'x'.repeat(2 * 1024 * 1024) });
    expect(await bob.client.closed).toMatchObject({ code: 1009 });
    const { WsClient } = await import('../ws-client.ts');
    await expect(WsClient.connect(rig.hub.url, { options: { origin: 'http://evil.example' } })).rejects.toThrow('403');
  });

  it('more than one message a second is, unless the hub says otherwise', async () => {
    await rig.close();
    rig = await HubRig.start({ messageMs: 1_000 });
    const ann = await rig.guest('ann', '#general');
    await ann.ask({ type: 'MSG', to: '#general', content: '1' }, 'MSG');
    expect(await ann.ask({ type: 'MSG', to: '#general', content: '2' }, 'ERROR')).toMatchObject({
      code: 'RATE_LIMITED',
    });
  });
});

describe('the hub', () => {
  it('tells its health', async () => {
    const url = rig.hub.url.replace('ws:', 'http:');
    await rig.guest('ann');
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      status: 'healthy',
      agents: { connected: 1, with_identity: 0 },
    });
    expect((await fetch(`${url}/x`)).status).toBe(404);
  });

  it('of another node of the mesh is this one: what is said there is heard here', async () => {
    const ann = await rig.guest('ann', '#general');
    const { OTHER } = await import('../fake-node.ts');
    const { userPrincipal } = await import('#core/brand.ts');
    const by = userPrincipal('@abcdefg1');
    const joined = { type: 'channel.joined', channel: '#general', member: by, name: 'far' } as const;
    const rest = { kind: 'text', replyTo: null, thread: null, hops: 0, source: 'far', dueMs: null } as const;
    const said = { type: 'message.sent', channel: '#general', text: 'from afar', ...rest } as const;
    await rig.node.commit(
      OTHER,
      [joined, said].map((body) => ({ entity: undefined, by, body })),
    );
    expect(await ann.hear('AGENT_JOINED')).toMatchObject({ agent: '@abcdefg1', name: 'far' });
    expect(await ann.hear('MSG')).toMatchObject({ from: '@abcdefg1', from_name: 'far', content: 'from afar' });
  });

  it('that starts again knows that nobody is there any more', async () => {
    await rig.guest('ann', '#general');
    const again = await HubRig.start({ node: rig.node });
    const bob = await again.guest('bob', '#general');
    const { list } = await bob.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS');
    expect(list).toMatchObject([{ id: bob.id }]);
    await again.close();
    expect(rig.faults).toEqual([]);
  });
});
