import { expect, it } from 'vitest';
import { WholeLines } from '#runtime/whole-lines.ts';

it('joins pieces, and lets go of a line whose rest is missing', () => {
  const lines = new WholeLines(10);
  expect([...lines.push('one\ntwo', false)]).toEqual([
    { kind: 'line', text: 'one' },
    { kind: 'line', text: 'two' },
  ]);
  expect([...lines.push('thr', true)]).toEqual([]);
  expect([...lines.push('ee\nfour', false)]).toEqual([
    { kind: 'line', text: 'three' },
    { kind: 'line', text: 'four' },
  ]);
  expect([...lines.push('fi', true)]).toEqual([]);
  expect([...lines.dropped(100)]).toEqual([{ kind: 'dropped', bytes: 102 }]);
  expect([...lines.push('six', false)]).toEqual([{ kind: 'line', text: 'six' }]);
});

it('counts a line in bytes, and takes the next one whatever came before', () => {
  const lines = new WholeLines(10);
  expect([...lines.push('ééé', true)]).toEqual([]);
  expect([...lines.push('ééé', true)]).toEqual([]);
  expect([...lines.push('é\nnext', false)]).toEqual([
    { kind: 'too_long', bytes: 14 },
    { kind: 'line', text: 'next' },
  ]);
});
