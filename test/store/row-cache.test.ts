import { expect, it } from 'vitest';
import { RowCache } from '#store/row-cache.ts';

/** More than two generations hold. */
const MANY = 5_000;

it('keeps what is asked for again, lets go of the rest, and never shows a row that is gone', () => {
  const cache = new RowCache<number>();
  cache.set('asked for', -1);
  const seen = new Set<number | undefined>();
  for (let n = 0; n < MANY; n++) {
    cache.set(`${n}`, n);
    if (n % 100 === 0) seen.add(cache.get('asked for'));
  }
  expect(seen).toEqual(new Set([-1]));
  expect(cache.get(`${MANY - 1}`)).toBe(MANY - 1);
  expect(cache.get('0')).toBeUndefined();
  cache.set('asked for', undefined);
  expect(cache.get('asked for')).toBeUndefined();
  cache.clear();
  expect(cache.get(`${MANY - 1}`)).toBeUndefined();
});

it('shows the newest row, also of one that an older generation holds', () => {
  const cache = new RowCache<number>();
  cache.set('row', 1);
  for (let n = 0; n < 600; n++) cache.set(`${n}`, n);
  cache.set('row', 2);
  expect(cache.get('row')).toBe(2);
  cache.set('row', undefined);
  expect(cache.get('row')).toBeUndefined();
});
