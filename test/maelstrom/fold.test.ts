import { describe, expect, test } from 'vitest';
import { GrowingSet, KeyValues } from '#maelstrom/fold.ts';

describe('KeyValues', () => {
  test('carries a command out once, however often it is decided', () => {
    const held = new KeyValues();
    const first = { kind: 'write', id: 'n1.1', key: 1, value: 1 } as const;
    expect(held.apply(first)).toEqual({ kind: 'done' });
    expect(held.apply({ kind: 'write', id: 'n2.1', key: 1, value: 2 })).toEqual({ kind: 'done' });
    expect(held.apply(first)).toBeUndefined();
    expect(held.apply({ kind: 'read', id: 'n1.2', key: 1 })).toEqual({ kind: 'value', value: 2 });
  });

  test('compares values, not texts, and tells keys of two types apart', () => {
    const held = new KeyValues();
    held.apply({ kind: 'write', id: 'a', key: { x: 1, y: 2 }, value: { a: 1, b: [2] } });
    const swap = { kind: 'cas', key: { y: 2, x: 1 }, to: 5, create: false } as const;
    expect(held.apply({ ...swap, id: 'b', from: { b: [2], a: 1 } })).toEqual({ kind: 'done' });
    expect(held.apply({ ...swap, id: 'c', from: 6 })).toEqual({ kind: 'differs' });
    held.apply({ kind: 'write', id: 'd', key: 1, value: 'number' });
    expect(held.apply({ kind: 'read', id: 'e', key: '1' })).toEqual({ kind: 'missing' });
  });
});

test('a set holds each value once', () => {
  const held = new GrowingSet();
  for (const value of [1, '1', { a: 1 }, 1, { a: 1 }]) held.add(value);
  expect(held.values()).toEqual([1, '1', { a: 1 }]);
});
