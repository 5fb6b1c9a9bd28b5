/** The checker says yes to histories that a slot could have given, and no to those that it could not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call, Model, SlotInput } from '#sim/linearizability.ts';
import { linearization, slotRegister } from '#sim/linearizability.ts';

type SlotCall = Call<SlotInput, string | null>;

/** `[start, end]`; no end: no answer came. */
const propose = (value: string, [start, end]: [number, number?], output: string = value): SlotCall => ({
  input: { kind: 'propose', value },
  start,
  answer: end === undefined ? undefined : { at: end, output },
});
const read = (output: string | null, [start, end]: [number, number]): SlotCall => ({
  input: { kind: 'read' },
  start,
  answer: { at: end, output },
});

const good: [string, SlotCall[]][] = [
  ['nothing happened', []],
  ['one proposal', [propose('a', [1, 2])]],
  ['two at once, both told the same', [propose('a', [1, 5]), propose('b', [2, 4], 'a')]],
  ['two at once, the later one wins', [propose('a', [1, 5], 'b'), propose('b', [2, 4])]],
  ['a proposal without an answer decided', [propose('a', [1]), propose('b', [3, 4], 'a')]],
  ['a proposal without an answer came to nothing', [propose('a', [1]), propose('b', [3, 4]), read('b', [5, 6])]],
  ['a proposal without an answer took effect after all that was told', [propose('b', [3, 4]), propose('a', [1])]],
  [
    'a read of the open slot before, of the decision after',
    [read(null, [1, 2]), propose('a', [3, 4]), read('a', [5, 6])],
  ],
  ['reads at the same time may differ', [propose('a', [1, 9]), read(null, [2, 8]), read('a', [3, 7])]],
];

const bad: [string, SlotCall[]][] = [
  ['two decisions', [propose('a', [1, 2]), propose('b', [3, 4])]],
  ['two decisions at once', [propose('a', [1, 4]), propose('b', [2, 3])]],
  ['a value that nobody proposed', [propose('a', [1, 2], 'c')]],
  ['a value told before it was proposed', [read('a', [1, 2]), propose('a', [3, 4])]],
  ['an earlier proposal told of a later one', [propose('a', [1, 2], 'b'), propose('b', [3, 4])]],
  ['a decision that is gone', [propose('a', [1, 2]), read(null, [3, 4])]],
  ['two reads that differ', [propose('a', [1]), propose('b', [1]), read('a', [2, 3]), read('b', [4, 5])]],
  ['a read goes back', [propose('a', [1, 9]), read('a', [2, 3]), read(null, [4, 5])]],
];

describe('a slot', () => {
  it.each(good)('could have given: %s', (_name, calls) => {
    expect(linearization(slotRegister, calls)).toBeDefined();
  });

  it.each(bad)('could not have given: %s', (_name, calls) => {
    expect(linearization(slotRegister, calls)).toBeUndefined();
  });
});

/** A register that is written again and again: here order matters more than in a slot. */
type Input = { write: number } | 'read';
const register: Model<number, Input, number> = {
  initial: 0,
  step: (state, input) => (input === 'read' ? { state, output: state } : { state: input.write, output: input.write }),
  stateKey: String,
  sameOutput: (a, b) => a === b,
};

describe('a register', () => {
  it('of which a read is between two writes at once', () => {
    const calls: Call<Input, number>[] = [
      { input: { write: 1 }, start: 1, answer: { at: 10, output: 1 } },
      { input: { write: 2 }, start: 2, answer: { at: 9, output: 2 } },
      { input: 'read', start: 3, answer: { at: 4, output: 2 } },
      { input: 'read', start: 5, answer: { at: 6, output: 1 } },
    ];
    expect(linearization(register, calls)?.map(({ input }) => input)).toEqual([
      { write: 2 },
      'read',
      { write: 1 },
      'read',
    ]);
    calls.push({ input: 'read', start: 7, answer: { at: 8, output: 2 } });
    expect(linearization(register, calls)).toBeUndefined();
  });

  it('is judged right whatever the overlap: calls that took effect one by one, stretched to both sides', () => {
    const step = fc.record({
      write: fc.option(fc.integer({ min: 1, max: 3 })),
      before: fc.nat(4),
      after: fc.nat(4),
      told: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 9 }), fc.nat(), (steps, wrong) => {
        let state = 0;
        const calls = steps.map(({ write, before, after, told }, at): Call<Input, number> => {
          state = write ?? state;
          return {
            input: write === null ? 'read' : { write },
            start: at - before,
            answer: told || write === null ? { at: at + 0.5 + after, output: state } : undefined,
          };
        });
        expect(linearization(register, calls)).toBeDefined();
        // An answer that no write can explain is found wherever it stands.
        const told = calls.filter((call) => call.answer !== undefined);
        const victim = told[wrong % Math.max(1, told.length)];
        if (victim?.answer === undefined) return;
        const calls2 = calls.map((call) =>
          call === victim ? { ...call, answer: { at: victim.answer?.at ?? 0, output: 99 } } : call,
        );
        expect(linearization(register, calls2)).toBeUndefined();
      }),
    );
  });
});
