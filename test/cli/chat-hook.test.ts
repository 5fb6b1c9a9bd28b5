import { afterEach, describe, expect, it } from 'vitest';
import { EXIT } from '#cli/exit.ts';
import { Rigs } from './rig.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());

const hook = {
  id: '0a1b2c3d4e5f',
  name: 'chat',
  channel: '#general',
  direction: 'out',
  url: 'https://chat.example.org/in',
  state: 'stopped',
  handled: 3,
  waiting: 2,
  trouble: { message_id: 'x-1', reason: 'it answered 500', attempts: 12 },
};
const made = { ...hook, secret: 'skep_hook_abc', post_path: null };

describe('skep chat hook', () => {
  it('add: with a URL one that tells, without one that takes; the secret is on standard output, this once', async () => {
    const { node, world } = await rigs.make();
    const posts = { ...made, direction: 'in', url: null, post_path: '/api/webhooks/in/t' };
    node.when('POST /api/webhooks', ({ body }) => {
      const isOut = body !== null && typeof body === 'object' && 'url' in body;
      return { status: 201, body: isOut ? made : posts };
    });
    const { url, channel } = hook;
    expect(await skep(world, 'chat', 'hook', 'add', channel, url, '--name', 'chat', '--allow-private')).toBe(EXIT.ok);
    expect(world.said.out).toBe('id      0a1b2c3d4e5f\nsecret  skep_hook_abc\n');
    expect(await skep(world, 'chat', 'hook', 'add', channel, '--name', 'ci')).toBe(EXIT.ok);
    expect(world.said.out).toContain('path    /api/webhooks/in/t\n');
    expect(node.seen.map(({ body }) => body)).toEqual([
      { name: 'chat', channel, direction: 'out', url, allow_private: true },
      { name: 'ci', channel, direction: 'in' },
    ]);
    expect(await skep(world, 'chat', 'hook', 'add', channel, '--allow-private')).toBe(EXIT.usage);
    expect(node.seen).toHaveLength(2);
  });

  it('list: says what waits and why, and shows answers as they came with --json', async () => {
    const { node, world } = await rigs.make();
    const posts = { ...hook, name: 'ci', direction: 'in', url: null, state: 'active', trouble: null };
    node.on('GET /api/webhooks', [hook, posts]);
    expect(await skep(world, 'chat', 'hook', 'list', '#general')).toBe(EXIT.ok);
    expect(node.seen[0]?.query).toEqual({ channel: '#general' });
    expect(world.said.out).toMatch(/chat +#general +out +stopped +3 +2 +https:.*; it answered 500 \(12 tries\)/);
    expect(world.said.out).toMatch(/ci +#general +in +active +3 +@hook-ci/);
    world.said.out = '';
    expect(await skep(world, 'chat', 'hook', 'list', '--json')).toBe(EXIT.ok);
    expect(JSON.parse(world.said.out)).toEqual([hook, posts]);
  });

  it('remove and resume: by id or by name', async () => {
    const { node, world } = await rigs.make();
    node.on('GET /api/webhooks', [hook]).on(`DELETE /api/webhooks/${hook.id}`, { id: hook.id, removed: true });
    node.on(`POST /api/webhooks/${hook.id}/resume`, hook);
    expect(await skep(world, 'chat', 'hook', 'resume', 'chat', '--skip')).toBe(EXIT.ok);
    expect(await skep(world, 'chat', 'hook', 'remove', hook.id)).toBe(EXIT.ok);
    expect(world.said.out).toBe('It goes on.\nRemoved.\n');
    expect(node.seen.map(({ body }) => body).filter(Boolean)).toEqual([{ skip: true }]);
    expect(await skep(world, 'chat', 'hook', 'remove', 'nobody')).toBe(EXIT.refused);
  });
});
