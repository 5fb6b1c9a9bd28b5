import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FRAMES, isRefused, nameOf } from '#door/hub/frames.ts';

const text = readFileSync(new URL('../../docs/hub.md', import.meta.url), 'utf8');
const lines = [...text.matchAll(/```json\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').trim().split('\n'));

test.each(lines)('docs/hub.md: %s', (line) => {
  const named = nameOf(line);
  if (isRefused(named)) throw new Error(named.message);
  expect(FRAMES[named.name].safeParse(named.json).success).toBe(true);
});

test('docs/hub.md shows a line for every frame of a client', () => {
  const shown = lines.map((line) => nameOf(line)).flatMap((named) => (isRefused(named) ? [] : named.name));
  expect(shown.toSorted()).toEqual(Object.keys(FRAMES).toSorted());
});
