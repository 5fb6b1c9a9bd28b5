// Needs: a few minutes of two cores
import { expect, it } from 'vitest';
import { runKills } from './kills.ts';

const ROUNDS = 30;

it('keeps and ends every acknowledged task through 30 kills', { timeout: 600_000 }, async () => {
  const seed = Number(process.env['SKEP_KILLS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const tally = await runKills({ rounds: ROUNDS, seed });
  console.log(`seed ${seed}: ${JSON.stringify(tally)}`);
  expect(tally.acknowledged).toBeGreaterThan(ROUNDS);
  expect(tally.nodeKills).toBeGreaterThan(0);
  expect(tally.holderKills).toBeGreaterThan(0);
});
