/** What may be sent: to whom, how much, and how long a chain. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { OpId, Principal } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { mailboxOf, OPERATOR_CHANNEL } from '#core/message/address.ts';
import { HOPS_MAX } from '#core/message/flood-guard.ts';
import { Machine } from '../machine.ts';
import { present } from '../writer.ts';
import { acknowledge, send, sent, take, texts } from './post-office.ts';

/** Who speaks, and where. */
type Turn = [Principal, string];

let machine: Machine;
let ann: OpId;
let bob: OpId;

const named = (name: string): Promise<OpId> =>
  machine.create({
    type: 'agent.registered',
    name,
    tool: 'claude',
    capabilities: [],
    projectPath: null,
    tmuxSessionId: null,
    maxConcurrentTasks: 1,
  });

beforeEach(async () => {
  machine = new Machine(0, { settings: { messagesPerMinute: 10 } });
  await machine.register();
  [ann, bob] = [await named('ann'), await named('bob')];
});

const row = (id: OpId) => present(present(machine.store.get('message', id)).sent);
const count = (): number => machine.store.count('message', {});

it('an answer stands in the thread of what it answers', async () => {
  const first = await sent(machine, { to: bob, from: ann });
  const answer = await sent(machine, { to: ann, from: bob, replyTo: first });
  const third = await sent(machine, { to: bob, from: ann, replyTo: answer });
  expect([row(first).thread, row(answer).thread, row(third).thread]).toEqual([null, first, first]);
});

it('one request reaches many readers, each with a message of its own', async () => {
  const ids = await send(machine, { to: bob, channels: [mailboxOf(ann), mailboxOf(bob), OPERATOR_CHANNEL] });
  expect(ids).toHaveLength(3);
  expect(await take(machine, { agent: ann })).toHaveLength(1);
  expect(await take(machine, { agent: bob })).toHaveLength(1);
});

it('an agent writes only to whom an operator lets it, and always to people', async () => {
  const by = userPrincipal('ada');
  await machine.append([{ entity: ann, by, body: { type: 'agent.recipientsSet', allow: ['carl*'] } }]);
  const refused = await send(machine, { to: bob, from: ann });
  expect(refused).toMatchObject({ code: 'forbidden', got: 'bob' });
  expect(count()).toBe(0);
  expect(await send(machine, { to: bob, from: ann, channels: [OPERATOR_CHANNEL] })).toHaveLength(1);
  const carl = await named('carl-2');
  expect(await send(machine, { to: carl, from: ann })).toHaveLength(1);
  await machine.append([{ entity: ann, by, body: { type: 'agent.recipientsSet', allow: null } }]);
  expect(await send(machine, { to: bob, from: ann })).toHaveLength(1);
});

it('an agent floods nobody, and the others notice nothing of it', async () => {
  for (let n = 0; n < 5; n++) await sent(machine, { to: bob, from: ann });
  expect(await send(machine, { to: bob, from: ann })).toMatchObject({ code: 'too_many' });
  expect(count()).toBe(5);
  await sent(machine, { to: bob, from: ann, channels: [OPERATOR_CHANNEL] });
  await sent(machine, { to: ann, from: bob });
  for (let n = 0; n < 50; n++) await sent(machine, { to: bob });
  machine.nowMs += 6_000;
  await sent(machine, { to: bob, from: ann });
});

it('two agents that only answer each other come to an end', async () => {
  let [from, to] = [ann, bob];
  await sent(machine, { to: from, text: 'begin' });
  for (let hops = 1; hops <= HOPS_MAX; hops++) {
    await take(machine, { agent: from });
    const id = await sent(machine, { to, from, text: `${hops}` });
    expect(row(id).hops).toBe(hops);
    await acknowledge(machine, from);
    [from, to] = [to, from];
    machine.nowMs += 60_000;
  }
  expect(texts(await take(machine, { agent: from }))).toEqual([`${HOPS_MAX}`]);
  const refused = await send(machine, { to, from });
  expect(refused).toMatchObject({ code: 'too_many', got: `${HOPS_MAX + 1}` });
  await acknowledge(machine, from);
  // A person, or a turn that no message led to, begins a new chain.
  expect(row(await sent(machine, { to, from })).hops).toBe(0);
});

it('nothing goes to an agent that is gone, or answers what is not here', async () => {
  const gone = await named('dora');
  await machine.append([{ entity: gone, by: userPrincipal('ada'), body: { type: 'agent.deregistered' } }]);
  expect(await send(machine, { to: gone })).toMatchObject({ code: 'not_found' });
  expect(await send(machine, { to: bob, replyTo: gone })).toMatchObject({ code: 'not_found' });
  expect(count()).toBe(0);
});

