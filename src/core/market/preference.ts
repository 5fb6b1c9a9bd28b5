/** Which of rivals gets work where an option says that ratings count: the best rated, and of equals the first. */
import type { OpId } from '../brand.ts';
import { agentPrincipal } from '../brand.ts';
import type { Views } from '../view/views.ts';
import { rate, ratingOf, receiptsIn } from './ratings.ts';

/** What stands for agents, that of the best rated one first; equals stay in their order. Made anew each time: nobody pays for it who did not ask for it. */
export function bestRated<T>(views: Views, all: readonly T[], agentOf: (one: T) => OpId): T[] {
  const ratings = rate(receiptsIn(views));
  const of = (one: T): number => ratingOf(ratings, agentPrincipal(agentOf(one))).rating;
  return all.toSorted((a, b) => of(b) - of(a));
}
