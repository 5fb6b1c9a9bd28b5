// Needs: nothing but Node. Limits, an operator's frames and HTTP of a hub in a process of its own, by a client that knows AgentChat's reference alone.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Key } from './outsider-client.ts';
import { OutsiderHub } from './outsider-hub.ts';
import * as row from './outsider-rows.ts';

const hub = new OutsiderHub();
let admin_key: string;
let viewer_key: string;
beforeAll(async () => {
  await hub.start();
  const token = z.object({ token: z.string() });
  admin_key = (await hub.skep(['token', 'create', 'op', '--role', 'operator'], token)).token;
  viewer_key = (await hub.skep(['token', 'create', 'eye', '--role', 'viewer'], token)).token;
});
afterEach(() => hub.leave());
afterAll(() => hub.close());

const FRAME_MAX_BYTES = 2 * 1024 * 1024;

describe('a limit', () => {
  it('of one message a second refuses the second', async () => {
    const ann = await hub.guest('ann');
    ann.send({ type: 'MSG', to: ann.id, content: 'one' });
    ann.send({ type: 'MSG', to: ann.id, content: 'two' });
    expect((await ann.next(row.Message)).content).toBe('one');
    expect((await ann.next(row.Refusal)).code).toBe('RATE_LIMITED');
  });

  it('that is broken again and again ends at the door', async () => {
    const ann = await hub.guest('ann');
    for (let at = 0; at < 50; at += 1) ann.send({ type: 'MSG', to: ann.id, content: `${at}` });
    expect((await ann.closed).code).toBe(1008);
    expect((await ann.next(row.Kicked)).reason).not.toBe('');
  });

  it('of frames is ten before the login, sixty after, in ten seconds', async () => {
    const stranger = await hub.stranger();
    for (let at = 0; at < 60; at += 1) stranger.send({ type: 'PING' });
    expect((await stranger.closed).code).toBe(1008);
    const ann = await hub.guest('ann');
    for (let at = 0; at < 55; at += 1) ann.send({ type: 'PING' });
    await ann.all(row.Pong);
    for (let at = 0; at < 300; at += 1) ann.send({ type: 'PING' });
    expect((await ann.closed).code).toBe(1008);
  });

  it('of pieces of files is ten a second', async () => {
    const [ann, bob] = [await hub.guest('ann'), await hub.guest('bob')];
    for (let at = 0; at < 50; at += 1) ann.send({ type: 'FILE_CHUNK', to: bob.id, content: `${at}` });
    expect((await ann.next(row.Refusal)).code).toBe('RATE_LIMITED');
    const passed = Array.from({ length: 10 }, (_, at) => `${at}`);
    for (const content of passed) expect((await bob.next(row.FileChunk)).content).toBe(content);
  });

  it('of two mebibytes holds for a frame; what is below comes whole, and others stay', async () => {
    const [ann, bob] = [await hub.guest('ann'), await hub.guest('bob')];
    const content = 'x'.repeat(FRAME_MAX_BYTES - 200);
    ann.send({ type: 'MSG', to: bob.id, content });
    expect((await bob.next(row.Message)).content === content).toBe(true);
    ann.send({ type: 'MSG', to: bob.id, content: 'x'.repeat(FRAME_MAX_BYTES + 1) });
    // It is told why, or cut off while it still sends.
    expect([1009, 1006]).toContain((await ann.closed).code);
    expect(await bob.all(row.Message)).toEqual([]);
  });
});

