import { afterEach, describe, expect, it } from 'vitest';
import { Rigs } from './rig.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());

const cap = { kind: 'account', name: 'team', max: 2, running: 1, set_by: 'user:operator', set_at: 'x' };

describe('skep cap', () => {
  it('lists what is limited, with what runs of it', async () => {
    const { node, world } = await rigs.make({});
    node.on('GET /api/caps', [cap]);
    expect(await skep(world, 'cap', 'list')).toBe(0);
    expect(world.said.out.split('\n')[1]).toMatch(/^account +team +2 +1$/);
  });

  it('sets one, and takes it back', async () => {
    const { node, world } = await rigs.make({});
    node.on('POST /api/caps', cap);
    node.on('DELETE /api/caps/account/a%20b', { status: 'removed', kind: 'account', name: 'a b' });
    expect(await skep(world, 'cap', 'set', 'account', 'team', '2')).toBe(0);
    expect(node.seen[0]?.body).toEqual({ kind: 'account', name: 'team', max: 2 });
    expect(world.said.out).toBe('account team: at most 2, 1 now\n');
    expect(await skep(world, 'cap', 'remove', 'account', 'a b')).toBe(0);
  });

  it('takes no cap that is no number', async () => {
    const { node, world } = await rigs.make({});
    expect(await skep(world, 'cap', 'set', 'tool', 'claude', 'two')).toBe(2);
    expect(node.seen).toEqual([]);
  });
});
