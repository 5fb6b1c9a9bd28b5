/** Looking for somebody who can do something. */
import type { Principal } from '../brand.ts';
import { parsedPrincipal } from '../brand.ts';
import type { Skill } from '../schema/market-body.ts';
import { holdsAll, wordsOf } from '../task/words.ts';
import type { Views } from '../view/views.ts';
import type { Rating, Ratings } from './ratings.ts';
import { ratingOf, RATING_START } from './ratings.ts';

/** As in AgentChat. */
export const RESULTS_MAX = 50;
/** Speakers whose skills are looked at. */
const SPEAKERS_MAX = 10_000;

export type SkillQuery = {
  /** Part of a name, in letters of any size. */
  capability?: string | undefined;
  /** Words, or parts of them, that all stand in the name or in what is said of it. */
  text?: string | undefined;
  /** What costs more is left out, and what costs nothing known is not. */
  maxRate?: number | undefined;
  currency?: string | undefined;
  limit: number;
};

export type SkillFound = Skill & { who: Principal; rating: Rating; skillRating: Rating; registeredMs: number };

/** Best rated first, with how many there are in all. */
export function searchSkills(
  views: Views,
  ratings: Ratings,
  query: SkillQuery,
): { results: SkillFound[]; total: number } {
  const wanted = query.capability?.toLowerCase() ?? '';
  const words = wordsOf(query.text ?? '');
  const found: SkillFound[] = [];
  for (const { id, skills } of views.list('skill', { limit: SPEAKERS_MAX })) {
    const who = parsedPrincipal(id);
    for (const skill of skills?.value ?? []) {
      if (!skill.capability.toLowerCase().includes(wanted)) continue;
      if (!holdsAll([skill.capability, skill.description ?? ''], words)) continue;
      if (query.maxRate !== undefined && (skill.rate ?? 0) > query.maxRate) continue;
      if (query.currency !== undefined && skill.currency !== query.currency) continue;
      const skillRating = ratings.skills.get(skill.capability)?.get(who) ?? { rating: RATING_START, transactions: 0 };
      found.push({ ...skill, who, rating: ratingOf(ratings, who), skillRating, registeredMs: skills?.wallMs ?? 0 });
    }
  }
  const ordered = found.toSorted(
    (a, b) =>
      b.skillRating.rating - a.skillRating.rating || b.rating.rating - a.rating.rating || (a.who < b.who ? -1 : 1),
  );
  return { results: ordered.slice(0, Math.min(query.limit, RESULTS_MAX)), total: found.length };
}
