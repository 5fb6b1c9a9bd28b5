/** The storms find broken nodes: each mutant breaks one rule, and a check that should see it does, within 200 histories. */
import { afterAll, describe, expect, it } from 'vitest';
import { ROUGH_STORM, SKELETON_STORM } from '#sim/storm-knobs.ts';
import { Storm } from '#sim/storm.ts';
import type { Mutant } from './mutants.ts';
import { MUTANTS } from './mutants.ts';

const SEEDS_MAX = 200;

type Catch = { seed: number; checks: string[] };

/** The first history with a violation that the mutant is expected to show. */
async function caught({ parts, shows, storms = [SKELETON_STORM, ROUGH_STORM] }: Mutant): Promise<Catch | undefined> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    for (const knobs of storms) {
      const { violations } = await new Storm({ seed, knobs, parts }).run();
      const checks = [...new Set(violations.map((violation) => violation.split(':')[0] ?? ''))];
      if (checks.some((check) => shows.includes(check))) return { seed, checks };
    }
  }
  return undefined;
}

const table: string[] = [];

afterAll(() => process.stdout.write(`mutants of nodes:\n${table.join('\n')}\n`));

describe('a storm over nodes of which each', () => {
  it.each(Object.entries(MUTANTS))(
    '%s goes wrong',
    async (name, mutant) => {
      const found = await caught(mutant);
      table.push(`  ${name}: seed ${found?.seed}, ${found?.checks.filter((check) => check.includes('/')).join(', ')}`);
      expect(found).toBeDefined();
    },
    120_000,
  );
});
