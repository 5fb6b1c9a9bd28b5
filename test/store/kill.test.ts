import { expect, it } from 'vitest';
import { runKills } from './kills.ts';

it('loses nothing acknowledged in 60 kills', { timeout: 120_000 }, async () => {
  const tally = await runKills(60, 1);
  expect(tally.acknowledged).toBeGreaterThan(500);
  expect(tally.storedUnacknowledged).toBeGreaterThan(0);
  expect(tally.lost).toBeGreaterThan(0);
});
