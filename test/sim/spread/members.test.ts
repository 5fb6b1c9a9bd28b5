/** Who is lost in a large swarm: known everywhere, and nobody else accused, though each node asks only its few neighbours. */
import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Members } from '#sim/spread/members.ts';

const KNOBS = { nodes: 120, hopMs: 60, fullLinksMax: 64, lossProbability: 0 };
const sha256 = (text: string): string => hash('sha256', text);

describe('among 120 nodes with six links each', () => {
  test.each([1, 2])(
    'three that fall silent are known to be dead everywhere within six seconds, seed %i',
    async (seed) => {
      const found = await new Members({ ...KNOBS, seed, lost: 3 }, { sha256 }).run();
      expect(found.known).toBe(1);
      expect(found.deadMs.at(-1)).toBeLessThan(6_000);
      expect(found).toMatchObject({ suspectedWrongly: 0, buriedWrongly: 0 });
      // Two links are asked every half second, and answer.
      expect(found.probesPerSecond).toBeLessThan(9);
    },
  );
});
