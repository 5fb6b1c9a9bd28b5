import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '#workspace/deliver.ts';
import type { PreparedWorktree } from '#workspace/record.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, TASK, good, refused } from './lab.ts';

let lab: Lab;
let node: Workspaces;
let origin: string;
let place: PreparedWorktree;
let at: string;
beforeEach(async () => {
  lab = new Lab();
  node = await lab.node('node');
  origin = lab.repository('origin', { a: 'a\n', '.gitignore': 'ignored\n' });
  place = await lab.worktree(node, origin);
  at = place.cwd;
});
afterEach(() => lab.close());

async function deliver(): Promise<Extract<Delivery, { bundlePath: string }>> {
  const delivery = good(await node.deliver(place));
  if (delivery.work === undefined) throw new Error('no work');
  return delivery;
}

const git = (...args: string[]) => lab.git(at, ...args);
const warnings = (delivery: Delivery) => delivery.warnings.map((warning) => warning.code);
const branch = `skep/${TASK}/1`;

/** What a repository that has the base gets out of the bundle. */
function unbundled(delivery: { bundlePath: string }): string {
  const other = lab.path('other');
  lab.git(lab.top, 'clone', '--quiet', origin, other);
  lab.git(other, 'fetch', '--quiet', delivery.bundlePath, `refs/heads/${branch}:refs/heads/got`);
  lab.git(other, 'checkout', '--quiet', 'got');
  return other;
}

describe('a delivery', () => {
  it('is nothing when nothing was changed', async () => {
    lab.write(at, { ignored: 'x' });
    expect(good(await node.deliver(place))).toEqual({ work: undefined, warnings: [] });
  });

  it('carries commits and uncommitted work, ignored files left out', async () => {
    lab.commit(at, { b: 'b' }, 'by the agent');
    lab.write(at, { 'new/c': 'c', ignored: 'x', a: 'changed\n' });
    const delivery = await deliver();
    expect(delivery.work).toMatchObject({ branch, base: place.base, commits: 2, head: git('rev-parse', branch) });
    expect(delivery).toMatchObject({ whole: false, warnings: [], sizeBytes: readFileSync(delivery.bundlePath).length });
    const other = unbundled(delivery);
    expect(lab.git(other, 'log', '--format=%s %an', '-2')).toBe(
      'skep: uncommitted work of attempt 1 Ada\nby the agent Bob',
    );
    expect(lab.git(other, 'ls-files').split('\n')).toEqual(['.gitignore', 'a', 'b', 'new/c']);
    expect(git('status', '--porcelain')).toBe('');
  });

  it('leaves the salvage ref, and gives the same again', async () => {
    lab.write(at, { b: 'b' });
    const first = await deliver();
    const second = await deliver();
    expect(second.work).toEqual(first.work);
    expect(lab.git(place.gitDir, 'rev-parse', `refs/skep/salvage/${TASK}/1`)).toBe(first.work.head);
    lab.write(at, { b: 'more' });
    expect((await deliver()).work.commits).toBe(2);
  });

  it('works when every file was removed, and for names of every kind', async () => {
    git('rm', '--quiet', '-r', '.');
    const names = ['-x', '--all', 'new\nline', 'ü/日本', ' space ', 'quo"te', '*', ':(top)', 'back\\slash', '$(id)'];
    lab.write(at, Object.fromEntries(names.map((name) => [name, 'x'])));
    const other = unbundled(await deliver());
    expect(
      lab
        .git(other, 'ls-files', '-z')
        .split('\0')
        .filter((name) => name !== '')
        .toSorted(),
    ).toEqual(names.toSorted());
    git('rm', '--quiet', '-r', '.');
    expect((await deliver()).work.commits).toBe(2);
  });

  it('takes a change that a copied index would hide', async () => {
    // Same size, same inode, and most likely the same tick as the index.
    for (const content of ['1', '2', '3', '4', '5']) {
      writeFileSync(join(at, 'a'), content);
      git('add', 'a');
      writeFileSync(join(at, 'a'), `${Number(content) + 4}`);
      const { head } = (await deliver()).work;
      expect(git('show', `${head}:a`)).toBe(`${Number(content) + 4}`);
    }
  });

  it('leaves out a file whose name git refuses, and says so', async () => {
    lab.write(at, { 'git~1': 'x', b: 'b' });
    const delivery = await deliver();
    expect(warnings(delivery)).toEqual(['files_not_taken']);
    expect(delivery.warnings[0]?.message).toContain('git~1');
    expect(git('ls-tree', '--name-only', delivery.work.head).split('\n')).toEqual(['.gitignore', 'a', 'b']);
    expect(good(await node.salvageAndRemove(place))).toMatchObject({ state: 'kept' });
  });

  it('has an author also where the user has none', async () => {
    const bare = new Lab({ identity: false });
    const other = await bare.node('node');
    const prepared = await bare.worktree(other, bare.repository('origin'));
    bare.write(prepared.cwd, { b: 'b' });
    const { work } = good(await other.deliver(prepared));
    expect(bare.git(prepared.cwd, 'log', '-1', '--format=%an %ae %cn', work?.head ?? '')).toBe(
      'skep skep@localhost skep',
    );
    await bare.close();
  });

  it('carries very many files', async () => {
    lab.write(at, Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`many/${n % 50}/${n}`, `${n}`])));
    const other = unbundled(await deliver());
    expect(lab.git(other, 'ls-files', 'many').split('\n')).toHaveLength(1000);
  });
});

