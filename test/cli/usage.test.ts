import { afterEach, describe, expect, it } from 'vitest';
import { Rigs } from './rig.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());

const sum = (cost_usd: number | null, unpriced_records: number) => ({
  input_tokens: 12_345,
  cached_tokens: 0,
  output_tokens: 67,
  turns: 1_200,
  time_ms: 3_723_000,
  cost_usd,
  unpriced_records,
});

describe('skep usage', () => {
  it('shows sums, and what nobody knows the price of as unknown, never as nothing', async () => {
    const { node, world } = await rigs.make({});
    const groups = [
      { key: 'x', name: 'ann\u001b[2J', sum: sum(1.5, 0) },
      { key: 'y', name: 'bob', sum: sum(null, 2) },
    ];
    node.on('GET /api/usage', { by: 'agent', total: sum(1.5, 2), groups, truncated: true });
    expect(await skep(world, 'usage', '--since', '2026-11-26', '--node', 'hive')).toBe(0);
    expect(node.seen[0]?.query).toMatchObject({ by: 'agent', since: '2026-11-26', node: 'hive' });
    const lines = world.said.out.split('\n');
    expect(lines[1]).toMatch(/^ann +1,200 +1:02:03 +12,345 +0 +67 +1\.5000$/);
    expect(lines[2]).toMatch(/^bob .* unknown$/);
    expect(lines[3]).toMatch(/^total .* 1\.5000\+$/);
    expect(world.said.err).toMatch(/more records/);
  });

  it('says why there may be nothing', async () => {
    const { node, world } = await rigs.make({});
    node.on('GET /api/usage', { by: 'day', total: sum(null, 0), groups: [], truncated: false });
    expect(await skep(world, 'usage', '--by', 'day')).toBe(0);
    expect(world.said.out).toMatch(/^Nothing yet/);
  });
});