describe('an operator', () => {
  it('is one by its token, and nobody by another', async () => {
    const ann = await hub.guest('ann');
    for (const wrong of ['wrong', viewer_key])
      expect(await ann.refusal({ type: 'ADMIN_LIST', admin_key: wrong })).toMatch(/^AUTH_REQUIRED /);
    expect(await ann.refusal({ type: 'ADMIN_LIST' })).toMatch(/^INVALID_MSG /);
    const ban = { type: 'ADMIN_BAN', agent_id: new Key().agentId, admin_key: 'wrong' };
    expect(await ann.refusal(ban)).toMatch(/^AUTH_REQUIRED /);
    const listed = await ann.ask({ type: 'ADMIN_LIST', admin_key }, row.AdminResult);
    expect(listed).toMatchObject({ action: 'list', success: true });
  });

  it('kicks and bans, and takes a ban back', async () => {
    const key = new Key();
    const [boss, kim] = [await hub.guest('boss'), await hub.keyed('kim', key)];
    const act = (type: string, fields: object = {}) =>
      boss.ask({ type, agent_id: key.agentId, admin_key, ...fields }, row.AdminResult);
    expect(await act('ADMIN_KICK', { reason: 'flooding' })).toMatchObject({ action: 'kick', success: true });
    expect((await kim.next(row.Kicked)).reason).toBe('flooding');
    await kim.closed;
    const again = await hub.keyed('kim', key);
    expect(await act('ADMIN_BAN', { reason: 'flooding' })).toMatchObject({ action: 'ban', success: true });
    expect((await again.next(row.Banned)).reason).toBe('flooding');
    await again.closed;
    const banned = await hub.stranger();
    expect(await banned.refusal({ type: 'IDENTIFY', name: 'kim', pubkey: key.pem })).toMatch(/^BANNED /);
    expect(await act('ADMIN_UNBAN')).toMatchObject({ action: 'unban', success: true });
    await hub.keyed('kim', key);
  });

  it('approves keys and revokes them', async () => {
    const key = new Key();
    const boss = await hub.guest('boss');
    const approve = { type: 'ADMIN_APPROVE', pubkey: key.pem, note: 'of the parser team', admin_key };
    expect(await boss.ask(approve, row.AdminResult)).toMatchObject({ action: 'approve', success: true });
    const kim = await hub.keyed('lee', key);
    const listed = await boss.ask({ type: 'ADMIN_LIST', admin_key }, row.AdminResult);
    expect(JSON.stringify(listed)).toContain(key.agentId);
    const revoke = { type: 'ADMIN_REVOKE', agent_id: key.agentId, admin_key };
    expect(await boss.ask(revoke, row.AdminResult)).toMatchObject({ action: 'revoke', success: true });
    await kim.closed;
    const stranger = await hub.stranger();
    expect(await stranger.refusal({ type: 'IDENTIFY', name: 'lee', pubkey: key.pem })).toMatch(/^NOT_ALLOWED /);
  });
});

describe('over HTTP', () => {
  it('everybody sees how the hub is', async () => {
    await hub.keyed('mia');
    await hub.guest('ann');
    const health = z.strictObject({
      status: z.literal('healthy'),
      server: z.string(),
      version: z.string(),
      uptime_seconds: z.number(),
      started_at: z.iso.datetime(),
      agents: z.strictObject({ connected: z.literal(2), with_identity: z.literal(1) }),
      channels: z.strictObject({ total: z.number().min(8), public: z.number().min(8) }),
      proposals: z.strictObject({
        total: z.number(),
        byStatus: z.record(z.string(), z.number()),
        agents: z.number(),
      }),
      timestamp: z.iso.datetime(),
    });
    await expect
      .poll(async () => health.safeParse(await (await hub.get('/health')).json()).error?.issues)
      .toBeUndefined();
    const other = await hub.get('/other');
    expect([other.status, await other.text()]).toEqual([404, 'Not Found']);
  });

  it('an operator sees who is connected', async () => {
    const ann = await hub.guest('ann');
    expect((await hub.get('/api/connections')).status).toBe(401);
    expect((await hub.get('/api/connections', { 'x-admin-key': viewer_key })).status).toBe(401);
    const connection = z.strictObject({
      agent_id: z.string().nullable(),
      ip: z.literal('127.0.0.1'),
      country: z.string().nullable(),
      city: z.string().nullable(),
      lat: z.number().nullable(),
      lon: z.number().nullable(),
      connected_at: z.iso.datetime(),
      user_agent: z.string(),
    });
    const answer = await hub.get('/api/connections', { 'x-admin-key': admin_key });
    const { connections, count } = z
      .strictObject({ connections: z.array(connection), count: z.number() })
      .parse(await answer.json());
    expect(connections).toContainEqual(expect.objectContaining({ agent_id: ann.id }));
    expect(count).toBe(connections.length);
  });
});
