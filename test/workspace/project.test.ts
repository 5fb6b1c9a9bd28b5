import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOrigin } from '#workspace/origin.ts';
import { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, PROJECT, good, refused } from './lab.ts';

describe('an origin', () => {
  it.each(['https://example.org/a.git', 'ssh://git@example.org/a', 'git@example.org:a/b.git', 'host:a', 'git@[::1]:a'])(
    'is a URL: %s',
    (origin) => {
      expect(readOrigin(origin)).toEqual({ kind: 'url', url: origin });
    },
  );

  it.each([
    ['/a/b c', '/a/b c'],
    ['/a/x:y', '/a/x:y'],
    ['/a/../b/', '/b'],
    ['file:///a/b%20c', '/a/b c'],
    ['file://localhost/a', '/a'],
  ])('is a path: %s', (origin, path) => {
    expect(readOrigin(origin)).toEqual({ kind: 'path', path });
  });

  it.each([
    '',
    'a/b',
    '../a',
    '-u:x',
    '--upload-pack=x',
    'ext::sh -c id',
    'fd::3',
    'ftp://x/y',
    'file://other/a',
    '/a\nb',
    'x',
  ])('is refused: %j', (origin) => {
    expect(readOrigin(origin)).toMatchObject({ refused: true, code: 'bad_origin' });
  });
});

