/** Channels, as the agents of one node read them: in the mailbox, with a cursor instead of an end. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { OpId, Principal } from '#core/brand.ts';
import { agentPrincipal, userPrincipal } from '#core/brand.ts';
import { HOPS_MAX } from '#core/message/flood-guard.ts';
import { cursorId } from '#core/view/cursor.ts';
import { Machine } from '../machine.ts';
import { present } from '../writer.ts';
import { acknowledge, letter, requeue, take, texts } from './post-office.ts';
import { opId } from '#core/op.ts';
import type { Sending } from '#core/message/sender.ts';

const ROOM = '#general';
let machine: Machine;
let ann: OpId;
let bob: OpId;

beforeEach(async () => {
  machine = new Machine(0);
  await machine.register();
  [ann, bob] = [await machine.agent(), await machine.agent()];
  for (const agent of [ann, bob]) await join(agent);
});

async function join(agent: OpId): Promise<void> {
  const member = agentPrincipal(agent);
  await machine.append([
    {
      entity: undefined,
      by: member,
      body: { type: 'channel.joined', channel: ROOM, member, name: 'x' },
    },
  ]);
}

async function say(text: string, o: Partial<Sending> = {}): Promise<OpId | string> {
  const ops = machine.core.mail(machine.clock()).sender.send(letter({ channels: [ROOM], text, ...o }));
  await machine.run();
  if (ops === 'comparing') throw new Error('the node may not write yet');
  return 'refused' in ops ? ops.message : opId(present(ops[0]));
}

const as = (agent: OpId): Partial<Sending> => ({ sender: agent, by: agentPrincipal(agent) });
const cursor = (agent: OpId) =>
  machine.store.get('cursor', cursorId({ reader: agentPrincipal(agent), channel: ROOM }))?.upTo;

async function restart(): Promise<void> {
  machine = new Machine(0, { store: machine.store });
  await machine.run();
}

describe('a message to a channel', () => {
  it('lies in the mailbox of each that is in it, but not of who said it', async () => {
    await say('hello', as(ann));
    expect(await take(machine, { agent: ann })).toEqual([]);
    expect(texts(await take(machine, { agent: bob }))).toEqual(['hello']);
    await say('to all');
    expect(texts(await take(machine, { agent: ann }))).toEqual(['to all']);
  });

  it('reaches nobody who left', async () => {
    const member = agentPrincipal(bob);
    await machine.append([{ entity: undefined, by: member, body: { type: 'channel.left', channel: ROOM, member } }]);
    await say('gone');
    expect(await take(machine, { agent: bob })).toEqual([]);
    expect(texts(await take(machine, { agent: ann }))).toEqual(['gone']);
  });

  it('is handled by a cursor that passes over nothing open, and a row keeps what lies behind it', async () => {
    const [one, two, three] = [await say('1'), await say('2'), await say('3')];
    const handed = await take(machine, { agent: bob });
    expect(texts(handed)).toEqual(['1', '2', '3']);
    const ids = handed.map(({ message }) => message.id);
    expect(ids).toEqual([one, two, three]);
    await acknowledge(machine, bob, ids.slice(2));
    expect(cursor(bob)).toBeUndefined();
    await restart();
    const again = await take(machine, { agent: bob });
    expect(again.map(({ message, redelivered }) => [message.sent.text, redelivered])).toEqual([
      ['1', true],
      ['2', true],
    ]);
    expect(await acknowledge(machine, bob)).toBe(2);
    expect(Object.values(present(cursor(bob)))).toEqual([present(handed[2]).message.sent.stamp.seq]);
    expect(machine.store.localRows('lease')).toEqual([]);
    await restart();
    expect(await take(machine, { agent: bob })).toEqual([]);
  });

  it('that nobody handed out comes unmarked after a restart, and marked when it was', async () => {
    await say('1');
    await restart();
    expect(await take(machine, { agent: bob })).toMatchObject([{ redelivered: false }]);
    await requeue(machine, bob);
    expect(await take(machine, { agent: bob })).toMatchObject([{ redelivered: true, deliveries: 2 }]);
    expect(await take(machine, { agent: ann })).toMatchObject([{ redelivered: false }]);
  });
});

describe('a conversation that has no end', () => {
  it('of two agents is ended by the number of hops, which says so', async () => {
    let refused = '';
    for (let at = 0; at <= HOPS_MAX + 1; at += 1) {
      const [speaker, hearer] = at % 2 === 0 ? [ann, bob] : [bob, ann];
      const said = await say(`turn ${at}`, as(speaker));
      if (said.includes('chain')) {
        refused = said;
        break;
      }
      await acknowledge(machine, speaker);
      await take(machine, { agent: hearer });
    }
    expect(refused).toContain(`a chain of ${HOPS_MAX + 1} messages`);
    await say('a person speaks');
    await acknowledge(machine, ann);
    expect(await say('on', as(ann))).toContain('-');
  });

  it('of those who come from outside is ended by what they answer, and by their budget', async () => {
    const by: Principal = userPrincipal('@0123456789abcdef');
    let before: OpId | null = null;
    let refused = '';
    for (let at = 0; at <= HOPS_MAX + 1; at += 1) {
      const ops = machine.core.mail(machine.clock()).sender.send(letter({ channels: [ROOM], by, replyTo: before }));
      await machine.run();
      if (ops === 'comparing') throw new Error('the node may not write yet');
      if ('refused' in ops) refused = ops.message;
      else before = opId(present(ops[0]));
    }
    expect(refused).toContain('chain');
    let last = '';
    for (let at = 0; at < 61; at += 1) last = await say(`${at}`, { by });
    expect(last).toContain('faster than you may');
  });
});

it('an agent that may write to some only does not write to other channels', async () => {
  const by = userPrincipal('ada');
  await machine.append([{ entity: ann, by, body: { type: 'agent.recipientsSet', allow: ['#general'] } }]);
  expect(await say('x', as(ann))).toContain('-');
  await machine.append([{ entity: ann, by, body: { type: 'agent.recipientsSet', allow: ['bob'] } }]);
  expect(await say('x', as(ann))).toContain('not allowed you to write to #general');
});
