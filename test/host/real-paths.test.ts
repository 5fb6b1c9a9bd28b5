import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { realPlaceOf } from '../../src/host/real-paths.ts';

let top: string;
let cwd: string;
beforeAll(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'skep-paths-')));
  cwd = join(top, 'tree');
  mkdirSync(join(cwd, 'src'), { recursive: true });
  mkdirSync(join(top, 'treetop'));
  writeFileSync(join(cwd, 'src', 'a.ts'), '');
  symlinkSync(top, join(cwd, 'up'));
  symlinkSync(join(top, 'nothing-yet'), join(cwd, 'dangling'));
  symlinkSync('src', join(cwd, 'within'));
  symlinkSync('loop', join(cwd, 'loop'));
  symlinkSync(cwd, join(top, 'alias'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const isInside = async (...paths: string[]): Promise<boolean> => (await realPlaceOf(cwd, paths)).inside;

it('knows files of the folder, there or not there yet', async () => {
  expect(await isInside(join(cwd, 'src/a.ts'))).toBe(true);
  expect(await isInside(join(cwd, 'new/deep/b.ts'), join(cwd, 'src/a.ts'))).toBe(true);
  expect(await isInside(join(cwd, 'within/a.ts'))).toBe(true);
  expect(await isInside(join(top, 'alias/src/a.ts'))).toBe(true);
  expect(await realPlaceOf(join(top, 'alias'), [join(cwd, 'src/a.ts')])).toEqual({
    cwd,
    paths: [join(cwd, 'src/a.ts')],
    inside: true,
  });
});

it.each([
  ['a sibling whose name begins alike', '../treetop/x', false],
  ['a link that leads out', 'up/x', true],
  ['a link that leads to what is not there yet', 'dangling', true],
  ['a link to itself', 'loop/x', true],
  ['a way up behind a link', 'within/../../x', true],
  ['a way up that comes back', 'src/../src/a.ts', true],
  ['a zero byte', 'src/a\0.ts', true],
])('takes for outside: %s', async (_what, path, isRaw) => {
  expect(await isInside(isRaw ? `${cwd}/${path}` : join(cwd, path))).toBe(false);
});

it('takes for outside what is not absolute, the folder itself, and nothing at all', async () => {
  expect(await isInside('src/a.ts')).toBe(false);
  expect(await isInside(cwd)).toBe(false);
  expect(await isInside()).toBe(false);
  expect(await isInside(join(cwd, 'src/a.ts'), '/etc/passwd')).toBe(false);
});