describe('an agent that went its own way', () => {
  it('on another branch: that is the work', async () => {
    git('checkout', '--quiet', '-b', 'feature');
    lab.commit(at, { b: 'b' });
    lab.write(at, { c: 'c' });
    const delivery = await deliver();
    expect(delivery.work.commits).toBe(2);
    expect(warnings(delivery)).toEqual(['other_branch']);
    expect(git('rev-parse', '--abbrev-ref', 'HEAD')).toBe(branch);
    expect(git('rev-parse', 'feature')).toBe(git('rev-parse', 'HEAD^'));
  });

  it('with a detached HEAD, past commits on its branch: those are kept aside', async () => {
    const left = lab.commit(at, { b: 'b' });
    git('checkout', '--quiet', '--detach', place.base);
    const head = lab.commit(at, { c: 'c' });
    const delivery = await deliver();
    expect(delivery.work).toMatchObject({ head, commits: 1 });
    expect(warnings(delivery)).toEqual(['other_branch', 'commits_left']);
    expect(git('rev-parse', `refs/skep/left/${TASK}/1`)).toBe(left);
  });

  it('to look at the base or another branch: its own branch is the work', async () => {
    lab.git(origin, 'checkout', '--quiet', '-b', 'side');
    lab.commit(origin, { side: 'x' });
    await lab.ensure(node, origin, 'main');
    const head = lab.commit(at, { b: 'b' });
    for (const elsewhere of [place.base, 'refs/remotes/origin/side']) {
      git('checkout', '--quiet', '--detach', elsewhere);
      expect((await deliver()).work.head).toBe(head);
    }
  });

  it('by rewriting history: the bundle carries it all the same', async () => {
    git('checkout', '--quiet', '--orphan', 'fresh');
    lab.commit(at, { b: 'b' });
    const delivery = await deliver();
    expect(warnings(delivery)).toEqual(['other_branch', 'history_rewritten']);
    expect(lab.git(unbundled(delivery), 'ls-files').split('\n')).toEqual(['.gitignore', 'a', 'b']);
  });

  it('back behind the base: there is no work', async () => {
    const second = lab.commit(origin, { b: 'b' });
    const { base } = await lab.ensure(node, origin);
    const { prepared } = good(
      await node.prepare({ task: TASK, attempt: 2, source: { kind: 'project', id: place.project ?? TASK, base } }),
    );
    expect(lab.git(prepared.cwd, 'rev-parse', 'HEAD')).toBe(second);
    lab.git(prepared.cwd, 'reset', '--quiet', '--hard', 'HEAD^');
    expect(good(await node.deliver(prepared)).work).toBeUndefined();
  });

  it('in the middle of a merge, with a stale lock and a broken index: everything is taken', async () => {
    git('checkout', '--quiet', '-b', 'x', place.base);
    lab.commit(at, { a: 'x\n' });
    git('checkout', '--quiet', branch);
    lab.commit(at, { a: 'y\n' });
    expect(() => git('merge', 'x')).toThrow('git merge x');
    const admin = join(place.gitDir, 'worktrees/1');
    writeFileSync(join(admin, 'index.lock'), '');
    const delivery = await deliver();
    expect(warnings(delivery)).toEqual(['unfinished_operation']);
    expect(git('show', `${delivery.work.head}:a`)).toContain('<<<<<<< HEAD');
    writeFileSync(join(admin, 'index'), 'rubbish');
    lab.write(at, { c: 'c' });
    expect((await deliver()).work.commits).toBe(3);
  });

  it('with a branch of that name deleted, and a ref of a hostile name made', async () => {
    git('checkout', '--quiet', '--detach');
    git('branch', '--quiet', '-D', branch);
    git('update-ref', 'refs/heads/-x', 'HEAD');
    git('symbolic-ref', 'HEAD', 'refs/heads/-x');
    lab.write(at, { b: 'b' });
    expect((await deliver()).work.commits).toBe(1);
  });

  it('with repositories of its own inside: they are named, not taken', async () => {
    for (const name of ['empty', 'full', 'd/ü\n-x']) {
      lab.write(at, { [`${name}/file`]: 'x' });
      lab.git(join(at, name), 'init', '--quiet');
    }
    lab.commit(join(at, 'full'), { inside: 'x' });
    lab.write(at, { 'd/b': 'b' });
    const delivery = await deliver();
    expect(warnings(delivery)).toEqual(['nested_repository']);
    expect(delivery.warnings[0]?.message).toContain('"full/"');
    expect(lab.git(unbundled(delivery), 'ls-files').split('\n')).toEqual(['.gitignore', 'a', 'd/b']);
  });

  it('with a repository added as a link: it is told that it does not travel', async () => {
    lab.write(at, { 'sub/x': 'x' });
    lab.git(join(at, 'sub'), 'init', '--quiet');
    lab.commit(join(at, 'sub'), { y: 'y' });
    git('add', 'sub');
    const delivery = await deliver();
    expect(warnings(delivery)).toEqual(['submodule']);
    expect(delivery.warnings[0]?.message).toContain('sub is a link');
  });
});

