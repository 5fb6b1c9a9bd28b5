import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VERBS } from '#cli/verbs.ts';
import type { Leaf, Verb } from '#cli/verb.ts';
import { skep, testWorld } from './test-world.ts';

type Command = { path: string[]; leaf: Leaf };
const commandsOf = (verb: Verb, above: readonly string[]): Command[] => {
  const path = [...above, verb.name];
  return 'leaves' in verb ? verb.leaves.flatMap((one) => commandsOf(one, path)) : [{ path, leaf: verb }];
};
const commands: Command[] = [];
for (const { load } of VERBS) commands.push(...commandsOf(await load(), []));

/** Options for people; hidden ones are for tests. */
const shown = (leaf: Leaf) => (leaf.options ?? []).filter((option) => option.hidden !== true);

const page = new URL('../../docs/cli.md', import.meta.url);
const documented = existsSync(page) ? readFileSync(page, 'utf8') : '';

describe.each(commands.map(({ path, leaf }) => ({ name: path.join(' '), path, leaf })))(
  'skep $name',
  ({ name, path, leaf }) => {
    it('explains itself with its options, examples and exit codes, and exits with 0', async () => {
      const world = testWorld();
      expect(await skep(world, ...path, '--help')).toBe(0);
      expect(world.said.err).toBe('');
      expect(world.said.out).toContain(`Usage: skep ${name}`);
      expect(world.said.out).toContain(leaf.summary);
      expect(world.said.out).toContain('--json');
      expect(world.said.out).toContain('Exit codes: 0 done');
      for (const option of shown(leaf)) expect(world.said.out).toContain(option.flags.split(/[ ,]/)[0]);
      for (const [command] of leaf.examples) expect(world.said.out).toContain(command);
      expect(world.said.out.includes('Which node:')).toBe(leaf.asksNode === true);
    });

    it('has an example that its own command line takes', () => {
      expect(leaf.examples.length).toBeGreaterThan(0);
      expect(leaf.examples.some(([command]) => command.includes(`skep ${name}`))).toBe(true);
    });

    it('says the same by `skep help`, and refuses an option that it does not have', async () => {
      const [byHelp, byFlag, wrong] = [testWorld(), testWorld(), testWorld()];
      expect(await skep(byHelp, 'help', ...path)).toBe(0);
      await skep(byFlag, ...path, '--help');
      expect(byHelp.said.out).toBe(byFlag.said.out);
      expect(await skep(wrong, ...path, '--no-such-option')).toBe(2);
      expect(wrong.said.err).toContain('--no-such-option');
    });

    it('stands in docs/cli.md', () => {
      expect(documented).toContain(`skep ${name}`);
      for (const option of shown(leaf)) expect(documented).toContain(/--[\w-]+/.exec(option.flags)?.[0]);
    });
  },
);

describe('skep', () => {
  it('lists its verbs', async () => {
    const world = testWorld();
    expect(await skep(world, '--help')).toBe(0);
    for (const { name } of VERBS) expect(world.said.out).toMatch(new RegExp(`^  ${name} `, 'm'));
  });
  it('says its version', async () => {
    const world = testWorld();
    expect(await skep(world, '--version')).toBe(0);
    expect(world.said.out).toBe('9.9.9\n');
  });
  it('names the verb that was likely meant', async () => {
    const world = testWorld();
    expect(await skep(world, 'stauts')).toBe(2);
    expect(world.said.err).toContain('Did you mean status?');
  });
  it.each([
    [[]],
    [['task']],
    [['task', 'frob']],
    [['task', 'show']],
    [['task', 'list', '--limit', 'many']],
    [['task', 'list', '--status', 'odd']],
  ])('exits with 2 for the command line %j', async (argv) => {
    const world = testWorld();
    expect(await skep(world, ...argv)).toBe(2);
    expect(world.said.err).not.toBe('');
  });
});
