/** What operators do to channels by HTTP: the same ops that operators of a channel write at the hub. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentPrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import { isMember, speakBar } from '#core/channel/rules.ts';
import { SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

const ANN = userPrincipal('@3f1c9a0b7d2e4455');
const ADA = agentPrincipal(parsedOpId(`${SELF}-2`));
const PLACE = '/api/channels/parsers';
const message = z.looseObject({ id: z.string() });

let served: Served;
let before: number;

beforeEach(async () => {
  served = await serve();
  await served.post('/api/swarm/agents', { name: 'ada', tool: 'shell' });
  await served.post('/api/channels', { name: '#parsers', topic: 'lexer', slow_seconds: 5 });
  const joined = [ANN, ADA].map((member) => ({
    entity: undefined,
    by: member,
    body: { type: 'channel.joined', channel: '#parsers', member, name: member === ANN ? 'ann' : 'ada' } as const,
  }));
  await served.node.append(joined);
  before = served.node.store.lastArrival();
});
afterEach(() => served.close());

const moderate = (body: object): Promise<Response> => served.post(`${PLACE}/moderate`, body);
const members = () => served.json(`${PLACE}/members`);
const barOf = (member: typeof ANN) =>
  speakBar(served.node.store, { channel: '#parsers', member, sinceMs: Number.POSITIVE_INFINITY });

describe('a channel', () => {
  it('is made as it is wanted, once', async () => {
    const wanted = { name: '#closed', invite_only: true, verified_only: true };
    const made = await served.post('/api/channels', wanted);
    expect(await made.json()).toMatchObject({ ...wanted, topic: null, slow_seconds: 0, members: 0 });
    expect((await served.post('/api/channels', wanted)).status).toBe(409);
    expect((await served.post('/api/channels', { name: '#general' })).status).toBe(409);
    expect((await served.post('/api/channels', { name: 'no hash' })).status).toBe(400);
    expect(await served.json('/api/channels')).toContainEqual(
      expect.objectContaining({ name: '#parsers', topic: 'lexer', slow_seconds: 5 }),
    );
  });

  it('has another topic and pace when an operator says so', async () => {
    expect(await (await moderate({ action: 'topic', topic: 'parser' })).json()).toMatchObject({ topic: 'parser' });
    expect(await (await moderate({ action: 'slow', seconds: 0 })).json()).toMatchObject({ slow_seconds: 0 });
  });

  it('takes in whom an operator asks, and tells who is there and how they stand', async () => {
    await served.post('/api/channels', { name: '#closed', invite_only: true });
    expect((await served.post('/api/channels/closed/invite', { member: 'ada' })).status).toBe(200);
    expect((await served.post('/api/channels/%23closed/invite', { member: '@3f1c9a0b7d2e4455' })).status).toBe(200);
    expect(await served.json('/api/channels/closed/members')).toMatchObject([
      { name: 'ada', agent_id: `${SELF}-2`, invited: true, joined: false },
      { id: '@3f1c9a0b7d2e4455', agent_id: null, invited: true, joined: false },
    ]);
    expect(await members()).toMatchObject([{ name: 'ada' }, { name: 'ann', joined: true, node_name: 'hive' }]);
  });
});

describe('moderation', () => {
  it('shuts out, lets in again, silences and gives the role, of agents and of those from outside', async () => {
    expect((await moderate({ action: 'mute', member: 'ada' })).status).toBe(200);
    expect(barOf(ADA)).toBe('muted');
    await moderate({ action: 'unmute', member: 'ada' });
    expect(barOf(ADA)).toBeUndefined();
    await moderate({ action: 'promote', member: 'ada' });
    await moderate({ action: 'ban', member: '@3f1c9a0b7d2e4455', reason: 'flooding' });
    expect(isMember(served.node.store, { channel: '#parsers', member: ANN })).toBe(false);
    expect(await members()).toMatchObject([
      { name: 'ada', operator: true, muted: false },
      { id: '@3f1c9a0b7d2e4455', joined: false, banned: true },
    ]);
    await moderate({ action: 'unban', member: '@3f1c9a0b7d2e4455' });
    await moderate({ action: 'kick', member: 'ada' });
    await moderate({ action: 'demote', member: 'ada' });
    expect(await members()).toEqual([]);
  });

  it.each([
    [{ action: 'mute' }, 400],
    [{ action: 'topic' }, 400],
    [{ action: 'slow' }, 400],
    [{ action: 'slow', seconds: 90_000 }, 400],
    [{ action: 'burn', member: 'ada' }, 400],
    [{ action: 'kick', member: 'nobody' }, 404],
    [{ action: 'kick', member: 'ada', reason: 'x'.repeat(201) }, 400],
  ])('refuses %j, and changes nothing', async (body, status) => {
    expect((await moderate(body)).status).toBe(status);
    expect(served.node.store.lastArrival()).toBe(before);
  });

  it('is for operators, as is the list that it is chosen from', async () => {
    const headers = { authorization: `Bearer ${served.viewer}` };
    expect((await served.post(`${PLACE}/moderate`, { action: 'kick', member: 'ada' }, headers)).status).toBe(403);
    expect((await served.post('/api/channels', { name: '#x' }, headers)).status).toBe(403);
    expect((await served.post(`${PLACE}/invite`, { member: 'ada' }, headers)).status).toBe(403);
    expect((await served.fetch(`${PLACE}/members`, { headers })).status).toBe(403);
    expect(served.node.store.lastArrival()).toBe(before);
  });
});

describe('a nudge', () => {
  const nudge = (who: string, body: object = {}): Promise<Response> =>
    served.post(`/api/swarm/agents/${who}/nudge`, body);

  it('is a message of an operator with its own mark', async () => {
    expect(await (await nudge('ada', { text: 'the review waits' })).json()).toMatchObject({
      to: 'ada',
      kind: 'event',
      source: 'nudge',
      from: 'operator',
      body: 'the review waits',
    });
    expect(await (await nudge('ada')).json()).toMatchObject({ body: expect.stringContaining('operator asks you') });
  });

  it('goes to one agent alone, by an operator', async () => {
    expect((await nudge('nobody')).status).toBe(404);
    expect((await nudge('%23general')).status).toBe(400);
    expect((await nudge('operator')).status).toBe(400);
    const headers = { authorization: `Bearer ${served.viewer}` };
    expect((await served.post('/api/swarm/agents/ada/nudge', {}, headers)).status).toBe(403);
    expect(served.node.store.lastArrival()).toBe(before);
  });
});

describe('who has a message', () => {
  const readers = async (id: string) => served.json(`/api/messages/${id}/readers`);
  const say = async (to: string): Promise<string> => {
    const sent: unknown = await (await served.post('/api/messages', { to, body: 'x' })).json();
    return z.array(message).parse(sent)[0]?.id ?? '';
  };
  const reads = async (reader: typeof ANN, channel: string, id: string): Promise<void> => {
    const upTo = { [SELF]: Number(id.split('-')[1]) };
    const body = { type: 'read.advanced', channel, reader, upTo } as const;
    await served.node.append([{ entity: undefined, by: reader, body }]);
  };

  it('of a channel: each that is in it by its cursor, and who joined later', async () => {
    const id = await say('#parsers');
    const late = userPrincipal('@ab12cd34');
    const body = { type: 'channel.joined', channel: '#parsers', member: late, name: 'late' } as const;
    await served.node.append([{ entity: undefined, by: late, body }]);
    expect(await readers(id)).toEqual([
      { id: `@${SELF}-2`, name: 'ada', kind: 'agent', state: 'open', reason: null },
      { id: '@3f1c9a0b7d2e4455', name: 'ann', kind: 'outsider', state: 'sent', reason: null },
      { id: '@ab12cd34', name: 'late', kind: 'outsider', state: 'later', reason: null },
    ]);
    await reads(ADA, '#parsers', id);
    await reads(ANN, '#parsers', id);
    expect(await readers(id)).toMatchObject([{ state: 'read' }, { state: 'read' }, { state: 'later' }]);
  });

  it('of a channel: an agent at which it bounced, and why', async () => {
    const id = await say('#parsers');
    const body = { type: 'message.bounced', agent: parsedOpId(`${SELF}-2`), reason: 'mailbox_full' } as const;
    await served.node.append([{ entity: parsedOpId(id), by: ADA, body }]);
    expect(await readers(id)).toContainEqual(
      expect.objectContaining({ name: 'ada', state: 'bounced', reason: 'mailbox_full' }),
    );
  });

  it('of one reader: that one', async () => {
    expect(await readers(await say('ada'))).toMatchObject([{ name: 'ada', kind: 'agent', state: 'open' }]);
    expect(await readers(await say('operator'))).toMatchObject([{ kind: 'people', state: 'open' }]);
    expect((await served.fetch(`/api/messages/${SELF}-999/readers`)).status).toBe(404);
    const headers = { authorization: `Bearer ${served.viewer}` };
    expect((await served.fetch(`/api/messages/${await say('#parsers')}/readers`, { headers })).status).toBe(403);
  });
});
