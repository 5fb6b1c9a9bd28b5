/** A place that is made anew after its attempt, as the attempt left it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Source } from '#workspace/prepare.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, PROJECT, good, refused, TASK } from './lab.ts';

let lab: Lab;
let node: Workspaces;
beforeEach(async () => {
  lab = new Lab();
  node = await lab.node('node');
});
afterEach(() => lab.close());

const again = async (source: Source) => good(await node.prepare({ ...FIRST, source, again: true })).prepared;

it('is a worktree with its work, committed or not, and what is done in it then is kept, too', async () => {
  const origin = lab.repository('origin');
  const first = await lab.worktree(node, origin);
  lab.commit(first.cwd, { two: '2' }, 'two');
  lab.write(first.cwd, { three: '3' });
  good(await node.salvageAndRemove(first));
  const base = lab.git(first.gitDir, 'rev-parse', `refs/skep/base/${TASK}/1`);
  const place = await again({ kind: 'project', id: PROJECT, base: '' });
  expect(place.cwd).toBe(first.cwd);
  expect([readFileSync(join(place.cwd, 'two'), 'utf8'), readFileSync(join(place.cwd, 'three'), 'utf8')]).toEqual([
    '2',
    '3',
  ]);
  expect(lab.git(place.cwd, 'branch', '--show-current')).toBe(`skep/${TASK}/1`);
  expect(lab.git(first.gitDir, 'rev-parse', `refs/skep/base/${TASK}/1`)).toBe(base);
  lab.write(place.cwd, { four: '4' });
  good(await node.salvageAndRemove(place));
  expect(existsSync(place.cwd)).toBe(false);
  expect((await again({ kind: 'project', id: PROJECT, base: '' })).cwd).toBe(place.cwd);
  expect(existsSync(join(place.cwd, 'four'))).toBe(true);
});

it('is a worktree of the repository at a plain path, on its branch as it stands there', async () => {
  const path = lab.repository('origin');
  const { prepared } = good(await node.prepare({ ...FIRST, source: { kind: 'path', path } }));
  lab.commit(prepared.cwd, { two: '2' }, 'two');
  good(await node.salvageAndRemove(prepared));
  lab.commit(path, { later: 'x' }, 'of the user');
  const place = await again({ kind: 'path', path });
  expect([existsSync(join(place.cwd, 'two')), existsSync(join(place.cwd, 'later'))]).toEqual([true, false]);
});

it('is a scratch folder with its files', async () => {
  const { prepared } = good(await node.prepare({ ...FIRST, source: { kind: 'scratch' } }));
  lab.write(prepared.cwd, { 'sub/one': '1', '.gitignore': '*' });
  good(await node.salvageAndRemove(prepared));
  const place = await again({ kind: 'scratch' });
  expect(place.cwd).toBe(prepared.cwd);
  expect(readFileSync(join(place.cwd, 'sub/one'), 'utf8')).toBe('1');
  good(await node.salvageAndRemove(place));
  expect((await again({ kind: 'scratch' })).cwd).toBe(prepared.cwd);
});

it('is not made where nothing of it is kept any more', async () => {
  const origin = lab.repository('origin');
  await lab.ensure(node, origin);
  const source = { kind: 'project', id: PROJECT, base: 'main' } as const;
  expect(refused(await node.prepare({ ...FIRST, source, again: true }))).toMatchObject({ code: 'unknown_base' });
});
