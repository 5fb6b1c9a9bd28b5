// Needs: nothing but Node. Messages, replays and files at a hub in a process of its own, by a client that knows AgentChat's reference alone; half a minute.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OutsiderClient } from './outsider-client.ts';
import { Key } from './outsider-client.ts';
import { OutsiderHub } from './outsider-hub.ts';
import * as row from './outsider-rows.ts';

const hub = new OutsiderHub();
beforeAll(() => hub.start());
afterEach(() => hub.leave());
afterAll(() => hub.close());

/** What a channel shows to one that joins it. */
const REPLAYED = 200;

let made = 0;
const fresh = (stem: string): string => `${stem}-${(made += 1)}-${Date.now().toString(36)}`;

/** A new channel with these in it. */
async function room(first: OutsiderClient, ...others: OutsiderClient[]): Promise<string> {
  const channel = `#${fresh('c')}`;
  await first.ask({ type: 'CREATE_CHANNEL', channel }, row.Joined);
  for (const other of others) await other.join(channel);
  return channel;
}

describe('a message', () => {
  it('to a channel reaches all members, its speaker too, and the same id and time', async () => {
    const key = new Key();
    const name = fresh('kim');
    const [kim, bob, eve] = [await hub.keyed(name, key), await hub.guest('bob'), await hub.guest('eve')];
    const channel = await room(kim, bob);
    const sig = key.sign('hello');
    const said = await kim.say(channel, 'hello', { sig });
    const wanted = { from: kim.id, from_name: name, to: channel, content: 'hello', verified: true, sig };
    expect(said).toMatchObject(wanted);
    expect(await bob.next(row.Message)).toEqual(said);
    expect(await eve.all(row.Message)).toEqual([]);
    expect(await eve.refusal({ type: 'MSG', to: channel, content: 'x' })).toMatch(/^NOT_INVITED /);
  });

  it('may answer another, and answers make a thread', async () => {
    const [ann, bob] = [await hub.guest('ann'), await hub.guest('bob')];
    const channel = await room(ann, bob);
    const first = await ann.say(channel, 'first');
    const second = await bob.say(channel, 'second', { in_reply_to: first.msg_id });
    expect(second).toMatchObject({ in_reply_to: first.msg_id, thread_id: first.msg_id });
    const third = await ann.say(channel, 'third', { in_reply_to: second.msg_id });
    expect(third).toMatchObject({ in_reply_to: second.msg_id, thread_id: first.msg_id });
    const fourth = await bob.say(channel, 'fourth', { thread_id: first.msg_id });
    expect(fourth).toMatchObject({ thread_id: first.msg_id });
    expect(first).not.toHaveProperty('thread_id');
    await expect(ann.say(channel, 'x', { in_reply_to: 'nothing' })).rejects.toThrow(/^INVALID_MSG /);
  });

  it('to one goes to it and back to the speaker, and to nobody else', async () => {
    const [ann, bob, eve] = [await hub.guest('ann'), await hub.guest('bob'), await hub.guest('eve')];
    await room(ann, bob, eve);
    const said = await ann.say(bob.id, 'psst');
    expect(said).toMatchObject({ from: ann.id, to: bob.id, content: 'psst', verified: false });
    expect(await bob.next(row.Message)).toEqual(said);
    await bob.say(bob.id, 'note to self');
    expect(await bob.all(row.Message)).toEqual([]);
    expect(await eve.all(row.Message)).toEqual([]);
    await expect(ann.say('@nobody01', 'x')).rejects.toThrow(/^AGENT_NOT_FOUND /);
  });

  it('that is none is refused with a reason', async () => {
    const ann = await hub.guest('ann');
    const wrong = 'INVALID_MSG Invalid target (must start with # or @)';
    expect(await ann.refusal({ type: 'MSG', to: 'general', content: 'x' })).toBe(wrong);
    for (const fields of [{ to: '#general', content: 5 }, { to: '#general' }, { content: 'x' }])
      expect(await ann.refusal({ type: 'MSG', ...fields })).toMatch(/^INVALID_MSG ./);
  });

  it('that two want to answer is claimed by one, and the other yields', async () => {
    const [ann, bob, eve] = [await hub.guest('ann'), await hub.guest('bob'), await hub.guest('eve')];
    const channel = await room(ann, bob, eve);
    const { msg_id } = await ann.say(channel, 'Who can look at this?');
    const claim = { type: 'RESPONDING_TO', msg_id, channel, started_at: Date.now() };
    bob.send(claim);
    expect(await eve.next(row.FloorClaimed)).toMatchObject({ msg_id, channel, holder: bob.id, holder_name: 'bob' });
    expect(await eve.ask(claim, row.Yield)).toMatchObject({ msg_id, channel, holder: bob.id });
  });
});

