/** The checks find broken nodes: each mutant breaks one rule, and what should see it does, within 200 seeds. `npm run mutants` prints the table. */
import { describe, expect, it } from 'vitest';
import { caught, MUTANT_NAMES } from './mutant/run.ts';
import { changed } from './mutant/patches.ts';

describe('a node that', () => {
  it.each(MUTANT_NAMES)('%s is caught', async (name) => expect(await caught(name)).toBeDefined(), 300_000);
});

describe('the changes of a mutant', () => {
  it('must fit the source once, or nothing is proved', () => {
    const name = 'has a wrong row in its policy';
    expect(() => changed(name, '/x/src/core/policy.ts', 'nothing of it')).toThrow(/no longer has once/);
    expect(changed(name, '/x/src/core/policy.ts', "'task.cancel': ACTORS,")).toBe("'task.cancel': READERS,");
    expect(changed(name, '/x/src/core/op.ts', 'another file')).toBe('another file');
  });
});