describe('a project on this node', () => {
  let lab: Lab;
  let node: Workspaces;
  beforeEach(async () => {
    lab = new Lab();
    node = await lab.node('node');
  });
  afterEach(() => lab.close());

  const ensure = (origin: string, base: string | null = null) =>
    node.ensureProject({ id: PROJECT, name: 'demo', origin, originIsHere: true, base });

  it('is cloned, and fetched before each attempt', async () => {
    const origin = lab.repository('or igin ü');
    const first = good(await ensure(origin));
    expect(first).toMatchObject({ base: 'main', head: lab.git(origin, 'rev-parse', 'main') });
    const head = lab.commit(origin, { b: 'b' });
    lab.git(origin, 'branch', 'skep/x/1');
    expect(good(await ensure(origin))).toMatchObject({ base: 'main', head });
    expect(lab.git(first.gitDir, 'for-each-ref', '--format=%(refname)')).toBe('refs/remotes/origin/main');
  });

  it('is looked at before it is registered', async () => {
    const origin = lab.repository('origin');
    mkdirSync(join(origin, 'below'));
    mkdirSync(lab.path('plain'));
    expect(await node.checkOrigin(origin)).toBeUndefined();
    expect(await node.checkOrigin('https://example.invalid/x.git')).toBeUndefined();
    const codes = [];
    for (const path of [lab.path('gone'), lab.path('plain'), join(origin, 'below'), 'ext::sh'])
      codes.push((await node.checkOrigin(path))?.code);
    expect(codes).toEqual(['project_unreachable', 'not_a_repository', 'not_a_repository', 'bad_origin']);
  });

  it('starts from the branch that is named, whatever its name', async () => {
    const origin = lab.repository('origin');
    for (const branch of ['-x', 'a/b', '$(id)', '日本', 'HEAD']) {
      lab.git(origin, 'update-ref', `refs/heads/${branch}`, 'main');
      expect(good(await ensure(origin, branch)).base).toBe(branch);
    }
  });

  it('refuses branches that are not there or no names, and names those that are', async () => {
    const origin = lab.repository('origin');
    expect(refused(await ensure(origin, 'nope'))).toMatchObject({
      code: 'unknown_base',
      expected: 'main',
      got: 'nope',
    });
    for (const branch of ['a b', '../x', 'x..y', '*', '--all', '', 'a\nb', 'x\0y', '@{-1}'])
      expect(refused(await ensure(origin, branch)).code).toBe('unknown_base');
    lab.git(origin, 'checkout', '--quiet', '--detach');
    expect(refused(await ensure(origin))).toMatchObject({ code: 'unknown_base', expected: 'main' });
  });

  it('tells an empty repository, a folder without one, a folder inside one, and nothing at all apart', async () => {
    lab.git(lab.top, 'init', '--quiet', lab.path('empty'));
    mkdirSync(lab.path('plain'));
    const origin = lab.repository('origin', { 'sub/a': 'a' });
    expect(refused(await ensure(lab.path('empty'))).code).toBe('empty_repository');
    expect(refused(await ensure(lab.path('empty'), 'main')).code).toBe('empty_repository');
    expect(refused(await ensure(lab.path('plain'))).code).toBe('not_a_repository');
    expect(refused(await ensure(join(origin, 'sub')))).toMatchObject({ code: 'not_a_repository', expected: origin });
    expect(refused(await ensure(lab.path('none'))).code).toBe('project_unreachable');
    expect(refused(await ensure('http://127.0.0.1:1/none.git'))).toMatchObject({ code: 'project_unreachable' });
    expect(refused(await ensure('relative')).code).toBe('bad_origin');
  });

  it('is cloned from a bare repository, through a link, from a shallow clone, and with sha256 ids', async () => {
    const origin = lab.repository('origin');
    lab.commit(origin, { b: 'b' });
    symlinkSync(origin, lab.path('link'));
    lab.git(lab.top, 'clone', '--quiet', '--depth=1', `file://${origin}`, lab.path('shallow'));
    mkdirSync(lab.path('long'));
    lab.git(lab.path('long'), 'init', '--quiet', '--initial-branch=main', '--object-format=sha256');
    lab.commit(lab.path('long'), { a: 'a' });
    for (const path of [lab.bare(origin, 'bare.git'), lab.path('link'), lab.path('shallow'), lab.path('long')]) {
      expect(good(await ensure(path)).head).toBe(lab.git(path, 'rev-parse', 'main'));
      good(await node.removeProject({ id: PROJECT, force: false }));
    }
  });

  it('finishes a clone that was interrupted', async () => {
    const origin = lab.repository('origin');
    const { gitDir } = good(await ensure(origin));
    rmSync(`${gitDir.slice(0, -'.git'.length)}.json`);
    rmSync(join(gitDir, 'refs'), { recursive: true });
    expect(good(await ensure(origin)).base).toBe('main');
  });

  it('is kept while work lies in it, and removed once', async () => {
    const origin = lab.repository('origin');
    await lab.worktree(node, origin);
    expect(refused(await node.removeProject({ id: PROJECT, force: false })).code).toBe('project_in_use');
    expect(good(await node.removeProject({ id: PROJECT, force: true }))).toEqual({ removed: true });
    expect(good(await node.removeProject({ id: PROJECT, force: false }))).toEqual({ removed: false });
  });

  it('runs no hook and no remote helper of an origin', async () => {
    const origin = lab.repository('origin');
    const mark = lab.path('mark');
    for (const name of ['post-checkout', 'reference-transaction', 'post-index-change'])
      writeFileSync(join(origin, '.git/hooks', name), `#!/bin/sh\ntouch '${mark}'\n`, { mode: 0o755 });
    await lab.worktree(node, origin);
    good(await node.prepare({ ...FIRST, attempt: 2, source: { kind: 'path', path: origin } }));
    expect(() => readFileSync(mark)).toThrow('ENOENT');
  });
});

