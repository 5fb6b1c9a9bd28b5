import { expect, it } from 'vitest';
import { runKills } from './kills.ts';

/** Bounds a hang: rounds take a second or two, and a lost lease two minutes. */
const WITHIN_MS = 300_000;

it('keeps and ends every acknowledged task through three kills', { timeout: WITHIN_MS }, async () => {
  const tally = await runKills({ rounds: 3, seed: 1 });
  expect(tally.acknowledged).toBeGreaterThan(5);
  expect(tally.nodeKills).toBeGreaterThan(0);
});
