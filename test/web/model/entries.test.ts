import { expect, it } from 'vitest';
import type { Entry } from '../../../src/core/schema/transcript.ts';
import { mergeEntries } from '../../../web/src/model/entries.ts';

const said = (n: number, change: number, text = ''): Entry => ({
  n,
  change,
  at: '2026-02-12T10:00:00.000Z',
  kind: 'text',
  stream: 'said',
  text,
});

it('keeps entries in their order, each as it was told last, whichever page comes first', () => {
  const held = mergeEntries([said(3, 3), said(4, 9, 'new')], [said(4, 4, 'old'), said(5, 10)]);
  expect(held.map(({ n, change }) => [n, change])).toEqual([
    [3, 3],
    [4, 9],
    [5, 10],
  ]);
  expect(mergeEntries(held, [said(1, 1), said(2, 2)]).map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  expect(mergeEntries(held, [])).toBe(held);
});
