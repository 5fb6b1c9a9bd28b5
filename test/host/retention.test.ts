/** Which tasks keep their refs: the newest ended ones, those that go on or are needed, and those whose bundles are elsewhere. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { hashOf } from '#core/brand.ts';
import type { Op } from '#core/op.ts';
import { RefRetention } from '#host/retention.ts';
import { MemoryStore } from '#store/memory.ts';
import type { RetentionRequest } from '#workspace/retention.ts';
import { Author, taskBody, testCrypto } from '../store/author.ts';

const BUNDLE = hashOf('c'.repeat(64));

async function swarmWith(o: { ended: number; open?: readonly { dependsOn: number[] }[]; hasBundle?: boolean }) {
  const store = new MemoryStore({ crypto: testCrypto });
  const author = new Author('a');
  const tasks: OpId[] = [];
  const ops: Op[] = [];
  const create = (dependsOn: readonly OpId[]): OpId => {
    const op = author.next(taskBody({ voters: [author.node], dependsOn: [...dependsOn] }));
    ops.push(op);
    return op.header.entity;
  };
  const work = {
    project: null,
    branch: 'b',
    base: 'a'.repeat(40),
    head: 'b'.repeat(40),
    commits: 1,
    bundle: BUNDLE,
    sizeBytes: 1,
  };
  for (let n = 0; n < o.ended; n++) {
    const task = create([]);
    tasks.push(task);
    const grant = { kind: 'granted' as const, attempt: 1, claim: task, node: author.node, agent: task };
    const rest = { reason: null, result: null, error: null, by: null };
    const end = { kind: 'completed' as const, attempt: 1, work, ...rest };
    ops.push(
      author.next({ type: 'task.granted', slot: 1, value: grant }, { entity: task }),
      author.next({ type: 'task.ended', slot: 2, value: end }, { entity: task }),
    );
  }
  for (const { dependsOn } of o.open ?? []) create(dependsOn.flatMap((n) => tasks[n] ?? []));
  const arrivals = await store.commit({ ops, rows: [] });
  const asked = Promise.withResolvers<RetentionRequest>();
  let looks = 0;
  const retention = new RefRetention({
    store,
    blobs: { has: async () => o.hasBundle ?? true },
    workspaces: {
      repositories: async () => {
        looks += 1;
        return ['loose'];
      },
      dropOldRefs: async (request) => {
        asked.resolve(request);
        return { dropped: 0 };
      },
    },
    log: () => {},
    kept: { tasks: 2, undelivered: 4 },
  });
  const all = async () => {
    const { of } = await asked.promise;
    return Promise.all(tasks.map((task) => of(task)));
  };
  return { retention, arrivals, all, asked: asked.promise, looks: () => looks };
}

describe('refs of ended tasks', () => {
  it('of the newest stay, then what others hold goes, then the rest', async () => {
    const { retention, all } = await swarmWith({ ended: 6 });
    retention.look();
    expect(await all()).toEqual(['all', 'all', 'held', 'held', 'keep', 'keep']);
    await retention.close();
  });

  it('stay where an open task needs that one', async () => {
    const { retention, all } = await swarmWith({ ended: 6, open: [{ dependsOn: [0, 3] }] });
    retention.look();
    expect(await all()).toEqual(['keep', 'all', 'held', 'keep', 'keep', 'keep']);
    await retention.close();
  });

  it('stay where the bundle is on another node only, or the task is not known', async () => {
    const { retention, all, asked } = await swarmWith({ ended: 6, hasBundle: false });
    retention.look();
    expect(new Set(await all())).toEqual(new Set(['keep']));
    expect(await (await asked).of(new Author('b').next(taskBody({ voters: [] })).header.entity)).toBe('keep');
    await retention.close();
  });

  it('are looked at again when many tasks have ended, and never after the end', async () => {
    const few = await swarmWith({ ended: 2 });
    few.retention.look();
    await few.retention.close();
    expect(few.looks()).toBe(0);
    const { retention, arrivals, looks, asked } = await swarmWith({ ended: 70 });
    retention.look();
    await asked;
    await new Promise(setImmediate);
    retention.look();
    retention.arrived(arrivals.slice(0, 9));
    expect(looks()).toBe(1);
    await retention.close();
    retention.arrived(arrivals);
    await retention.close();
    expect(looks()).toBe(1);
  });
});
