/** Maelstrom's workloads in virtual time: with its partitions nothing is lost and every history has an order; without them the published limits hold. */
import { describe, expect, test } from 'vitest';
import type { Call } from '#sim/linearizability.ts';
import { linearization } from '#sim/linearizability.ts';
import type { KvInput } from '#sim/maelstrom/lin-kv.ts';
import { keyRegister, linKvWorkload } from '#sim/maelstrom/lin-kv.ts';
import { partitionOf, PARTITIONS } from '#sim/maelstrom/partitions.ts';
import { spreadWorkload } from '#sim/maelstrom/spread.ts';
import { Random } from '#sim/random.ts';

const ALL = { corkMs: 0, links: 'all' } as const;

describe('broadcast and g-set', () => {
  test('3d: with a cork of 50 ms, 25 nodes and links of 100 ms', async () => {
    const settings = { corkMs: 50, links: 'star' } as const;
    const o = { nodes: 25, latencyMs: 100, latency: 'constant', settings, seed: 1, rate: 100, seconds: 10 } as const;
    const { latenciesMs, ...found } = await spreadWorkload({ ...o, workload: 'broadcast', partitions: false });
    expect(found).toMatchObject({ lost: 0, unexpected: 0, dropped: 0, problems: [] });
    // Half of the test is start and quiet, which count, too.
    expect(found.messagesPerOperationAtWork).toBeLessThanOrEqual(5);
    expect(latenciesMs.length).toBeGreaterThan(400);
    expect(latenciesMs[Math.floor(latenciesMs.length / 2)]).toBeLessThan(400);
    expect(latenciesMs.at(-1)).toBeLessThan(600);
  });

  test.each([1, 2, 3])('3c: with partitions nothing is lost, seed %i', async (seed) => {
    const o = { nodes: 5, latencyMs: 100, latency: 'exponential', settings: ALL, rate: 10, seconds: 60 } as const;
    const found = await spreadWorkload({ ...o, seed, workload: 'broadcast', partitions: true });
    expect(found).toMatchObject({ lost: 0, unexpected: 0, problems: [] });
    expect(found.dropped).toBeGreaterThan(50);
    expect(found.latenciesMs.length).toBeGreaterThan(200);
  });

  test('g-set with partitions, all links through one node', async () => {
    const settings = { corkMs: 50, links: 'star' } as const;
    const o = { nodes: 7, latencyMs: 20, latency: 'exponential', settings, seed: 4, rate: 20, seconds: 60 } as const;
    const found = await spreadWorkload({ ...o, workload: 'g-set', partitions: true });
    expect(found).toMatchObject({ lost: 0, unexpected: 0, problems: [] });
    expect(found.dropped).toBeGreaterThan(50);
  });
});

describe('lin-kv', () => {
  test.each([1, 2])('is linearizable with partitions, seed %i', async (seed) => {
    const o = { nodes: 5, latencyMs: 10, latency: 'exponential', settings: ALL, rate: 20, seconds: 60 } as const;
    const found = await linKvWorkload({ ...o, seed, perKey: 40, partitions: true });
    expect(found).toMatchObject({ unexplained: [], problems: [] });
    expect(found.answered).toBeGreaterThan(500);
    expect(found.dropped).toBeGreaterThan(200);
  });

  test('the check finds a read of an old value', () => {
    const call = (input: KvInput, start: number, at: number, output: string): Call<KvInput, string> => ({
      input,
      start,
      answer: { at, output },
    });
    const writes = [call({ kind: 'write', value: 1 }, 0, 1, 'ok'), call({ kind: 'write', value: 2 }, 2, 3, 'ok')];
    expect(linearization(keyRegister, [...writes, call({ kind: 'read' }, 4, 5, '2')])).toBeDefined();
    expect(linearization(keyRegister, [...writes, call({ kind: 'read' }, 4, 5, '1')])).toBeUndefined();
    expect(linearization(keyRegister, [...writes, call({ kind: 'cas', from: 1, to: 3 }, 4, 5, 'ok')])).toBeUndefined();
  });
});

describe('a partition', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];

  test.each(PARTITIONS)('%s cuts some pairs, both ways, and not all', (kind) => {
    const cut = partitionOf(kind, names, new Random(1));
    const pairs = names.flatMap((from) => names.map((to) => [from, to] as const));
    const apart = pairs.filter(([from, to]) => cut(from, to));
    expect(apart.length).toBeGreaterThan(0);
    expect(apart.length).toBeLessThan(20);
    expect(apart.every(([from, to]) => cut(to, from))).toBe(true);
  });

  test.each([5, 7, 25])('in a ring of %i leaves each node a majority, and no two the same', (size) => {
    const many = Array.from({ length: size }, (_, index) => `n${index}`);
    const cut = partitionOf('ring', many, new Random(1));
    const seen = many.map((from) => many.filter((to) => !cut(from, to)));
    expect(seen.every((some) => some.length > size / 2 && some.length < size)).toBe(true);
    expect(new Set(seen.map((some) => some.join(' '))).size).toBe(size);
  });
});