describe('a project at another node', () => {
  let lab: Lab;
  let home: Workspaces;
  let worker: Workspaces;
  let origin: string;
  beforeEach(async () => {
    lab = new Lab();
    home = await lab.node('home');
    worker = await lab.node('worker');
    origin = lab.repository('origin');
  });
  afterEach(() => lab.close());

  const bring = async (have: string[] = []) => {
    const fromHome = good(await home.bundleProject({ origin, base: null, have }));
    const answer = await worker.ensureProject({
      id: PROJECT,
      name: 'demo',
      origin,
      originIsHere: false,
      base: null,
      fromHome,
    });
    return { fromHome, answer };
  };

  it('comes as a bundle, then as what is new, then as nothing', async () => {
    const without = await worker.ensureProject({ id: PROJECT, name: 'demo', origin, originIsHere: false, base: null });
    expect(refused(without).code).toBe('project_unreachable');
    expect(await worker.projectTips(PROJECT)).toEqual([]);
    const first = await bring();
    expect(good(first.answer)).toMatchObject({ base: 'main', head: lab.git(origin, 'rev-parse', 'HEAD') });
    const noise = 'x'.repeat(5000);
    lab.commit(origin, { noise });
    const second = await bring(await worker.projectTips(PROJECT));
    expect(good(second.answer).head).toBe(lab.git(origin, 'rev-parse', 'HEAD'));
    expect(readFileSync(second.fromHome.path ?? '', 'latin1')).toMatch(/^# v2 git bundle\n-[0-9a-f]{40}/);
    const third = await bring(await worker.projectTips(PROJECT));
    expect(third.fromHome.path).toBeUndefined();
    expect(good(third.answer).head).toBe(lab.git(origin, 'rev-parse', 'HEAD'));
    await home.discard(first.fromHome.path ?? '');
    expect(() => readFileSync(first.fromHome.path ?? '')).toThrow('ENOENT');
  });

  it('ignores ids that home does not know', async () => {
    const { fromHome } = await bring(['f'.repeat(40), '--all', 'main']);
    expect(fromHome.path).toBeDefined();
  });

  it('is refused when the bundle is damaged, not the one that was named, or has no ground here', async () => {
    const fromHome = good(await home.bundleProject({ origin, base: null }));
    const path = fromHome.path ?? '';
    const ask = (sent: typeof fromHome) =>
      worker.ensureProject({ id: PROJECT, name: 'demo', origin, originIsHere: false, base: null, fromHome: sent });
    const bytes = readFileSync(path);
    writeFileSync(lab.path('cut'), bytes.subarray(0, bytes.length - 10));
    expect(refused(await ask({ ...fromHome, path: lab.path('cut') })).code).toBe('bundle_unusable');
    expect(refused(await ask({ ...fromHome, head: 'f'.repeat(40) })).code).toBe('bundle_mismatch');
    expect(refused(await ask({ ...fromHome, path: undefined })).code).toBe('bundle_prerequisites_missing');
    lab.commit(origin, { b: 'b' });
    const thin = good(await home.bundleProject({ origin, base: null, have: [fromHome.head] }));
    expect(refused(await ask(thin)).code).toBe('bundle_prerequisites_missing');
    expect(good(await ask(fromHome)).head).toBe(fromHome.head);
  });

  it('is not bundled from a URL, a plain folder, or a branch that is not there', async () => {
    expect(refused(await home.bundleProject({ origin: 'https://example.org/a', base: null })).code).toBe('bad_origin');
    expect(refused(await home.bundleProject({ origin: lab.top, base: null })).code).toBe('not_a_repository');
    expect(refused(await home.bundleProject({ origin, base: 'nope' })).code).toBe('unknown_base');
  });
});

describe('a machine without a fitting git', () => {
  it('is told at the start', async () => {
    const lab = new Lab();
    const options = { stateDir: lab.path('node'), identity: { name: 'skep', email: 'skep@localhost' } };
    expect(refused(await Workspaces.open({ ...options, environment: { PATH: lab.path('nowhere') } })).code).toBe(
      'git_unusable',
    );
    mkdirSync(lab.path('bin'));
    writeFileSync(lab.path('bin/git'), '#!/bin/sh\necho git version 2.30.2\n', { mode: 0o755 });
    const environment = { PATH: `${lab.path('bin')}:${process.env.PATH ?? ''}` };
    expect(refused(await Workspaces.open({ ...options, environment }))).toMatchObject({ got: 'git version 2.30.2' });
    const heard: string[] = [];
    const without = good(
      await Workspaces.open({ ...options, environment, onUnusableGit: ({ code }) => heard.push(code) }),
    );
    expect(heard).toEqual(['git_unusable']);
    await without.close();
    await lab.close();
  });
});
