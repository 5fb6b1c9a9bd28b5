import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Heap } from '#core/heap.ts';

describe('a heap', () => {
  test('gives back what was put in, in order, whatever is taken out between', () => {
    const step = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constant('take' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new Heap<number>((a, b) => a < b);
        let held: number[] = [];
        for (const one of steps) {
          if (one === 'take') {
            heap.pop();
            held = held.slice(1);
          } else {
            heap.push(one);
            held = [...held, one].toSorted((a, b) => a - b);
          }
          expect(heap.top()).toBe(held[0]);
          expect(heap.size).toBe(held.length);
        }
      }),
    );
  });

  test('holds nothing once it was cleared', () => {
    const heap = new Heap<number>((a, b) => a < b);
    heap.push(1);
    heap.clear();
    expect([heap.top(), heap.size]).toEqual([undefined, 0]);
  });
});
