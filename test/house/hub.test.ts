import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { chunkWord, fileWord, haveWord } from '#door/hub/file-words.ts';
import { FRAMES, isRefused, nameOf } from '#door/hub/frames.ts';

const text = readFileSync(new URL('../../docs/hub.md', import.meta.url), 'utf8');
const lines = [...text.matchAll(/```json\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').trim().split('\n'));
const ofFiles = lines.filter((line) => line.startsWith('{"_ft"'));
const frames = lines.filter((line) => !ofFiles.includes(line));

test.each(frames)('docs/hub.md: %s', (line) => {
  const named = nameOf(line);
  if (isRefused(named)) throw new Error(named.message);
  expect(FRAMES[named.name].safeParse(named.json).success).toBe(true);
});

test('docs/hub.md shows a line for every frame of a client', () => {
  const shown = frames.map((line) => nameOf(line)).flatMap((named) => (isRefused(named) ? [] : named.name));
  expect(shown.toSorted()).toEqual(Object.keys(FRAMES).toSorted());
});

test('docs/hub.md shows a line for every word of a file', () => {
  const word = z.union([fileWord, chunkWord, haveWord]);
  const shown = ofFiles.map((line) => word.parse(JSON.parse(line))._ft);
  const named = fileWord.options.map(({ shape }) => shape._ft.value);
  expect(shown.toSorted()).toEqual([...named, 'chunk', 'have'].toSorted());
});