describe('who comes to the hub from outside', () => {
  const outsider = userPrincipal('@3f1c9a0b7d2e4455');
  const admit = (...allow: string[]) =>
    machine.append([{ entity: bob, by: userPrincipal('ada'), body: { type: 'agent.outsidersSet', allow } }]);

  it('reaches channels and people, and no agent until an operator admits it', async () => {
    const toBob = () => send(machine, { to: bob, by: outsider });
    expect(await toBob()).toMatchObject({ code: 'forbidden', got: '@3f1c9a0b7d2e4455' });
    expect(count()).toBe(0);
    expect(await send(machine, { to: bob, by: outsider, channels: [OPERATOR_CHANNEL, '#general'] })).toHaveLength(2);
    await admit('@0000*');
    expect(await toBob()).toMatchObject({ code: 'forbidden' });
    await admit('@3f1c9a0b7d2e4455');
    expect(await toBob()).toHaveLength(1);
    expect(await send(machine, { to: ann, by: outsider })).toMatchObject({ code: 'forbidden' });
    await admit();
    expect(await toBob()).toMatchObject({ code: 'forbidden' });
  });

  it('says nothing to anybody where one of the readers takes nothing of it', async () => {
    expect(await send(machine, { to: bob, by: outsider, channels: ['#general', mailboxOf(bob)] })).toMatchObject({
      code: 'forbidden',
    });
    expect(count()).toBe(0);
  });

  it('floods nobody, whatever channel it writes to', async () => {
    await admit('@*');
    for (const channels of [[mailboxOf(bob)], ['#general'], [OPERATOR_CHANNEL]]) {
      for (let n = 0; n < 5; n++) await sent(machine, { to: bob, by: outsider, channels });
      expect(await send(machine, { to: bob, by: outsider, channels })).toMatchObject({ code: 'too_many' });
    }
    expect(await send(machine, { to: bob, by: userPrincipal('@abcdefg1') })).toHaveLength(1);
  });

  it('comes to an end with another that answers it without saying what it answers, and goes on when people or a third speak, or all are silent', async () => {
    machine = new Machine(0, { settings: { messagesPerMinute: 1_000 } });
    await machine.register();
    const [one, two, third] = ['@3f1c9a0b7d2e4455', '@3f1c9a0b7d2e4466', '@3f1c9a0b7d2e4477'].map((id) =>
      userPrincipal(id),
    );
    if (one === undefined || two === undefined || third === undefined) throw new Error('three speakers are made');
    const speak = (by: Principal, to: string) => send(machine, { to: bob, by, channels: [to] });
    const toAndFro = async (from: Turn, back: Turn): Promise<void> => {
      for (let n = 0; n <= HOPS_MAX; n += 1) {
        const [by, to] = n % 2 === 0 ? from : back;
        machine.nowMs += 10_000;
        expect(await speak(by, to)).toHaveLength(1);
      }
      const [by, to] = HOPS_MAX % 2 === 0 ? back : from;
      expect(await speak(by, to)).toMatchObject({ code: 'too_many', got: `${HOPS_MAX + 1}` });
    };
    await toAndFro([one, '#general'], [two, '#general']);
    expect(await speak(third, '#general')).toHaveLength(1);
    expect(await speak(two, '#general')).toHaveLength(1);
    await toAndFro([one, '#help'], [two, '#help']);
    await send(machine, { to: bob, channels: ['#help'] });
    expect(await speak(two, '#help')).toHaveLength(1);
    await toAndFro([one, '@3f1c9a0b7d2e4466'], [two, '@3f1c9a0b7d2e4455']);
    machine.nowMs += 300_001;
    expect(await speak(two, '@3f1c9a0b7d2e4455')).toHaveLength(1);
  });

  it('is heard by an agent that it only answers as the end of a chain, too', async () => {
    await admit('@*');
    for (let n = 0; n < HOPS_MAX; n += 2) {
      machine.nowMs += 60_000;
      expect(await send(machine, { to: bob, by: outsider })).toHaveLength(1);
      await take(machine, { agent: bob });
      await sent(machine, { to: bob, from: bob, channels: ['@3f1c9a0b7d2e4455'] });
      await acknowledge(machine, bob);
    }
    machine.nowMs += 60_000;
    await sent(machine, { to: bob, by: outsider });
    await take(machine, { agent: bob });
    const answer = await send(machine, { to: bob, from: bob, channels: ['@3f1c9a0b7d2e4455'] });
    expect(answer).toMatchObject({ code: 'too_many' });
  });

  it('comes to an end with an agent that only answers it', async () => {
    await admit('@*');
    let theirs = await sent(machine, { to: bob, by: outsider });
    for (let hops = 1; hops < HOPS_MAX; hops += 2) {
      await take(machine, { agent: bob });
      const ours = await sent(machine, { to: bob, from: bob, channels: ['@3f1c9a0b7d2e4455'], replyTo: theirs });
      await acknowledge(machine, bob);
      machine.nowMs += 6_000;
      theirs = await sent(machine, { to: bob, by: outsider, replyTo: ours });
      expect([row(ours).hops, row(theirs).hops]).toEqual([hops, hops + 1]);
    }
    await take(machine, { agent: bob });
    const refused = await send(machine, { to: bob, from: bob, channels: ['@3f1c9a0b7d2e4455'], replyTo: theirs });
    expect(refused).toMatchObject({ code: 'too_many', got: `${HOPS_MAX + 1}` });
  });
});

it('a list of those whom an agent may write to holds for channels and for those outside, too', async () => {
  const by = userPrincipal('ada');
  await machine.append([{ entity: ann, by, body: { type: 'agent.recipientsSet', allow: ['bob', '#help'] } }]);
  const to = (channel: string) => send(machine, { to: bob, from: ann, channels: [channel] });
  expect(await to('#general')).toMatchObject({ code: 'forbidden', got: '#general' });
  expect(await to('@3f1c9a0b7d2e4455')).toMatchObject({ code: 'forbidden' });
  expect(await to('#help')).toHaveLength(1);
  expect(await to(mailboxOf(bob))).toHaveLength(1);
});