describe('a file', () => {
  it('goes from one to one in pieces, and to nobody else', async () => {
    const [ann, bob] = [await hub.guest('ann'), await hub.guest('bob')];
    await room(ann, bob);
    ann.send({ type: 'FILE_CHUNK', to: bob.id, content: 'a piece' });
    expect(await bob.next(row.FileChunk)).toMatchObject({ from: ann.id, to: bob.id, content: 'a piece' });
    expect(await ann.refusal({ type: 'FILE_CHUNK', to: '@nobody01', content: 'x' })).toMatch(/^AGENT_NOT_FOUND /);
    expect(await ann.refusal({ type: 'FILE_CHUNK', to: '#general', content: 'x' })).toMatch(/^INVALID_MSG /);
    expect(await ann.refusal({ type: 'FILE_CHUNK', to: bob.id })).toMatch(/^INVALID_MSG /);
  });
});

describe('what was said', () => {
  it('is shown again to who joins, the last two hundred, as it was', async () => {
    const watcher = await hub.guest('watcher');
    const channel = await room(watcher);
    const speakers = await Promise.all(Array.from({ length: 41 }, (_, at) => hub.guest(`s${at}`)));
    for (const speaker of speakers) await speaker.join(channel);
    const each = [0, 1, 2, 3, 4];
    const talk = async (speaker: OutsiderClient): Promise<void> => {
      for (const at of each) await speaker.say(channel, `${speaker.id} ${at}`);
    };
    await Promise.all(speakers.map(talk));
    const heard: unknown[] = [];
    while (heard.length < speakers.length * each.length) heard.push(await watcher.next(row.Message));
    const late = await hub.guest('late');
    await late.join(channel);
    const last = heard.slice(-REPLAYED).map((said) => Object.assign({}, said, { replay: true }));
    expect(await late.all(row.Message)).toEqual(last);
    await late.join(channel);
    expect(await late.all(row.Message)).toEqual(last);
  });

  it('to a key that is away is there when it comes', async () => {
    const key = new Key();
    const name = fresh('kim');
    const [ann, kim] = [await hub.guest('ann'), await hub.keyed(name, key)];
    await room(ann, kim);
    await kim.close();
    await ann.next(row.AgentLeft);
    const said = await ann.say(key.agentId, 'for later');
    const again = await hub.keyed(name, key);
    expect(await again.next(row.Message)).toEqual({ ...said, replay: true });
  });

  it('with the shape of a secret in it is told without, and the speaker is told why', async () => {
    const ann = await hub.guest('ann');
    const channel = await room(ann);
    const secret = `sk-ant-api03-${'a'.repeat(80)}`;
    ann.send({ type: 'MSG', to: channel, content: `my key is ${secret}, keep it` });
    const said = await ann.next(row.Message, ({ from }) => from === ann.id);
    expect(said.content).toMatch(/^my key is .*, keep it$/);
    expect(said.content).not.toContain(secret);
    expect(await ann.next(row.Message, ({ from }) => from === '@server')).toMatchObject({ to: ann.id });
  });

  it('is there after the hub was killed: its channels, its keys, its messages', async () => {
    const key = new Key();
    const name = fresh('kim');
    const kim = await hub.keyed(name, key);
    const channel = await room(kim);
    const one = await kim.say(channel, 'before');
    await hub.kill();
    await kim.closed;
    await hub.start();
    const again = await hub.keyed(name, key);
    await again.join(channel);
    expect(await again.all(row.Message)).toEqual([{ ...one, replay: true }]);
    const two = await again.say(channel, 'after', { in_reply_to: one.msg_id });
    expect(two).toMatchObject({ in_reply_to: one.msg_id });
    expect(two.msg_id).not.toBe(one.msg_id);
  });
});
