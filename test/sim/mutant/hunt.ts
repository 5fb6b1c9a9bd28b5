/** Looks for the first history in which a mutant shows. */
import { Explorer } from '#sim/explorer.ts';
import type { SimParts } from '#sim/parts.ts';
import { Races } from '#sim/races.ts';
import type { StormKnobs } from '#sim/storm-knobs.ts';
import { DECISION_STORM, ROUGH_STORM, SKELETON_STORM, STORMS as KINDS } from '#sim/storm-knobs.ts';
import { Storm } from '#sim/storm.ts';

/** A mutant is found within so many seeds, or it counts as not found. */
export const SEEDS_MAX = 200;
/** Histories of races, 50 in each: claims with equal stamps are rare. */
const RACE_HISTORIES_MAX = 60;
/** A history of one slot is a thousandth of a storm: so many of them are a seed, which is still less than a storm. */
const SLOT_HISTORIES_A_SEED = 200;

export type Catch = { seed: number; by: string; checks: string[] };

const checksOf = (violations: readonly string[]): string[] => [
  ...new Set(violations.map((violation) => violation.split(':')[0] ?? '')),
];

const STORMS: readonly StormKnobs[] = [SKELETON_STORM, ROUGH_STORM, DECISION_STORM];

/** `shows`: in one of these checks; `storms`: of these kinds alone. */
export async function huntInStorms(o: {
  parts?: Partial<SimParts>;
  shows?: readonly string[] | undefined;
  storms?: readonly StormKnobs[] | undefined;
}): Promise<Catch | undefined> {
  const { parts = {}, shows, storms = STORMS } = o;
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    for (const knobs of storms) {
      const { violations } = await new Storm({ seed, knobs, parts }).run();
      const checks = checksOf(violations);
      if (shows === undefined ? checks.length > 0 : checks.some((check) => shows.includes(check)))
        return { seed, by: `storm ${nameOf(knobs)}`, checks };
    }
  }
  return undefined;
}

const nameOf = (knobs: StormKnobs): string => [...KINDS].find(([, one]) => one === knobs)?.[0] ?? '';

export async function huntInRaces(): Promise<Catch | undefined> {
  for (let seed = 1; seed <= RACE_HISTORIES_MAX; seed++) {
    const { violations } = await new Races({ seed }).run();
    if (violations.length > 0) return { seed, by: 'races', checks: checksOf(violations) };
  }
  return undefined;
}

export function huntInSlots(): Catch | undefined {
  for (let history = 1; history <= SEEDS_MAX * SLOT_HISTORIES_A_SEED; history++) {
    const { violations } = new Explorer({ seed: history, voters: history % 2 === 0 ? 3 : 5 }).run();
    const seed = Math.ceil(history / SLOT_HISTORIES_A_SEED);
    if (violations.length > 0) return { seed, by: `explorer, history ${history}`, checks: violations };
  }
  return undefined;
}
