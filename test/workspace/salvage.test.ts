import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PreparedWorktree } from '#workspace/record.ts';
import type { Removal } from '#workspace/salvage.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, SECOND, TASK, good } from './lab.ts';

let lab: Lab;
let node: Workspaces;
let origin: string;
beforeEach(async () => {
  lab = new Lab();
  node = await lab.node('node');
  origin = lab.repository('origin', { a: 'a\n', '.gitignore': 'ignored\n' });
});
afterEach(() => lab.close());

async function remove(place: Parameters<Workspaces['salvageAndRemove']>[0]): Promise<Removal> {
  return good(await node.salvageAndRemove(place));
}

function salvagedFiles(removal: Removal): string[] {
  if (removal.state !== 'removed' || removal.salvaged === undefined) throw new Error(JSON.stringify(removal));
  const { gitDir, ref } = removal.salvaged;
  return lab.git(gitDir, 'ls-tree', '-r', '--name-only', ref).split('\n');
}

describe('a worktree', () => {
  let place: PreparedWorktree;
  beforeEach(async () => {
    place = await lab.worktree(node, origin);
  });

  it('is removed after its uncommitted work is remembered', async () => {
    lab.write(place.cwd, { b: 'b', ignored: 'x' });
    const removal = await remove(place);
    expect(salvagedFiles(removal)).toEqual(['.gitignore', 'a', 'b']);
    expect(existsSync(place.root)).toBe(false);
    expect(await node.find(FIRST)).toBeUndefined();
    expect(await node.list()).toEqual([]);
    expect(lab.git(place.gitDir, 'worktree', 'list', '--porcelain')).not.toContain(place.root);
    expect(lab.git(place.gitDir, 'for-each-ref', 'refs/heads')).toBe('');
    // Again, as after a crash between the removal and its answer.
    expect(salvagedFiles(await remove(place))).toEqual(['.gitignore', 'a', 'b']);
  });

  it('is kept when it is broken', async () => {
    lab.write(place.cwd, { b: 'b' });
    rmSync(join(place.cwd, '.git'));
    expect(await remove(place)).toMatchObject({ state: 'kept', path: place.root, reason: { code: 'worktree_broken' } });
    expect(existsSync(join(place.cwd, 'b'))).toBe(true);
    expect(await node.find(FIRST)).toEqual(place);
  });

  it('is kept when a repository lies in it, in whatever state', async () => {
    lab.write(place.cwd, { 'sub/x': 'x' });
    lab.git(join(place.cwd, 'sub'), 'init', '--quiet');
    expect(await remove(place)).toMatchObject({ state: 'kept', reason: { code: 'worktree_broken' } });
    lab.commit(join(place.cwd, 'sub'), { y: 'y' });
    lab.commit(place.cwd, { b: 'b' });
    expect(await remove(place)).toMatchObject({ state: 'kept' });
    expect(existsSync(join(place.cwd, 'sub/y'))).toBe(true);
  });

  it('whose folder is gone is tidied up, its last commit remembered', async () => {
    lab.git(place.cwd, 'checkout', '--quiet', '--detach');
    lab.commit(place.cwd, { b: 'b' });
    rmSync(place.root, { recursive: true });
    expect(salvagedFiles(await remove(place))).toEqual(['.gitignore', 'a', 'b']);
    expect(lab.git(place.gitDir, 'worktree', 'list', '--porcelain')).not.toContain(place.root);
  });

  it('whose clone is gone too leaves only its record to remove', async () => {
    rmSync(place.root, { recursive: true });
    rmSync(place.gitDir, { recursive: true });
    expect(await remove(place)).toEqual({ state: 'removed', salvaged: undefined });
    expect(await node.list()).toEqual([]);
  });
});

describe('a worktree with submodules', () => {
  it('is removed when they are as the base has them, and kept when they are not', async () => {
    const library = lab.repository('library');
    const allow = ['-c', 'protocol.file.allow=always'];
    lab.git(origin, ...allow, 'submodule', '--quiet', 'add', library, 'sub');
    lab.commit(origin, {});
    const place = await lab.worktree(node, origin);
    lab.git(place.cwd, ...allow, 'submodule', '--quiet', 'update', '--init');
    const other = await lab.worktree(node, origin, SECOND);
    lab.git(other.cwd, ...allow, 'submodule', '--quiet', 'update', '--init');
    expect(await remove(place)).toMatchObject({ state: 'removed' });
    lab.write(join(other.cwd, 'sub'), { 'README.md': 'changed' });
    expect(await remove(other)).toMatchObject({ state: 'kept' });
    lab.commit(join(other.cwd, 'sub'), {});
    expect(good(await node.deliver(other)).warnings.map((warning) => warning.code)).toEqual(['submodule']);
    expect(await remove(other)).toMatchObject({ state: 'kept' });
  });
});

describe("a worktree of the user's own repository", () => {
  it('goes, its branch stays, and nothing else changes', async () => {
    const { prepared } = good(await node.prepare({ ...FIRST, source: { kind: 'path', path: origin } }));
    lab.write(prepared.cwd, { b: 'b' });
    expect(salvagedFiles(await remove(prepared))).toEqual(['.gitignore', 'a', 'b']);
    const left = lab.git(origin, 'for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/remotes', 'refs/tags');
    expect(left.split('\n')).toEqual(['refs/heads/main', `refs/heads/skep/${TASK}/1`]);
    expect(lab.git(origin, 'status', '--porcelain')).toBe('');
  });
});

describe('a scratch folder', () => {
  const scratch = async () => good(await node.prepare({ ...FIRST, source: { kind: 'scratch' } })).prepared;

  it('is removed, empty or remembered with every file', async () => {
    expect(await remove(await scratch())).toEqual({ state: 'removed', salvaged: undefined });
    const place = await scratch();
    lab.write(place.cwd, { '.gitignore': '*', 'a/ü\n': 'x', '-b': 'b' });
    expect(salvagedFiles(await remove(place))).toHaveLength(3);
    expect(existsSync(place.cwd)).toBe(false);
    expect(await remove(place)).toEqual({ state: 'removed', salvaged: undefined });
    expect(readdirSync(lab.path('node/bundles'))).toEqual([]);
  });

  it.each(['.', 'clone'])('with a repository in it is kept: %s', async (name) => {
    const place = await scratch();
    lab.write(place.cwd, { 'clone/x': 'x' });
    lab.git(join(place.cwd, name), 'init', '--quiet');
    expect(await remove(place)).toMatchObject({ state: 'kept', path: place.cwd });
    expect(existsSync(join(place.cwd, 'clone/x'))).toBe(true);
  });
});
