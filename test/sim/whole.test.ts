/** Whole nodes in a calm swarm: everything is settled, and what is said does not explode with the number of nodes. */
import { expect, test } from 'vitest';
import { wholeSwarm } from '#sim/whole.ts';

test('a calm swarm settles, and says little while nothing happens', async () => {
  const [few, many] = [
    await wholeSwarm({ nodes: 10, tasks: 5, seed: 1 }),
    await wholeSwarm({ nodes: 20, tasks: 5, seed: 1 }),
  ];
  expect([...few.violations, ...many.violations]).toEqual([]);
  expect(few.joinMs).toBeLessThan(5_000);
  // Questions of the detector are as many in any swarm; only heartbeats, one a link each 15 s, grow.
  expect(many.idleFrames).toBeLessThan(few.idleFrames + 3);
});
