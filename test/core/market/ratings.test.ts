/** Ratings from receipts: the rule's numbers, and what holds for any receipts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeIdOf, opIdOf, userPrincipal } from '#core/brand.ts';
import type { Principal } from '#core/brand.ts';
import type { Receipt } from '#core/market/ratings.ts';
import { expected, leaderboard, rate, RATING_FLOOR, ratingOf, weight } from '#core/market/ratings.ts';

const node = nodeIdOf('a'.repeat(32));
const HOUR_MS = 3_600_000;
const [ann, bob, cat] = ['ann', 'bob', 'cat'].map(userPrincipal);
if (ann === undefined || bob === undefined || cat === undefined) throw new Error('three of them');

function receipt(seq: number, o: Partial<Receipt> = {}): Receipt {
  return {
    id: opIdOf(node, seq),
    stamp: { lamport: seq, node, seq },
    payer: ann ?? bob ?? userPrincipal('x'),
    worker: bob ?? userPrincipal('y'),
    amount: 0,
    capability: null,
    stakes: { payer: 0, worker: 0 },
    atMs: seq * 2 * HOUR_MS,
    fault: null,
    ...o,
  };
}

const people = fc.constantFrom<Principal>(ann, bob, cat);
const drawn = fc
  .array(
    fc.record({
      payer: people,
      worker: people,
      amount: fc.constantFrom(0, 1, 50, 1e6),
      capability: fc.constantFrom(null, 'rust'),
      stakes: fc.record({ payer: fc.nat({ max: 600 }), worker: fc.nat({ max: 600 }) }),
      atMs: fc.nat({ max: 20 * HOUR_MS }),
      fault: fc.constantFrom(null, null, null, 'payer', 'worker', 'both', 'nobody') satisfies fc.Arbitrary<
        Receipt['fault']
      >,
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((all) => all.map((one, at) => receipt(at + 1, one)));

const shown = (receipts: readonly Receipt[]): unknown => {
  const { overall, skills, changes } = rate(receipts);
  const sorted = <V>(map: ReadonlyMap<string, V>): [string, V][] => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    overall: sorted(overall),
    skills: sorted(skills).map(([name, of]) => [name, sorted(of)]),
    changes: sorted(changes).map(([id, of]) => [id, sorted(of)]),
  };
};

describe('ratings', () => {
  it('are the same in whatever order receipts came, and however often', () => {
    fc.assert(
      fc.property(drawn, fc.array(fc.nat(), { minLength: 60, maxLength: 60 }), (receipts, order) => {
        const shuffled = receipts
          .flatMap((one, at) => (at % 3 === 0 ? [one, one] : [one]))
          .map((one, at) => ({ one, place: order[at % order.length] ?? 0 }))
          .toSorted((a, b) => a.place - b.place)
          .map(({ one }) => one);
        expect(shown(shuffled)).toEqual(shown(receipts));
      }),
      { numRuns: 500 },
    );
  });

  it('never fall below the floor, overall and by skill', () => {
    fc.assert(
      fc.property(drawn, (receipts) => {
        const { overall, skills } = rate(receipts);
        const all = [...overall.values(), ...[...skills.values()].flatMap((of) => [...of.values()])];
        expect(Math.min(...all.map(({ rating }) => rating), RATING_FLOOR)).toBe(RATING_FLOOR);
      }),
      { numRuns: 500 },
    );
  });

  it('do not move by a second deal of a pair within an hour, in either direction', () => {
    fc.assert(
      fc.property(drawn, fc.nat({ max: HOUR_MS - 1 }), fc.boolean(), (receipts, laterMs, turned) => {
        const last = receipts.findLast((one) => rate(receipts).changes.has(one.id) && one.fault === null);
        if (last === undefined) return;
        const [payer, worker] = turned ? [last.worker, last.payer] : [last.payer, last.worker];
        const soon = receipt(1_000, { payer, worker, amount: 99, atMs: last.atMs + laterMs });
        // Only deals of that pair after it could have begun a later hour.
        const pairs = receipts.filter((one) => rate(receipts).changes.has(one.id) && one.fault === null);
        const latestMs = Math.max(
          ...pairs
            .filter((one) => [one.payer, one.worker].toSorted().join() === [payer, worker].toSorted().join())
            .map(({ atMs }) => atMs),
        );
        if (latestMs !== last.atMs) return;
        const after = rate([...receipts, soon]);
        expect(after.changes.has(soon.id)).toBe(false);
        expect([...after.overall]).toEqual([...rate(receipts).overall]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the rule', () => {
  it('weighs by experience and by amount, at most threefold', () => {
    expect([weight(0, 0), weight(30, 0), weight(100, 0)]).toEqual([32, 24, 16]);
    expect([weight(0, 9), weight(0, 1e9)]).toEqual([64, 96]);
    expect(expected(1_200, 1_200)).toBe(0.5);
    expect(expected(1_600, 1_200)).toBeCloseTo(0.909, 3);
  });

  it('gives both parties of a deal half of the full gain, and less to a pair that deals again and again', () => {
    const { overall, changes } = rate([receipt(1)]);
    expect(overall.get(ann)).toEqual({ rating: 1_208, transactions: 1 });
    expect(overall.get(bob)).toEqual({ rating: 1_208, transactions: 1 });
    expect(changes.get(opIdOf(node, 1))?.get(bob)).toEqual({ rating: 1_208, transactions: 1, before: 1_200 });
    const again = rate([receipt(1), receipt(2), receipt(3)]);
    expect(ratingOf(again, ann)).toEqual({ rating: 1_208 + 4 + 3, transactions: 3 });
  });

  it('takes from whoever is at fault, with the stake, and gives the other half of it', () => {
    const stakes = { payer: 7, worker: 20 };
    const worker = rate([receipt(1, { fault: 'worker', stakes })]);
    expect([ratingOf(worker, ann).rating, ratingOf(worker, bob).rating]).toEqual([1_200 + 8 + 20, 1_200 - 16 - 20]);
    const payer = rate([receipt(1, { fault: 'payer', stakes })]);
    expect([ratingOf(payer, ann).rating, ratingOf(payer, bob).rating]).toEqual([1_200 - 16 - 7, 1_200 + 8 + 7]);
    const both = rate([receipt(1, { fault: 'both', stakes })]);
    expect([ratingOf(both, ann).rating, ratingOf(both, bob).rating]).toEqual([1_177, 1_164]);
    expect(rate([receipt(1, { fault: 'nobody', stakes })]).overall.size).toBe(0);
  });

  it('moves the rating of the skill by as much, and only of that', () => {
    const ratings = rate([receipt(1, { capability: 'rust' }), receipt(2, { worker: cat })]);
    expect(ratings.skills.get('rust')?.get(bob)).toEqual({ rating: 1_208, transactions: 1 });
    expect(leaderboard(ratings, { capability: 'rust', limit: 10 }).map(({ who }) => who)).toEqual([ann, bob]);
    expect(leaderboard(ratings, { limit: 1 })).toEqual([
      { who: ann, rating: ratingOf(ratings, ann).rating, transactions: 2 },
    ]);
  });
});
