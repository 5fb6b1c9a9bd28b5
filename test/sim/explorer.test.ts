/** The register under random histories of one slot, and that each of its rules is needed: without it a history goes wrong. */
import { describe, expect, it } from 'vitest';
import type { AcceptorRow } from '#core/register/acceptor.ts';
import { accept, NOTHING_PROMISED, prepare } from '#core/register/acceptor.ts';
import type { Ballot } from '#core/register/ballot.ts';
import { compareBallots, majorityOf } from '#core/register/ballot.ts';
import type { Round, Step } from '#core/register/proposer.ts';
import { onVote, openRound } from '#core/register/proposer.ts';
import type { SlotValue } from '#core/schema/body.ts';
import type { Rules } from '#sim/explorer.ts';
import { Explorer } from '#sim/explorer.ts';

const HISTORIES = 10_000;
/** A mutant that survives so many histories counts as not caught. */
const MUTANT_HISTORIES = 40_000;

describe('one slot', () => {
  it.each([3, 5] as const)('with %i voters decides one value that was proposed, in every history', (voters) => {
    let [decided, crashes, rounds] = [0, 0, 0];
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const verdict = new Explorer({ seed, voters }).run();
      if (verdict.violations.length > 0) throw new Error(`seed ${seed}: ${verdict.violations.join(', ')}`);
      decided += verdict.decided === undefined ? 0 : 1;
      crashes += verdict.crashes;
      rounds += verdict.rounds;
    }
    expect(decided).toBe(HISTORIES);
    expect(crashes / HISTORIES).toBeGreaterThan(2);
    expect(rounds / HISTORIES).toBeGreaterThan(4);
  });
});

/** The value of the lowest or highest ballot among the promises of a round. */
function adopt(round: Round, better: (a: Ballot, b: Ballot) => boolean): SlotValue {
  let best: { ballot: Ballot; value: SlotValue } | undefined;
  for (const reply of round.replies.values()) {
    if (reply.vote !== 'promised' || reply.accepted === null) continue;
    if (best === undefined || better(reply.accepted.ballot, best.ballot)) best = reply.accepted;
  }
  return best?.value ?? round.value;
}

const higher = (a: Ballot, b: Ballot): boolean => compareBallots(a, b) > 0;

const withValue = (step: Step, value: (round: Round) => SlotValue, from: Round): Step =>
  step.kind === 'accept' ? { ...step, round: { ...step.round, value: value(from) } } : step;

/** One vote less than a majority is enough. */
const oneVoteLess: Rules['onVote'] = (round, o) => {
  const step = onVote(round, o);
  if (step.kind !== 'wait') return step;
  const wanted = round.phase === 'prepare' ? 'promised' : 'accepted';
  const votes = [...round.replies.values()].filter((reply) => reply.vote === wanted).length;
  if (votes < majorityOf(o.voters) - 1) return step;
  if (round.phase === 'accept') return { kind: 'decided', value: round.value };
  const accepts: Round = { ...round, phase: 'accept', value: adopt(round, higher), replies: new Map() };
  return { kind: 'accept', round: accepts, isOwn: false };
};

const unpromised = (row: AcceptorRow): AcceptorRow => ({ ...row, promised: null });

const mutants: [string, Partial<Rules>][] = [
  ['a round is used again: the row is not durable', { rowOnDisk: (before) => before }],
  [
    'the value of ballot 0 is chosen anew',
    { wanting: (row, value) => ({ round: row?.round ?? -1, value, first: row?.first ?? false, wanted: true }) },
  ],
  [
    'no value is adopted in phase 1',
    { onVote: (round, o) => withValue(onVote(round, o), (from) => from.value, round) },
  ],
  [
    'the value of the lowest ballot is adopted',
    { onVote: (round, o) => withValue(onVote(round, o), (from) => adopt(from, (a, b) => !higher(a, b)), round) },
  ],
  ['a majority less one is enough', { onVote: oneVoteLess }],
  [
    'ballot 0 is for anybody',
    {
      accept: (row, message) => accept(row, message, message.ballot.node),
      openRound: (o) => openRound({ ...o, ownsBallotZero: true }),
    },
  ],
  ['a promise does not bind an accept', { accept: (row, message, owner) => accept(unpromised(row), message, owner) }],
  ['a promise does not bind a promise', { prepare: (row, message) => prepare(unpromised(row), message) }],
  ['a vote is answered before it is on disk', { voteOnDisk: (before) => before }],
  [
    'an accepted value is not told',
    {
      prepare: (row, message) => {
        const voted = prepare(row, message);
        return voted.reply.vote === 'promised' ? { ...voted, reply: { vote: 'promised', accepted: null } } : voted;
      },
    },
  ],
  [
    'a promise takes the accepted value away',
    {
      prepare: (row, message) => {
        const voted = prepare(row, message);
        return {
          ...voted,
          row: voted.row === undefined ? undefined : { ...NOTHING_PROMISED, promised: message.ballot },
        };
      },
    },
  ],
];

/** The first history in which two values of one slot were decided. */
function caughtAt(rules: Partial<Rules>): number | undefined {
  for (let seed = 1; seed <= MUTANT_HISTORIES; seed++) {
    const { violations } = new Explorer({ seed, voters: seed % 2 === 0 ? 3 : 5, rules }).run();
    if (violations.includes('always/one-value-decided')) return seed;
  }
  return undefined;
}

describe('a register in which', () => {
  it.each(mutants)('%s is caught', (_name, rules) => {
    expect(caughtAt(rules)).toBeDefined();
  });
});
