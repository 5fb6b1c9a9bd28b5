import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

/** A page of the architecture is read in one sitting, or not at all. */
const wordsMax = 2_000;

const rooms = ['src', 'test', 'docs', 'bench', 'tools', 'bin', 'web', 'scripts'];

/** Every path of this project that a text names in backticks; `<…>`, `*` and `{…}` make it a pattern, not a path. */
const pathsIn = (text: string): string[] => {
  const quoted = [...text.matchAll(/`([^`\s]+)`/g)].map((match) => match[1] ?? '');
  return quoted.filter((path) => rooms.some((room) => path.startsWith(`${room}/`)) && !/[<>*{}]/.test(path));
};

describe('docs/architecture.md', () => {
  const page = new URL('docs/architecture.md', root);
  const text = existsSync(page) ? readFileSync(page, 'utf8') : '';

  it('names paths, and every one of them exists', () => {
    const paths = pathsIn(text);
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  });

  it(`has at most ${wordsMax} words`, () => {
    const words = text.split(/\s+/).filter((word) => word !== '');
    expect(words.length).toBeLessThanOrEqual(wordsMax);
  });
});

describe('the search for paths', () => {
  it('finds paths in backticks and leaves patterns, commands and other words alone', () => {
    const text =
      'See `src/core/op.ts` and `docs/`; not `src/*.ts`, `test/<room>/x`, `npm test`, `other/x.ts`, src/bare.ts.';
    expect(pathsIn(text)).toEqual(['src/core/op.ts', 'docs/']);
  });
});
