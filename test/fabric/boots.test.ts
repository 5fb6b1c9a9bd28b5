import { expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import { TwinBoots } from '#fabric/boots.ts';

const node = nodeIdOf('1'.repeat(32));

it('a node that never ran twice is welcome under any boot id', () => {
  const twins = new TwinBoots();
  expect(twins.refuses(node, 'a', 0)).toBe(false);
  expect(twins.refuses(node, 'b', 1)).toBe(false);
});

it('twins are refused while both show themselves; the one that is left is welcome 30 s later', () => {
  const twins = new TwinBoots();
  twins.note(node, ['a', 'b'], 0);
  for (let nowMs = 0; nowMs < 100_000; nowMs += 5_000) {
    expect(twins.refuses(node, 'a', nowMs)).toBe(true);
    expect(twins.refuses(node, 'b', nowMs)).toBe(true);
  }
  // `a` was last seen at 95 s.
  expect(twins.refuses(node, 'b', 124_999)).toBe(true);
  expect(twins.refuses(node, 'b', 125_000)).toBe(false);
  expect(twins.refuses(node, 'a', 125_001)).toBe(false);
});

it('a third run counts as well', () => {
  const twins = new TwinBoots();
  twins.note(node, ['a', 'b'], 0);
  expect(twins.refuses(node, 'c', 20_000)).toBe(true);
  expect(twins.refuses(node, 'a', 40_000)).toBe(true);
  expect(twins.refuses(node, 'a', 60_000)).toBe(false);
});

it('remembers a bounded number of nodes', () => {
  const twins = new TwinBoots();
  const nodes = Array.from({ length: 300 }, (_, n) => nodeIdOf(n.toString(16).padStart(32, '0')));
  for (const each of nodes) twins.note(each, ['a', 'b'], 0);
  expect(nodes.filter((each) => twins.refuses(each, 'a', 0))).toHaveLength(256);
});
