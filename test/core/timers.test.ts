/** Deadlines by name, against a model that is slow and obvious. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timers } from '#core/timers.ts';

type Step =
  | { kind: 'set' | 'setEarlier'; name: string; atMs: number }
  | { kind: 'clear' | 'has'; name: string }
  | { kind: 'due'; atMs: number };

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
const atMs = fc.integer({ min: 0, max: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constantFrom('set' as const, 'setEarlier' as const), name, atMs }), weight: 5 },
  { arbitrary: fc.record({ kind: fc.constantFrom('clear' as const, 'has' as const), name }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('due' as const), atMs }), weight: 2 },
);

class Model {
  readonly held = new Map<string, number>();

  due(nowMs: number): string[] {
    const names = [...this.held].filter(([, at]) => at <= nowMs).toSorted(([, a], [, b]) => a - b);
    for (const [due] of names) this.held.delete(due);
    return names.map(([due]) => due);
  }

  nextMs(): number | undefined {
    return this.held.size === 0 ? undefined : Math.min(...this.held.values());
  }
}

/** One step on both; the answers of both. */
function take(one: Step, timers: Timers, model: Model): [unknown, unknown] {
  switch (one.kind) {
    case 'set':
      timers.set(one.name, one.atMs);
      model.held.set(one.name, one.atMs);
      return [0, 0];
    case 'setEarlier':
      timers.setEarlier(one.name, one.atMs);
      model.held.set(one.name, Math.min(one.atMs, model.held.get(one.name) ?? Infinity));
      return [0, 0];
    case 'clear':
      timers.clear(one.name);
      model.held.delete(one.name);
      return [0, 0];
    case 'has':
      return [timers.has(one.name), model.held.has(one.name)];
    case 'due': {
      const times = new Map(model.held);
      const timed = (names: string[]): unknown => new Set(names.map((due) => `${times.get(due)} ${due}`));
      const [got, wanted] = [timers.due(one.atMs), model.due(one.atMs)];
      const order = got.map((due) => times.get(due) ?? NaN);
      return [
        { names: timed(got), order },
        { names: timed(wanted), order: order.toSorted((a, b) => a - b) },
      ];
    }
  }
}

describe('timers', () => {
  it('are what the model says after any steps: each name once, earliest first', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const [timers, model] = [new Timers(), new Model()];
        for (const one of steps) {
          const [got, wanted] = take(one, timers, model);
          expect(got).toEqual(wanted);
          expect(timers.nextMs()).toBe(model.nextMs());
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('fire once at the time they were moved to last, also when set back to a time they had before', () => {
    const timers = new Timers();
    timers.set('a', 10);
    timers.set('a', 20);
    timers.set('a', 10);
    expect(timers.due(15)).toEqual(['a']);
    expect(timers.due(100)).toEqual([]);
    expect(timers.nextMs()).toBeUndefined();
  });

  it('that are moved again and again take no more room than their names', () => {
    const timers = new Timers();
    for (let n = 0; n < 100_000; n++) timers.set(`name ${n % 10}`, 1_000_000 + n);
    expect(timers.entries()).toBeLessThanOrEqual(200);
    expect(timers.due(2_000_000)).toHaveLength(10);
  });
});
