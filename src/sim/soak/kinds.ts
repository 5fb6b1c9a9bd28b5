/** What a soak runs, seed by seed, and what is kept of each seed. */
import { LiteralRule } from '../literal-rule.ts';
import type { SimParts } from '../parts.ts';
import { Races } from '../races.ts';
import { SOAK_STORM } from '../storm-knobs.ts';
import { Storm } from '../storm.ts';

/** Sums over seeds. */
export type Counts = Record<string, number>;
export type Seed = { counts: Counts; bites: Counts; violations: string[]; agreeMs: number | undefined };

export type Kind = {
  /** How many seeds a whole soak has, and how many are run between two writes. */
  seeds: number;
  chunkSeeds: number;
  /** False for the rule that is known to be broken: there the count is what is wanted. */
  mustHold: boolean;
  run: (seed: number) => Promise<Seed>;
};

const literal: Partial<SimParts> = { core: (options) => new LiteralRule(options) };

async function races(seed: number, parts?: Partial<SimParts>): Promise<Seed> {
  const { races: count, startedTwice, violations, bites } = await new Races({ seed, parts }).run();
  return { counts: { races: count, startedTwice }, bites, violations, agreeMs: undefined };
}

async function storm(seed: number, parts: Partial<SimParts> = {}): Promise<Seed> {
  const { tasks, starts, startedTwice, events, bites, violations, agreeMs } = await new Storm({
    seed,
    knobs: SOAK_STORM,
    parts,
  }).run();
  return { counts: { ...tasks, starts, startedTwice, events }, bites, violations, agreeMs };
}

/** 20,000 histories of 50 races each are a million; a few more, because a race finds no home when all nodes are down. */
export const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['races', { seeds: 20_080, chunkSeeds: 40, mustHold: true, run: (seed) => races(seed) }],
  ['storms', { seeds: 10_000, chunkSeeds: 20, mustHold: true, run: (seed) => storm(seed) }],
  ['literal-races', { seeds: 200, chunkSeeds: 40, mustHold: false, run: (seed) => races(seed, literal) }],
  ['literal-storms', { seeds: 20, chunkSeeds: 20, mustHold: false, run: (seed) => storm(seed, literal) }],
]);
