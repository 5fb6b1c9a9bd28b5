/** Directed histories come out as they say; a scenario that expects what does not come, waits for it, or uses a word there is not, says so. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '#sim/scenario.ts';
import { SCENARIOS } from '#sim/scenarios.ts';

const run = (text: string) => new Scenario(text, { seed: 1 }).run();

describe('the scenario', () => {
  it.each(Object.entries(SCENARIOS))('%s comes out as it says', async (_name, text) => {
    const { violations } = await run(text);
    expect(violations).toEqual([]);
  });
});

describe('a scenario', () => {
  it('that expects something else says what came', async () => {
    const { violations } = await run('create t at 0; settle; expect t failed attempts 2');
    expect(violations).toEqual([
      'scenario: "expect t failed attempts 2": status is completed at node 0',
      'scenario: "expect t failed attempts 2": attempts is 1 at node 0',
    ]);
  });

  it('that waits for what does not happen ends all the same, and says so', async () => {
    const { violations } = await run('create t at 0; kill 1 after report t');
    expect(violations).toEqual(['scenario: "kill 1 after report t" waited in vain']);
  });

  it('tells how long each task took, and of which there was no end', async () => {
    const { tookMs } = await run('swarm 3 agents 0; create u at 0; wait 5s');
    expect([...tookMs]).toEqual([['u', undefined]]);
    const done = await run('swarm 3 work 2s; create t at 0; settle');
    expect(done.tookMs.get('t')).toBeGreaterThan(2_000);
    expect(done.tookMs.get('t')).toBeLessThan(3_000);
  });

  it.each([
    ['make t at 0', 'begins with no verb'],
    ['create t at', 'without its value'],
    ['wait soon', 'no time'],
    ['kill 1 after lunch t', 'waits for lunch'],
  ])('"%s" is refused', (text, why) => {
    expect(() => new Scenario(text, { seed: 1 })).toThrow(why);
  });
});
