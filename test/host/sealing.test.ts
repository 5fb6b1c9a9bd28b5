/** When a node seals: as ops come, beyond the newest, and never after it stops. */
import { describe, expect, it } from 'vitest';
import { Sealing } from '#host/sealing.ts';

/** A store with so many runs to seal; it tells when the last is done. */
function storeWith(o: { runs: number; last?: number }) {
  const asked: number[] = [];
  const done = Promise.withResolvers<void>();
  const store = {
    last: o.last ?? 10_000,
    lastArrival: () => store.last,
    seal: async ({ keep }: { keep: number }) => {
      asked.push(keep);
      if (asked.length <= o.runs) return 256;
      done.resolve();
      return 0;
    },
  };
  return { store, asked, done: done.promise };
}

describe('sealing', () => {
  it('goes on run by run until nothing is left to seal', async () => {
    const { store, asked, done } = storeWith({ runs: 3 });
    const sealing = new Sealing({ store, after: 500 });
    sealing.look();
    await done;
    expect(asked).toEqual([500, 500, 500, 500]);
    await sealing.close();
  });

  it('looks again only when a run more may be there', async () => {
    const { store, asked, done } = storeWith({ runs: 0 });
    const sealing = new Sealing({ store, after: 500 });
    sealing.look();
    await done;
    store.last += 255;
    sealing.look();
    expect(asked).toHaveLength(1);
    await Promise.resolve();
    store.last += 1;
    // The first look has ended by the next turn.
    await new Promise(setImmediate);
    sealing.look();
    expect(asked).toHaveLength(2);
    await sealing.close();
  });

  it('does nothing where it is off, and nothing once closed', async () => {
    const { store, asked } = storeWith({ runs: 1_000_000 });
    const off = new Sealing({ store, after: 0 });
    off.look();
    expect(asked).toEqual([]);
    const sealing = new Sealing({ store, after: 1 });
    sealing.look();
    await sealing.close();
    const count = asked.length;
    sealing.look();
    await sealing.close();
    expect(asked).toHaveLength(count);
  });

  it('ends where the disk fails', async () => {
    let asked = 0;
    const seal = (): Promise<number> => {
      asked += 1;
      return Promise.reject(new Error('disk'));
    };
    const sealing = new Sealing({ store: { lastArrival: () => asked * 1_000, seal }, after: 1 });
    sealing.look();
    await new Promise(setImmediate);
    sealing.look();
    await sealing.close();
    expect(asked).toBe(1);
  });
});
