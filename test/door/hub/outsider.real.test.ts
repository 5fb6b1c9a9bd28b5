// Needs: nothing but Node. A hub in a process of its own, spoken to by a client that knows AgentChat's reference alone; it takes about half a minute.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Key } from './outsider-client.ts';
import { OutsiderHub } from './outsider-hub.ts';
import * as row from './outsider-rows.ts';

const hub = new OutsiderHub();
beforeAll(() => hub.start());
afterEach(() => hub.leave());
afterAll(() => hub.close());

/** A name that no other test uses, so that each can run again. */
let made = 0;
const fresh = (stem: string): string => `${stem}-${(made += 1)}-${Date.now().toString(36)}`;

describe('before the login', () => {
  it('PING and LIST_CHANNELS are answered, with the channels of every hub', async () => {
    const stranger = await hub.stranger();
    await stranger.ask({ type: 'PING' }, row.Pong);
    const { list } = await stranger.ask({ type: 'LIST_CHANNELS' }, row.Channels);
    const names = '#general #engineering #pull-requests #help #love #agents #discovery #bounties'.split(' ');
    expect(list.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  });

  it('all else asks for it', async () => {
    const frames = [
      { type: 'JOIN', channel: '#general' },
      { type: 'MSG', to: '#general', content: 'x' },
      { type: 'LIST_AGENTS', channel: '#general' },
      { type: 'CREATE_CHANNEL', channel: '#x' },
      { type: 'SET_NICK', nick: 'x' },
      { type: 'SEARCH_SKILLS', query: {} },
      { type: 'FILE_CHUNK', to: '@abcdefgh', content: 'x' },
    ];
    const stranger = await hub.stranger();
    for (const frame of frames) expect(await stranger.refusal(frame)).toBe('AUTH_REQUIRED Must IDENTIFY first');
  });

  it('what is no frame is told so, and the connection stays', async () => {
    const stranger = await hub.stranger();
    expect(await stranger.refusal('{')).toBe('INVALID_MSG Invalid JSON');
    expect(await stranger.refusal('[]')).toBe('INVALID_MSG Missing message type');
    expect(await stranger.refusal('7')).toBe('INVALID_MSG Missing message type');
    expect(await stranger.refusal({})).toBe('INVALID_MSG Missing message type');
    expect(await stranger.refusal({ type: 'FLY' })).toBe('INVALID_MSG Unknown message type: FLY');
    expect(await stranger.refusal({ type: 'toString' })).toBe('INVALID_MSG Unknown message type: toString');
    await stranger.ask({ type: 'PING' }, row.Pong);
  });
});

describe('who comes', () => {
  it('without a key has eight characters for an id, and is not verified', async () => {
    const ann = await hub.stranger();
    const welcome = await ann.comeAsGuest('ann');
    expect(welcome.agent_id).toMatch(/^@[a-z0-9]{8}$/);
    expect(welcome).toMatchObject({ name: 'ann', verified: false });
    expect(await ann.refusal({ type: 'IDENTIFY', name: 'ann' })).toMatch(/^INVALID_MSG /);
  });

  it('with a bad name or key is refused, and may try again', async () => {
    const stranger = await hub.stranger();
    for (const name of ['', 'two words', 'x'.repeat(33), 'ä'])
      expect(await stranger.refusal({ type: 'IDENTIFY', name })).toMatch(/^INVALID_NAME /);
    expect(await stranger.refusal({ type: 'IDENTIFY' })).toMatch(/^INVALID_NAME /);
    expect(await stranger.refusal({ type: 'IDENTIFY', name: 'ann', pubkey: 'no key' })).toMatch(/^INVALID_MSG /);
    await stranger.comeAsGuest('a'.repeat(24));
  });

  it('with a key proves it, and has the hash of its PEM for an id', async () => {
    const key = new Key();
    const kim = await hub.stranger();
    const challenge = await kim.challenge(fresh('kim'), key);
    expect(challenge.expires_at - challenge.ts).toBeGreaterThan(0);
    expect(challenge.expires_at - challenge.ts).toBeLessThanOrEqual(60_000);
    expect(await kim.refusal({ type: 'IDENTIFY', name: 'kim', pubkey: key.pem })).toMatch(/^INVALID_MSG /);
    const welcome = await kim.ask(kim.answerTo(challenge, key), row.Welcome);
    expect(welcome).toMatchObject({ agent_id: key.agentId, verified: true });
  });

  it('with a wrong, an old or a foreign answer is not let in', async () => {
    const [key, other] = [new Key(), new Key()];
    const kim = await hub.stranger();
    const challenge = await kim.challenge(fresh('kim'), key);
    const right = kim.answerTo(challenge, key);
    const thief = await hub.stranger();
    expect(await thief.refusal(right)).toMatch(/^VERIFICATION_EXPIRED /);
    expect(await kim.refusal({ ...kim.answerTo(challenge, other) })).toMatch(/^VERIFICATION_FAILED /);
    expect(await kim.refusal(right)).toMatch(/^VERIFICATION_EXPIRED /);
    expect(await kim.refusal({ type: 'JOIN', channel: '#general' })).toMatch(/^AUTH_REQUIRED /);
    const late = { ...(await kim.challenge(fresh('kim'), key)) };
    const timestamp = Date.now() - 3_600_000;
    const signature = key.sign(`AGENTCHAT_AUTH|${late.nonce}|${late.challenge_id}|${timestamp}`);
    const stale = { type: 'VERIFY_IDENTITY', challenge_id: late.challenge_id, signature, timestamp };
    expect(await kim.refusal(stale)).toMatch(/^VERIFICATION_FAILED /);
    await kim.comeWithKey(fresh('kim'), key);
  });

  it('with a key that is here already displaces it, twice in a second', async () => {
    const key = new Key();
    const name = fresh('kim');
    const [one, two, three] = [await hub.keyed(name, key), await hub.keyed(name, key), await hub.keyed(name, key)];
    for (const displaced of [one, two]) {
      expect((await displaced.next(row.Displaced)).reason).not.toBe('');
      expect((await displaced.closed).code).toBe(1000);
    }
    const ann = await hub.guest('ann');
    await ann.say(key.agentId, 'who of you?');
    expect((await three.next(row.Message)).content).toBe('who of you?');
  });
});

describe('channels', () => {
  it('are joined and left, and the others are told', async () => {
    const [ann, bob] = [await hub.guest('ann'), await hub.guest('bob')];
    const channel = `#${fresh('c')}`;
    const created = await ann.ask({ type: 'CREATE_CHANNEL', channel }, row.Joined);
    expect(created).toMatchObject({ channel, agents: [{ id: ann.id, name: 'ann', verified: false }] });
    const { agents } = await bob.join(channel);
    expect(agents).toHaveLength(2);
    expect(agents).toContainEqual({ id: bob.id, name: 'bob', verified: false });
    const joined = { channel, agent: bob.id, name: 'bob', verified: false };
    expect(await ann.next(row.AgentJoined)).toMatchObject(joined);
    const { list } = await ann.ask({ type: 'LIST_AGENTS', channel }, row.Agents);
    expect(list).toContainEqual({ id: bob.id, name: 'bob', presence: 'online', status_text: null, verified: false });
    const listed = await bob.ask({ type: 'LIST_CHANNELS' }, row.Channels);
    expect(listed.list).toContainEqual(expect.objectContaining({ name: channel, agents: 2 }));
    expect(await bob.ask({ type: 'LEAVE', channel }, row.Left)).toMatchObject({ channel });
    expect(await ann.next(row.AgentLeft)).toMatchObject({ channel, agent: bob.id, name: 'bob' });
    await bob.join(channel);
    await ann.next(row.AgentJoined);
    await bob.close();
    expect(await ann.next(row.AgentLeft)).toMatchObject({ channel, agent: bob.id, name: 'bob' });
  });

  it('that are not there, or badly named, are refused; to leave one that is not there is silent', async () => {
    const ann = await hub.guest('ann');
    for (const type of ['JOIN', 'LIST_AGENTS'])
      expect(await ann.refusal({ type, channel: '#nowhere' })).toMatch(/^CHANNEL_NOT_FOUND /);
    expect(await ann.refusal({ type: 'MSG', to: '#nowhere', content: 'x' })).toMatch(/^CHANNEL_NOT_FOUND /);
    const channel = `#${fresh('c')}`;
    await ann.ask({ type: 'CREATE_CHANNEL', channel }, row.Joined);
    expect(await ann.refusal({ type: 'CREATE_CHANNEL', channel })).toMatch(/^CHANNEL_EXISTS /);
    for (const bad of ['plain', '#', `#${'x'.repeat(32)}`, '#two words'])
      expect(await ann.refusal({ type: 'CREATE_CHANNEL', channel: bad })).toMatch(/^INVALID_NAME /);
    ann.send({ type: 'LEAVE', channel: '#nowhere' });
    expect(await ann.all(row.Refusal)).toEqual([]);
  });

  it('by invitation are in no list, and shut until a member invites', async () => {
    const [ann, bob, eve] = [await hub.guest('ann'), await hub.guest('bob'), await hub.guest('eve')];
    const channel = `#${fresh('own')}`;
    await ann.ask({ type: 'CREATE_CHANNEL', channel, invite_only: true }, row.Joined);
    const { list } = await bob.ask({ type: 'LIST_CHANNELS' }, row.Channels);
    expect(list.map(({ name }) => name)).not.toContain(channel);
    for (const type of ['JOIN', 'LIST_AGENTS']) expect(await bob.refusal({ type, channel })).toMatch(/^NOT_INVITED /);
    expect(await bob.refusal({ type: 'MSG', to: channel, content: 'x' })).toMatch(/^NOT_INVITED /);
    expect(await bob.refusal({ type: 'INVITE', channel, agent: bob.id })).toMatch(/^NOT_INVITED /);
    expect(await ann.refusal({ type: 'INVITE', channel, agent: '@nobody01' })).toMatch(/^AGENT_NOT_FOUND /);
    ann.send({ type: 'INVITE', channel, agent: bob.id });
    const told = await bob.next(row.Message);
    expect(told).toMatchObject({ from: '@server', to: bob.id });
    expect(told.content).toContain(channel);
    await bob.join(channel);
    expect(await eve.refusal({ type: 'JOIN', channel })).toMatch(/^NOT_INVITED /);
  });

  it('for proven keys take no guest', async () => {
    const [kim, ann] = [await hub.keyed(fresh('kim')), await hub.guest('ann')];
    const channel = `#${fresh('ops')}`;
    expect(await ann.refusal({ type: 'CREATE_CHANNEL', channel, verified_only: true })).toMatch(/^AUTH_REQUIRED /);
    await kim.ask({ type: 'CREATE_CHANNEL', channel, verified_only: true }, row.Joined);
    expect(await ann.refusal({ type: 'JOIN', channel })).toMatch(/^AUTH_REQUIRED /);
    const { list } = await ann.ask({ type: 'LIST_CHANNELS' }, row.Channels);
    expect(list).toContainEqual({ name: channel, agents: 1, verifiedOnly: true });
    await (await hub.keyed(fresh('lee'))).join(channel);
  });
});

describe('presence, nicks and proofs', () => {
  it('are told to the others in a channel, once each', async () => {
    const [ann, bob] = [await hub.guest('ann'), await hub.guest('bob')];
    for (const channel of [`#${fresh('a')}`, `#${fresh('b')}`]) {
      await ann.ask({ type: 'CREATE_CHANNEL', channel }, row.Joined);
      await bob.join(channel);
      ann.send({ type: 'TYPING', channel });
      expect(await bob.next(row.Typing)).toMatchObject({ from: ann.id, from_name: 'ann', channel });
    }
    for (const status of ['away', 'busy', 'offline', 'listening', 'online']) {
      ann.send({ type: 'SET_PRESENCE', status, status_text: 'tea' });
      const changed = { agent_id: ann.id, name: 'ann', presence: status, status_text: 'tea' };
      expect(await bob.next(row.PresenceChanged)).toMatchObject(changed);
    }
    const nick = fresh('n').slice(0, 24);
    expect(await ann.ask({ type: 'SET_NICK', nick }, row.NickChanged)).toMatchObject({
      old_nick: 'ann',
      new_nick: nick,
    });
    expect(await bob.next(row.NickChanged)).toMatchObject({ agent_id: ann.id, old_nick: 'ann', new_nick: nick });
    expect(await bob.all(row.NickChanged)).toEqual([]);
    expect(await bob.all(row.PresenceChanged)).toEqual([]);
    expect(await ann.all(row.PresenceChanged)).toEqual([]);
    expect(await ann.refusal({ type: 'SET_NICK', nick: 'other' })).toMatch(/^RATE_LIMITED /);
  });

  it('that are none are refused', async () => {
    const ann = await hub.guest('ann');
    expect(await ann.refusal({ type: 'SET_PRESENCE', status: 'asleep' })).toMatch(/^INVALID_MSG /);
    const long = { type: 'SET_PRESENCE', status: 'busy', status_text: 'x'.repeat(101) };
    expect(await ann.refusal(long)).toMatch(/^INVALID_MSG /);
    for (const nick of [
      'two words',
      'x'.repeat(25),
      ...'server admin system root moderator mod bot agentchat'.split(' '),
    ])
      expect(await ann.refusal({ type: 'SET_NICK', nick })).toMatch(/^INVALID_NAME /);
    for (const nick of ['operator', 'shadow', 'god', 'jc', 'Admin'])
      expect(await ann.refusal({ type: 'SET_NICK', nick })).toMatch(/^INVALID_NAME /);
  });

  it('of a key are asked by one agent of another', async () => {
    const key = new Key();
    const [ann, kim] = [await hub.guest('ann'), await hub.keyed(fresh('kim'), key)];
    const ask = { type: 'VERIFY_REQUEST', target: kim.id, nonce: '0123456789abcdef' };
    expect(await kim.refusal({ ...ask, target: ann.id })).toMatch(/^NO_PUBKEY /);
    expect(await ann.refusal({ ...ask, target: '@nobody01' })).toMatch(/^AGENT_NOT_FOUND /);
    expect(await ann.refusal({ ...ask, nonce: 'x'.repeat(15) })).toMatch(/^INVALID_MSG /);
    expect(await ann.refusal({ ...ask, nonce: 'x'.repeat(129) })).toMatch(/^INVALID_MSG /);
    const answer = async (nonce: string, signer: Key): Promise<string> => {
      const { request_id } = await ann.ask(ask, row.Pending);
      const asked = await kim.next(row.Asked);
      expect(asked).toMatchObject({ request_id, from: ann.id, nonce: ask.nonce });
      const sig = signer.sign(nonce);
      expect(await ann.refusal({ type: 'VERIFY_RESPONSE', request_id, nonce, sig })).toMatch(/^VERIFICATION_FAILED /);
      kim.send({ type: 'VERIFY_RESPONSE', request_id, nonce, sig });
      return request_id;
    };
    const right = await answer(ask.nonce, key);
    expect(await ann.next(row.Proven)).toMatchObject({ request_id: right, agent: kim.id, pubkey: key.pem });
    expect(await kim.next(row.Accepted)).toMatchObject({ request_id: right });
    for (const wrong of [await answer(ask.nonce, new Key()), await answer('fedcba9876543210', key)]) {
      expect(await ann.next(row.Unproven)).toMatchObject({ request_id: wrong, target: kim.id });
      expect(await kim.next(row.NotAccepted)).toMatchObject({ request_id: wrong });
    }
    const again = { type: 'VERIFY_RESPONSE', request_id: right, nonce: ask.nonce, sig: key.sign(ask.nonce) };
    expect(await kim.refusal(again)).toMatch(/^VERIFICATION_EXPIRED /);
  });
});
