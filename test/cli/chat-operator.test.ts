import { afterEach, describe, expect, it } from 'vitest';
import { EXIT } from '#cli/exit.ts';
import { Rigs } from './rig.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());

describe('skep chat, as an operator', () => {
  it('create, invite and moderate ask the node', async () => {
    const { node, world } = await rigs.make();
    node.on('POST /api/channels', {}, 201).on('POST /api/channels/%23parsers/invite', {});
    node.on('POST /api/channels/%23parsers/moderate', {});
    const chat = (...argv: string[]) => skep(world, 'chat', ...argv);
    expect(await chat('create', '#parsers', '--invite-only', '--slow', '30', '--topic', 'lexer')).toBe(EXIT.ok);
    expect(await chat('invite', '#parsers', 'bob')).toBe(EXIT.ok);
    expect(await chat('moderate', '#parsers', 'ban', 'bob', '--reason', 'flooding')).toBe(EXIT.ok);
    expect(await chat('moderate', '#parsers', 'slow', '5')).toBe(EXIT.ok);
    expect(await chat('moderate', '#parsers', 'topic', 'parser')).toBe(EXIT.ok);
    expect(node.seen.map(({ body }) => body)).toEqual([
      { name: '#parsers', topic: 'lexer', invite_only: true, verified_only: false, slow_seconds: 30 },
      { member: 'bob' },
      { action: 'ban', member: 'bob', reason: 'flooding' },
      { action: 'slow', seconds: 5 },
      { action: 'topic', topic: 'parser' },
    ]);
    expect(world.said.out).toBe('Made #parsers.\nbob may join #parsers.\nDone.\nDone.\nDone.\n');
  });

  it('members and readers are told a line each', async () => {
    const { node, world } = await rigs.make();
    const none = { joined: false, invited: false, banned: false, muted: false, operator: false };
    node.on('GET /api/channels/%23parsers/members', [
      { ...none, id: '@x-2', name: 'ada', node_name: 'hive', joined: true, muted: true },
      { ...none, id: '@3f1c9a0b7d2e4455', name: 'a\u001b[31mnn', node_name: null, banned: true },
    ]);
    node.on('GET /api/messages/3fa9c1d2-12/readers', [
      { id: '@x-2', name: 'ada', kind: 'agent', state: 'read', reason: null },
      { id: 'x', name: 'chat', kind: 'webhook', state: 'open', reason: 'it answered 500' },
    ]);
    expect(await skep(world, 'chat', 'members', '#parsers')).toBe(EXIT.ok);
    expect(world.said.out).toMatch(/ada +@x-2 +hive +joined, muted\n/);
    expect(world.said.out).toContain('banned');
    expect(world.said.out).not.toContain('\u001b');
    expect(await skep(world, 'chat', 'readers', '3fa9c1d2-12')).toBe(EXIT.ok);
    expect(world.said.out).toMatch(/ada +agent +read/);
    expect(world.said.out).toMatch(/chat +webhook +open +it answered 500/);
  });

  it('nudge tells the id of the message', async () => {
    const { node, world } = await rigs.make();
    node.on('POST /api/swarm/agents/bob/nudge', { id: `${'b'.repeat(32)}-7` }, 201);
    expect(await skep(world, 'chat', 'nudge', 'bob', 'go on')).toBe(EXIT.ok);
    expect(await skep(world, 'chat', 'nudge', 'bob')).toBe(EXIT.ok);
    expect(world.said.out).toBe('Nudged bob: bbbbbbbb-7.\n'.repeat(2));
    expect(node.seen.map(({ body }) => body)).toEqual([{ text: 'go on' }, { text: '' }]);
  });
});
