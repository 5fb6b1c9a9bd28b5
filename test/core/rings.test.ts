/** Who is next to whom: the same for everybody, in both directions, and all of one piece. */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#core/brand.ts';
import { hashOf, nodeIdOf } from '#core/brand.ts';
import { Rings, RINGS } from '#core/rings.ts';

const sha256 = (text: string) => hashOf(hash('sha256', text));
const idOf = (n: number): NodeId => nodeIdOf(sha256(`member ${n}`).slice(0, 32));

function ringsOf(members: Iterable<number>): Rings {
  const rings = new Rings(sha256);
  for (const n of members) rings.add(idOf(n));
  return rings;
}

const around = (rings: Rings, node: NodeId): NodeId[] =>
  Array.from({ length: RINGS }, (_, ring) => [
    ...rings.next(node, { ring, direction: 'before', limit: 1 }),
    ...rings.next(node, { ring, direction: 'behind', limit: 1 }),
  ]).flat();

describe('neighbours', () => {
  it('are the same whatever the order in which members came, and whoever went', () => {
    const sets = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(sets, fc.array(fc.integer({ min: 0, max: 60 })), (members, others) => {
        const one = ringsOf(members);
        const other = ringsOf([...others, ...members.toReversed()]);
        for (const n of others) if (!members.includes(n)) other.remove(idOf(n));
        expect(other.size()).toBe(one.size());
        for (const n of members) expect(around(other, idOf(n))).toEqual(around(one, idOf(n)));
      }),
    );
  });

  it('see one another: who is behind me has me before it', () => {
    const rings = ringsOf(Array.from({ length: 30 }, (_, n) => n));
    for (let n = 0; n < 30; n++) {
      for (let ring = 0; ring < RINGS; ring++) {
        const [behind] = rings.next(idOf(n), { ring, direction: 'behind', limit: 1 });
        if (behind === undefined) throw new Error('nobody is behind');
        expect(rings.next(behind, { ring, direction: 'before', limit: 1 })).toEqual([idOf(n)]);
      }
    }
  });

  it('of a node that is no member are those of its place', () => {
    const rings = ringsOf([1, 2, 3, 4, 5]);
    const stranger = idOf(9);
    const before = around(rings, stranger);
    rings.add(stranger);
    expect(around(rings, stranger)).toEqual(before);
  });

  it('are all the others at most, each once and never oneself', () => {
    const rings = ringsOf([1, 2, 3]);
    const found = rings.next(idOf(1), { ring: 0, direction: 'behind', limit: 10 });
    expect(found.toSorted()).toEqual([idOf(2), idOf(3)].toSorted());
    expect(rings.next(idOf(7), { ring: 9, direction: 'before', limit: 3 })).toEqual([]);
  });
});

it('a member counts once', () => {
  const rings = ringsOf([1]);
  expect([rings.add(idOf(1)), rings.remove(idOf(2)), rings.remove(idOf(1)), rings.size()]).toEqual([
    false,
    false,
    true,
    0,
  ]);
});
