import { describe, expect, it } from 'vitest';
import type { Deal } from '../../../web/src/model/market.ts';
import { amountText, endingOf, evidenceOf, movesOf, sideOf } from '../../../web/src/model/market.ts';

const HOME = 'a'.repeat(32);

const dealOf = (o: Partial<Deal>): Deal => ({
  id: `${HOME}-1`,
  state: 'accepted',
  payer: { id: `@${HOME}-2`, name: 'ann', stake: 0 },
  worker: { id: '@operator', name: 'eve', stake: 0 },
  task: 'Write the lexer',
  amount: null,
  currency: null,
  terms: null,
  capability: null,
  offers: null,
  expires_at: null,
  created_at: '2026-02-12T10:00:00Z',
  ended_at: null,
  reason: null,
  proof: null,
  evidence: null,
  at_fault: null,
  note: null,
  rating_changes: [],
  ...o,
});

describe('deals as a person reads them', () => {
  it('says which of the two people are, who are one party', () => {
    expect(sideOf(dealOf({}))).toBe('worker');
    const payer = { id: '@operator', name: 'ann', stake: 0 };
    expect(sideOf(dealOf({ payer, worker: null }))).toBe('payer');
  });

  it('says what was paid, and what showed that it was done', () => {
    expect(amountText({ amount: 1_234.5, currency: 'USD' })).toBe('1,234.5 USD');
    expect([amountText({ amount: 0, currency: null }), amountText({ amount: null, currency: 'USD' })]).toEqual([
      '0',
      '',
    ]);
    const commit = '0123456789abcdef'.repeat(3).slice(0, 40);
    expect(evidenceOf(dealOf({ evidence: { kind: 'merged', task: 't', commit } }))).toEqual({
      text: 'merged as 0123456789ab',
      task: 't',
    });
    expect(evidenceOf(dealOf({ evidence: { kind: 'payer' } }))?.task).toBeUndefined();
    expect(evidenceOf(dealOf({ evidence: { kind: 'of a newer node' } }))?.text).toBe('of a newer node');
    expect(evidenceOf(dealOf({}))).toBeUndefined();
  });

  it('says what a receipt moved, of the payer first, also between two people', () => {
    const changes = [
      { id: '@operator', before: 1_200, rating: 1_215 },
      { id: '@operator', before: 1_214, rating: 1_184 },
    ];
    const payer = { id: '@operator', name: 'ann', stake: 0 };
    expect(movesOf(dealOf({ payer, rating_changes: changes })).map(({ name, text }) => `${name} ${text}`)).toEqual([
      'ann +15',
      'eve −30',
    ]);
  });

  it.each([
    ['lexer.patch', 'patch'],
    ['a.tar.GZ', 'gz'],
    ['Makefile', ''],
    ['.env', ''],
    ['ends with.', ''],
    ['no ending. at all', ''],
  ])('reads the ending of %s', (name, ending) => {
    expect(endingOf(name)).toBe(ending);
  });
});
