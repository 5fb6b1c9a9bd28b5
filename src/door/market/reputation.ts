/** The ratings that this node's receipts give, made anew only when there are more receipts. */
import type { Ratings } from '#core/market/ratings.ts';
import { rate, receiptsIn } from '#core/market/ratings.ts';
import type { Views } from '#core/view/views.ts';

const held = new WeakMap<Views, { key: string; ratings: Ratings }>();

export function ratingsAt(views: Views): Ratings {
  const key = ['completed', 'settled'].map((state) => views.count('proposal', { state })).join(' ');
  const before = held.get(views);
  if (before?.key === key) return before.ratings;
  const ratings = rate(receiptsIn(views));
  held.set(views, { key, ratings });
  return ratings;
}
