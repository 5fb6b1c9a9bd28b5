/** What an acceptor promises and accepts; one answer to one message, however often it comes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AcceptorRow } from '#core/register/acceptor.ts';
import { accept, acceptorRowSchema, NOTHING_PROMISED, prepare } from '#core/register/acceptor.ts';
import type { Ballot } from '#core/register/ballot.ts';
import { compareBallots, majorityOf } from '#core/register/ballot.ts';
import type { SlotValue } from '#core/schema/body.ts';
import { ended, granted, home, other, task, third } from './values.ts';

const ballot = (round: number, node = other): Ballot => ({ round, node });
const asPrepare = (at: Ballot, carry: SlotValue | null = null) => ({
  task,
  slot: 1,
  ballot: at,
  carry,
  wants: 'granted',
});
const asAccept = (at: Ballot, value: SlotValue, carry: SlotValue | null = null) => ({
  task,
  slot: 1,
  ballot: at,
  value,
  carry,
});
const promisedAt = (at: Ballot): AcceptorRow => ({ ...NOTHING_PROMISED, promised: at });

describe('ballots', () => {
  it('are ordered by round, then by node; a majority is more than half', () => {
    expect(compareBallots(ballot(1), ballot(2))).toBeLessThan(0);
    expect(compareBallots(ballot(2, home), ballot(2, home))).toBe(0);
    expect(Math.sign(compareBallots(ballot(2, home), ballot(2, other)))).toBe(home < other ? -1 : 1);
    expect([1, 3, 5].map((count) => majorityOf(Array.from({ length: count }, () => home)))).toEqual([1, 2, 3]);
  });
});

describe('a prepare', () => {
  it('is promised at or above what was promised, refused below, and then nothing changes', () => {
    const first = prepare(NOTHING_PROMISED, asPrepare(ballot(3)));
    expect(first).toMatchObject({ row: { promised: ballot(3) }, reply: { vote: 'promised', accepted: null } });
    expect(prepare(promisedAt(ballot(3)), asPrepare(ballot(2)))).toEqual({
      row: undefined,
      reply: { vote: 'refused', promised: ballot(3) },
    });
  });

  it('is told what was accepted', () => {
    const { row } = accept(NOTHING_PROMISED, asAccept(ballot(1), granted()), home);
    expect(prepare(row ?? NOTHING_PROMISED, asPrepare(ballot(2, third))).reply).toEqual({
      vote: 'promised',
      accepted: { ballot: ballot(1), value: granted() },
    });
  });
});

describe('an accept', () => {
  it('at ballot 0 counts from its owner alone, also where nothing was promised', () => {
    expect(accept(NOTHING_PROMISED, asAccept(ballot(0, home), granted()), home).reply).toEqual({ vote: 'accepted' });
    const stranger = accept(NOTHING_PROMISED, asAccept(ballot(0, other), granted()), home);
    expect(stranger).toMatchObject({ row: undefined, reply: { vote: 'silent' } });
  });

  it('at ballot 0 is refused once a round was promised', () => {
    expect(accept(promisedAt(ballot(1)), asAccept(ballot(0, home), granted()), home)).toMatchObject({
      row: undefined,
      reply: { vote: 'refused', promised: ballot(1) },
    });
  });

  it('above the promise raises it, so that the ballots between cannot be accepted later', () => {
    const { row } = accept(promisedAt(ballot(1)), asAccept(ballot(4), granted()), home);
    expect(row?.promised).toEqual(ballot(4));
    expect(accept(row ?? NOTHING_PROMISED, asAccept(ballot(2), ended('cancelled', 0)), home).reply).toMatchObject({
      vote: 'refused',
    });
  });

  it('replaces what was accepted at a lower ballot', () => {
    const first = accept(NOTHING_PROMISED, asAccept(ballot(0, home), granted()), home).row ?? NOTHING_PROMISED;
    const second = accept(first, asAccept(ballot(2), ended('cancelled', 0)), home);
    expect(second.row?.accepted).toEqual({ ballot: ballot(2), value: ended('cancelled', 0) });
  });
});

describe('the decision of the slot before', () => {
  it('is kept with the first vote of the slot it opened', () => {
    const voted = prepare(NOTHING_PROMISED, asPrepare(ballot(1), granted()));
    expect(voted.row?.carried).toEqual(granted());
    const later = accept(voted.row ?? NOTHING_PROMISED, asAccept(ballot(1), ended('completed')), home);
    expect(later.row?.carried).toEqual(granted());
    expect(accept(NOTHING_PROMISED, asAccept(ballot(1), ended('completed'), granted()), home).row?.carried).toEqual(
      granted(),
    );
  });
});

const someBallot = fc.record({ round: fc.nat({ max: 3 }), node: fc.constantFrom(home, other, third) });
const someMessage = fc.oneof(
  fc.record({ kind: fc.constant('prepare' as const), at: someBallot }),
  fc.record({
    kind: fc.constant('accept' as const),
    at: someBallot,
    value: fc.constantFrom(granted(), ended('cancelled', 0)),
  }),
);

const isLower = (a: Ballot | null, b: Ballot | null): boolean => b !== null && (a === null || compareBallots(a, b) < 0);

describe('an acceptor under any messages', () => {
  it('answers a message twice with the same, never lowers its promise, and its row survives the disk', () => {
    fc.assert(
      fc.property(fc.array(someMessage, { maxLength: 30 }), (messages) => {
        let row = NOTHING_PROMISED;
        for (const message of messages) {
          const vote = (held: AcceptorRow) =>
            message.kind === 'prepare'
              ? prepare(held, asPrepare(message.at))
              : accept(held, asAccept(message.at, message.value), home);
          const once = vote(row);
          const next = once.row ?? row;
          const twice = vote(next);
          expect(twice.reply).toEqual(once.reply);
          expect(twice.row ?? next).toEqual(next);
          expect(isLower(next.promised, row.promised)).toBe(false);
          expect(acceptorRowSchema.parse(JSON.parse(JSON.stringify(next)))).toEqual(next);
          row = next;
        }
      }),
      { numRuns: 500 },
    );
  });
});
