/** Work in the user's own checkout: commits are delivered from it, and neither its files, its branches nor its index are moved. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Prepared, PreparedCheckout } from '#workspace/record.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, SECOND, TASK, good, refused } from './lab.ts';

const BRANCH = `refs/heads/skep/${TASK}/1`;
const BASE = `refs/skep/base/${TASK}/1`;
const SALVAGE = `refs/skep/salvage/${TASK}/1`;

let lab: Lab;
let node: Workspaces;
let home: string;
let first: string;
beforeEach(async () => {
  lab = new Lab();
  node = await lab.node('node');
  home = lab.repository('home', { a: 'a\n', 'sub/b': 'b\n', '.gitignore': 'ignored\n' });
  first = lab.git(home, 'rev-parse', 'HEAD');
});
afterEach(() => lab.close());

async function prepare(path: string, id = FIRST): Promise<Prepared> {
  return good(await node.prepare({ ...id, source: { kind: 'checkout', path } })).prepared;
}

async function checkout(path = home, id = FIRST): Promise<PreparedCheckout> {
  const prepared = await prepare(path, id);
  if (prepared.kind !== 'checkout') throw new Error(`a ${prepared.kind}`);
  return prepared;
}

const files = (ref: string): string[] => lab.git(home, 'ls-tree', '-r', '--name-only', ref).split('\n');

/** All that a person sees of the repository; HEAD, branches and tags without those that skep adds. */
const standing = (): string =>
  [
    lab.git(home, 'status', '--porcelain', '--branch'),
    lab.git(home, 'diff', '--cached'),
    lab.git(home, 'diff'),
    lab.git(home, 'stash', 'list'),
    ...lab
      .git(home, 'show-ref', '--head')
      .split('\n')
      .filter((line) => !/ refs\/(?:heads\/)?skep\//.test(line)),
  ].join('\n--\n');

const codes = (warnings: readonly { code: string }[]): string[] => warnings.map(({ code }) => code);

describe('a clean checkout', () => {
  it('is where the agent works: its commits and what it did not commit are delivered, and nothing is moved', async () => {
    const place = await checkout(join(home, 'sub'));
    expect(place).toMatchObject({ cwd: join(home, 'sub'), root: home, base: first, dirty: false, warnings: [] });
    expect(lab.git(home, 'rev-parse', BASE)).toBe(first);
    const second = lab.commit(home, { c: 'c\n' });
    lab.write(home, { d: 'd\n', ignored: 'x\n' });
    const before = standing();
    const delivery = good(await node.deliver(place));
    expect(delivery.work).toMatchObject({ project: null, base: first, commits: 2, branch: `skep/${TASK}/1` });
    expect(files(BRANCH)).toEqual(['.gitignore', 'a', 'c', 'd', 'sub/b']);
    expect(lab.git(home, 'rev-parse', `${BRANCH}^`)).toBe(second);
    expect(lab.git(home, 'rev-parse', SALVAGE)).toBe(delivery.work?.head);
    expect(standing()).toBe(before);
  });

  it('without any work delivers nothing', async () => {
    expect(good(await node.deliver(await checkout())).work).toBeUndefined();
  });

  it('is delivered twice as once', async () => {
    const place = await checkout();
    lab.commit(home, { c: 'c\n' });
    const { work } = good(await node.deliver(place));
    expect(good(await node.deliver(place)).work).toEqual(work);
  });

  it('that is a linked worktree delivers from the branch that it has', async () => {
    lab.git(home, 'worktree', 'add', '--quiet', '-b', 'side', lab.path('linked'));
    const place = await checkout(lab.path('linked'));
    expect(place).toMatchObject({ root: lab.path('linked'), gitDir: join(home, '.git') });
    const head = lab.commit(lab.path('linked'), { c: 'c\n' });
    expect(good(await node.deliver(place)).work).toMatchObject({ base: first, head, commits: 1 });
    expect(lab.git(home, 'rev-parse', 'main')).toBe(first);
  });
});

describe('a dirty checkout', () => {
  beforeEach(() => {
    lab.write(home, { a: 'changed\n', staged: 's\n', loose: 'l\n' });
    lab.git(home, 'add', 'staged');
  });

  it('is said to be so, delivers commits alone, and leaves what the user had not committed as it was', async () => {
    const place = await checkout();
    expect(place.dirty).toBe(true);
    expect(codes(place.warnings)).toEqual(['dirty_checkout']);
    lab.write(home, { c: 'c\n' });
    lab.git(home, 'add', 'c');
    lab.git(home, 'commit', '--quiet', '--message', 'c alone', '--', 'c');
    const before = standing();
    const { work } = good(await node.deliver(place));
    expect(work).toMatchObject({ base: first, head: lab.git(home, 'rev-parse', 'HEAD'), commits: 1 });
    expect(files(BRANCH)).toEqual(['.gitignore', 'a', 'c', 'sub/b']);
    expect(lab.git(home, 'show', `${BRANCH}:a`)).toBe('a');
    expect(standing()).toBe(before);
  });

  it('is remembered as a whole, and stays where it is when the attempt is put away', async () => {
    const place = await checkout();
    const before = standing();
    const removal = good(await node.salvageAndRemove(place));
    expect(removal).toMatchObject({ state: 'removed', salvaged: { ref: SALVAGE, gitDir: join(home, '.git') } });
    expect(files(SALVAGE)).toEqual(['.gitignore', 'a', 'loose', 'staged', 'sub/b']);
    expect(lab.git(home, 'show', `${SALVAGE}:a`)).toBe('changed');
    expect(standing()).toBe(before);
    expect(await node.list()).toEqual([]);
  });

  it('delivers nothing when nothing was committed', async () => {
    expect(good(await node.deliver(await checkout())).work).toBeUndefined();
  });

  it('leaves no index of its own behind', async () => {
    const place = await checkout();
    const before = readdirSync(join(home, '.git'));
    good(await node.deliver(place));
    expect(readdirSync(join(home, '.git'))).toEqual(before);
  });
});

describe('an attempt after another one in the same checkout', () => {
  it('begins where the first one ended', async () => {
    await checkout();
    const head = lab.commit(home, { c: 'c\n' });
    expect(await checkout(home, SECOND)).toMatchObject({ base: head, dirty: false });
    expect(await node.find(FIRST)).toMatchObject({ base: first });
  });
});

describe('a folder that nothing can be delivered from', () => {
  it('is worked in as it is when it has no git, or no commit', async () => {
    mkdirSync(lab.path('plain'));
    expect(await prepare(lab.path('plain'))).toMatchObject({ kind: 'directory', cwd: lab.path('plain') });
    mkdirSync(lab.path('unborn'));
    lab.git(lab.path('unborn'), 'init', '--quiet');
    const place = await prepare(lab.path('unborn'), SECOND);
    expect(place).toMatchObject({ kind: 'directory', cwd: lab.path('unborn') });
    expect(good(await node.deliver(place)).work).toBeUndefined();
  });

  it('is refused when it is not there', async () => {
    const source = { kind: 'checkout', path: lab.path('nowhere') } as const;
    expect(refused(await node.prepare({ ...FIRST, source }))).toMatchObject({ code: 'path_missing' });
    expect(await node.list()).toEqual([]);
  });

  it('whose base is gone is refused, and whose folder is gone has nothing to put away', async () => {
    const place = await checkout();
    const lost = { ...place, base: 'd'.repeat(40) };
    expect(refused(await node.deliver(lost))).toMatchObject({ code: 'worktree_broken' });
    rmSync(home, { recursive: true });
    expect(refused(await node.deliver(place))).toMatchObject({ code: expect.any(String) });
    expect(good(await node.salvageAndRemove(place))).toEqual({ state: 'removed', salvaged: undefined });
  });
});
