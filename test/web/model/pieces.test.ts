import { describe, expect, it } from 'vitest';
import { DIFF_LINES_MAX, diffLines } from '../../../web/src/model/diff.ts';
import { edgesOf, placesOf } from '../../../web/src/model/graph.ts';
import { ageText, eventText, shortId, sizeText, spanText } from '../../../web/src/model/text.ts';
import { nodeOf } from './rows.ts';

describe('the map', () => {
  const nodes = [
    nodeOf('b', { links: ['a', 'c', 'nobody'] }),
    nodeOf('a', { status: 'self', links: ['b'] }),
    nodeOf('c', { status: 'dead', links: [] }),
  ];

  it('has this node on top, and each link once', () => {
    const places = placesOf(nodes);
    expect(places.map(({ node }) => node.id)).toEqual(['a', 'b', 'c']);
    expect(places[0]?.y).toBeCloseTo(-1);
    expect(edgesOf(places).map(({ key, isAlive }) => `${key} ${isAlive}`)).toEqual(['a b true', 'b c false']);
  });

  it('puts one alone into the middle, and never two at one place', () => {
    expect(placesOf([nodeOf('a')])).toMatchObject([{ x: 0, y: 0 }]);
    const many = placesOf(Array.from({ length: 64 }, (_, n) => nodeOf(`n${n}`)));
    expect(new Set(many.map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`)).size).toBe(64);
  });
});

describe('a patch', () => {
  it('is told apart line by line', () => {
    const { lines, isCut } = diffLines('diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n same\n');
    expect(lines.map(({ kind }) => kind)).toEqual(['file', 'file', 'file', 'hunk', 'del', 'add', 'same']);
    expect(isCut).toBe(false);
  });

  it('is cut where a browser gets slow', () => {
    const { lines, isCut } = diffLines('+x\n'.repeat(DIFF_LINES_MAX + 1));
    expect([lines.length, isCut]).toEqual([DIFF_LINES_MAX, true]);
  });
});

describe('small texts', () => {
  it.each([
    [-5_000, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [172_800_000, '2 d'],
  ])('%d ms is %s', (ms, text) => expect(spanText(ms)).toBe(text));

  it('are for people', () => {
    expect([ageText(0, 4_000), ageText(0, 65_000), ageText(9_000, 0)]).toEqual(['just now', '1 min ago', 'just now']);
    expect([shortId(`${'a'.repeat(32)}-12`), eventText('task_claim_withdrawn')]).toEqual([
      'aaaaaaaa-12',
      'claim withdrawn',
    ]);
    expect([sizeText(900), sizeText(1_500), sizeText(2_500_000)]).toEqual(['900 B', '1.5 kB', '2.5 MB']);
  });
});
