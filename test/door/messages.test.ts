/** Channels as people reach them: over the same routes as any reader of messages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import { agentPrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import { SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

const ANN = userPrincipal('@3f1c9a0b7d2e4455');
const SAID = {
  sender: undefined,
  kind: 'text',
  text: 'hello',
  replyTo: null,
  source: null,
  dueMs: null,
} as const;

describe('messages to a channel', () => {
  let served: Served;
  beforeAll(async () => (served = await serve()));
  afterAll(() => served.close());

  it('are listed there, newest first, as sent', async () => {
    for (const body of ['the lexer is in', 'the parser is in'])
      expect((await served.post('/api/messages', { to: '#general', body })).status).toBe(201);
    const listed = await served.json('/api/messages?to=%23general');
    expect(listed).toMatchObject([
      { to: '#general', body: 'the parser is in', state: 'sent' },
      { to: '#general', body: 'the lexer is in', state: 'sent' },
    ]);
    expect(await served.json('/api/messages?to=%23help')).toEqual([]);
  });

  it('are refused where there is no such channel', async () => {
    expect((await served.post('/api/messages', { to: '#nowhere', body: 'x' })).status).toBe(404);
  });
});

describe('what a page shows of channels', () => {
  let served: Served;
  const agent = parsedOpId(`${SELF}-2`);
  beforeAll(async () => {
    served = await serve();
    await served.post('/api/swarm/agents', { name: 'ada', tool: 'shell' });
    const closed = { type: 'channel.created', channel: '#closed', inviteOnly: true, verifiedOnly: false } as const;
    const key = { type: 'identity.registered', identity: '3f1c9a0b7d2e4455', name: 'ann', publicKey: 'x' } as const;
    const join = (channel: string, member: Principal, name: string) =>
      ({ type: 'channel.joined', channel, member, name }) as const;
    const bodies = [
      closed,
      { ...key, invite: null },
      join('#general', ANN, 'ann'),
      join('#closed', ANN, 'ann'),
      join('#general', userPrincipal('@ab12cd34'), 'guest'),
      join('#help', agentPrincipal(agent), 'ada'),
    ];
    await served.node.append(bodies.map((body) => ({ entity: undefined, by: userPrincipal('operator'), body })));
    await served.node.messages.send({ ...SAID, by: ANN, channels: ['#general', '#closed', '@operator'] });
  });
  afterAll(() => served.close());
  const asViewer = (path: string): Promise<Response> => served.fetch(path, { token: served.viewer });

  it('lists channels with who spoke last, those by invitation to operators alone', async () => {
    const all = await served.json('/api/channels');
    expect(all).toContainEqual({
      name: '#general',
      topic: null,
      invite_only: false,
      verified_only: false,
      slow_seconds: 0,
      members: 2,
      last: { id: expect.any(String), from_name: 'ann', sent_at: expect.any(String) },
    });
    expect(all).toContainEqual(expect.objectContaining({ name: '#closed', invite_only: true }));
    expect(await (await asViewer('/api/channels')).json()).not.toContainEqual(
      expect.objectContaining({ name: '#closed' }),
    );
    expect(await served.json('/api/channels?limit=1&offset=1')).toMatchObject([{ name: '#engineering' }]);
  });

  it('tells who is where, under the names that they have, and of closed channels only operators', async () => {
    expect(await served.json('/api/channels/people')).toMatchObject([
      { id: '@3f1c9a0b7d2e4455', name: 'ann', kind: 'key', node_name: 'hive', channels: ['#closed', '#general'] },
      { id: '@ab12cd34', name: 'guest', kind: 'guest', presence: null, channels: ['#general'] },
      { name: 'ada', kind: 'agent', agent_id: agent, channels: ['#help'] },
    ]);
    expect(await served.json('/api/channels/people?channel=%23help')).toMatchObject([{ name: 'ada' }]);
    expect(await (await asViewer('/api/channels/people')).json()).toMatchObject([
      { name: 'ann', channels: ['#general'] },
      { name: 'guest' },
      { name: 'ada' },
    ]);
    expect((await asViewer('/api/channels/people?channel=%23closed')).status).toBe(404);
    expect((await served.fetch('/api/channels/people?channel=%23nowhere')).status).toBe(404);
  });

  it('shows a viewer what is said in open channels and nothing else, also not by a thread', async () => {
    const [first] = z.array(z.looseObject({ id: z.string() })).parse(await served.json('/api/messages?to=%23general'));
    const id = first?.id ?? '';
    for (const to of ['operator', '#general'])
      await served.post('/api/messages', { to, body: `answer to ${to}`, in_reply_to: id });
    const open = await asViewer('/api/messages?to=%23general');
    expect(await open.json()).toMatchObject([
      { body: 'answer to #general', thread: id },
      { body: 'hello', id },
    ]);
    const thread = await asViewer(`/api/messages?to=%23general&thread=${id}`);
    expect(await thread.json()).toMatchObject([{ body: 'answer to #general' }, { body: 'hello' }]);
    expect(await served.json(`/api/messages?thread=${id}`)).toHaveLength(3);
    for (const path of ['', '?to=operator', '?to=ada', '?to=%23closed', `?thread=${id}`])
      expect([path, (await asViewer(`/api/messages${path}`)).status]).toEqual([path, 403]);
    expect((await asViewer(`/api/messages/${id}`)).status).toBe(403);
  });

  it('says of a message to one reader whether it was given it, and what it is called that spoke', async () => {
    const [toAgent] = z
      .array(z.looseObject({ id: z.string() }))
      .parse(await (await served.post('/api/messages', { to: 'ada', body: 'x' })).json());
    expect(toAgent).toMatchObject({ state: 'open', handed: false, from_name: 'operator' });
    const sent = await served.post('/api/messages', { to: '@3f1c9a0b7d2e4455', body: 'to ann' });
    const [toAnn] = z.array(z.looseObject({ id: z.string() })).parse(await sent.json());
    expect(toAnn).toMatchObject({ to: '@3f1c9a0b7d2e4455', state: 'sent', handed: false });
    const seq = Number(toAnn?.id.split('-')[1]);
    const read = { type: 'read.advanced', channel: '@3f1c9a0b7d2e4455', reader: ANN, upTo: { [SELF]: seq } } as const;
    await served.node.append([{ entity: undefined, by: ANN, body: read }]);
    expect(await served.json(`/api/messages/${toAnn?.id}`)).toMatchObject({ handed: true });
    expect(await served.json('/api/messages?to=operator')).toContainEqual(
      expect.objectContaining({ from: '@3f1c9a0b7d2e4455', from_name: 'ann', handed: null }),
    );
    expect((await served.post('/api/messages', { to: '@0000000000000000', body: 'x' })).status).toBe(404);
  });
});