describe('a worktree that the agent broke', () => {
  it.each<[string, () => void]>([
    ['removed', () => rmSync(at, { recursive: true })],
    ['without its .git', () => rmSync(join(at, '.git'))],
    ['with rubbish for .git', () => writeFileSync(join(at, '.git'), 'rubbish')],
    ['with a repository in its place', () => (rmSync(join(at, '.git')), lab.git(at, 'init', '--quiet'))],
    ['led elsewhere', () => writeFileSync(join(at, '.git'), `gitdir: ${origin}/.git\n`)],
    [
      'led to a repository that claims it',
      () => {
        lab.write(origin, { '.git/worktrees/1/gitdir': `${at}/.git\n`, '.git/worktrees/1/commondir': '../..\n' });
        writeFileSync(join(at, '.git'), `gitdir: ${origin}/.git/worktrees/1\n`);
      },
    ],
    ["cut off from git's side", () => rmSync(join(place.gitDir, 'worktrees/1'), { recursive: true })],
  ])('is refused and kept: %s', async (_, harm) => {
    harm();
    expect(refused(await node.deliver(place))).toMatchObject({ code: 'worktree_broken' });
  });

  it('is not mistaken for a repository above it', async () => {
    lab.git(lab.top, 'init', '--quiet');
    rmSync(join(at, '.git'));
    expect(refused(await node.deliver(place)).code).toBe('worktree_broken');
    expect(() => lab.git(lab.top, 'rev-parse', 'HEAD')).toThrow('fatal');
  });
});

describe('work in a plain path', () => {
  it('travels whole, and its branch stands in the repository', async () => {
    const { prepared } = good(await node.prepare({ ...FIRST, attempt: 3, source: { kind: 'path', path: origin } }));
    lab.write(prepared.cwd, { b: 'b' });
    const delivery = good(await node.deliver(prepared));
    expect(delivery).toMatchObject({ whole: true, work: { project: null, branch: `skep/${TASK}/3`, commits: 1 } });
    expect(lab.git(origin, 'rev-parse', `skep/${TASK}/3`)).toBe(delivery.work?.head);
    expect(lab.git(origin, 'status', '--porcelain')).toBe('');
  });
});
