// Needs: nothing but a few minutes
import { expect, it } from 'vitest';
import { runKills } from './kills.ts';

it('loses nothing acknowledged in 1,000 kills, and met every point of a commit', { timeout: 900_000 }, async () => {
  const tally = await runKills(1_000, 1_000_003);
  console.log(JSON.stringify(tally));
  expect(Object.values(tally.kills).reduce((sum, count) => sum + count, 0)).toBe(1_000);
  for (const [point, count] of Object.entries(tally.kills)) expect(`${point} ${count > 20}`).toBe(`${point} true`);
  expect(tally.storedUnacknowledged).toBeGreaterThan(20);
  expect(tally.lost).toBeGreaterThan(20);
});
