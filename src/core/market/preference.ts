/** Which of rivals for a task gets it where an option says that ratings count: the best rated, and of equals the first. */
import type { OpId } from '../brand.ts';
import { agentPrincipal } from '../brand.ts';
import type { Views } from '../view/views.ts';
import { rate, ratingOf, receiptsIn } from './ratings.ts';

/** The claims, best rated agent first; equals stay in their order. Made anew each time: nobody pays for it who did not ask for it. */
export function bestRated<T extends { claim: { agent: OpId } }>(views: Views, claims: readonly T[]): T[] {
  const ratings = rate(receiptsIn(views));
  const of = ({ claim }: T): number => ratingOf(ratings, agentPrincipal(claim.agent)).rating;
  return claims.toSorted((a, b) => of(b) - of(a));
}
