import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Git } from '#workspace/git.ts';
import { copyIncluded } from '#workspace/include.ts';
import type { Source } from '#workspace/prepare.ts';
import type { PreparedWorktree } from '#workspace/record.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, PROJECT, SECOND, TASK, good, refused } from './lab.ts';

let lab: Lab;
let node: Workspaces;
beforeEach(async () => {
  lab = new Lab();
  node = await lab.node('node');
});
afterEach(() => lab.close());

const prepare = (source: Source, id = FIRST) => node.prepare({ ...id, source });

async function worktree(source: Source, id = FIRST): Promise<PreparedWorktree> {
  const { prepared } = good(await prepare(source, id));
  if (prepared.kind !== 'worktree') throw new Error(`a ${prepared.kind}`);
  return prepared;
}

describe('a worktree of a project', () => {
  it('is made on its own branch from the fetched base', async () => {
    const origin = lab.repository('origin');
    const prepared = await lab.worktree(node, origin);
    const head = lab.git(origin, 'rev-parse', 'main');
    expect(prepared).toMatchObject({ base: head, dirty: false, cwd: lab.path('node/work', TASK, '1'), warnings: [] });
    expect(lab.git(prepared.cwd, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe(`skep/${TASK}/1`);
    expect(lab.git(prepared.cwd, 'status', '--porcelain')).toBe('');
    expect(lab.git(origin, 'branch', '--format=%(refname:short)')).toBe('main');
  });

  it('is one an attempt, from a branch, a tag or a commit', async () => {
    const origin = lab.repository('origin');
    const first = lab.git(origin, 'rev-parse', 'main');
    lab.git(origin, 'tag', 'v1');
    const second = lab.commit(origin, { b: 'b' });
    lab.git(origin, 'branch', '--', 'side', 'v1');
    await lab.ensure(node, origin);
    const bases = [
      ['main', second],
      ['side', first],
      ['v1', first],
      [first, first],
    ] as const;
    for (const [at, [base, commit]] of bases.entries())
      expect((await worktree({ kind: 'project', id: PROJECT, base }, { task: TASK, attempt: at + 1 })).base).toBe(
        commit,
      );
    expect(await node.list()).toHaveLength(bases.length);
    for (const base of ['nope', 'refs/heads/main', '--all', 'HEAD', `${first}^`])
      expect(refused(await prepare({ kind: 'project', id: PROJECT, base }, { task: TASK, attempt: 9 })).code).toBe(
        'unknown_base',
      );
  });

  it('needs the clone first', async () => {
    expect(refused(await prepare({ kind: 'project', id: PROJECT, base: 'main' })).code).toBe('project_missing');
  });

  it('tells that the checkout at the origin is dirty, and leaves it alone', async () => {
    const origin = lab.repository('origin');
    lab.write(origin, { 'README.md': 'changed\n', new: 'new' });
    const before = lab.git(origin, 'status', '--porcelain');
    const prepared = await lab.worktree(node, origin);
    expect(prepared.dirty).toBe(true);
    expect(readFileSync(join(prepared.cwd, 'README.md'), 'utf8')).toBe('one\n');
    expect(lab.git(origin, 'status', '--porcelain')).toBe(before);
  });

  it('is found again by a restarted node, with what the agent did', async () => {
    const origin = lab.repository('origin');
    const prepared = await lab.worktree(node, origin);
    lab.write(prepared.cwd, { work: 'half done' });
    lab.commit(origin, { later: 'x' });
    const restarted = await lab.node('node');
    const again = good(await restarted.prepare({ ...FIRST, source: { kind: 'project', id: PROJECT, base: 'main' } }));
    expect(again).toEqual({ prepared, found: true });
    expect(await restarted.find(FIRST)).toEqual(prepared);
    expect(await restarted.find(SECOND)).toBeUndefined();
    expect(readFileSync(join(prepared.cwd, 'work'), 'utf8')).toBe('half done');
  });

  it('is told to be broken when its folder was removed', async () => {
    const prepared = await lab.worktree(node, lab.repository('origin'));
    rmSync(prepared.root, { recursive: true });
    expect(refused(await prepare({ kind: 'project', id: PROJECT, base: 'main' })).code).toBe('worktree_broken');
  });

  it('is made anew after an interrupted start, whose rest is kept', async () => {
    const origin = lab.repository('origin');
    const prepared = await lab.worktree(node, origin);
    lab.commit(prepared.cwd, { odd: 'odd' });
    rmSync(`${prepared.root}.json`);
    writeFileSync(join(prepared.gitDir, 'worktrees/1/locked'), 'initializing');
    const again = await lab.worktree(node, origin);
    expect(again.warnings.map((warning) => warning.code)).toEqual(['leftover_kept']);
    expect(existsSync(`${prepared.root}.left-1/odd`)).toBe(true);
    expect(lab.git(again.cwd, 'status', '--porcelain')).toBe('');
    expect(lab.git(again.gitDir, 'log', '-1', '--format=%s', `refs/skep/left/${TASK}/1`)).toBe('a commit');
  });

  it('is made when the first try died before or while git worked', async () => {
    const origin = lab.repository('origin');
    const { gitDir } = await lab.ensure(node, origin);
    mkdirSync(lab.path('node/work', TASK, '1'), { recursive: true });
    expect((await lab.worktree(node, origin)).cwd).toBe(lab.path('node/work', TASK, '1'));
    lab.git(
      gitDir,
      'worktree',
      'add',
      '--quiet',
      '--lock',
      '-b',
      `skep/${TASK}/2`,
      lab.path('node/work', TASK, '2'),
      'refs/remotes/origin/main',
    );
    rmSync(lab.path('node/work', TASK, '2'), { recursive: true });
    expect((await lab.worktree(node, origin, SECOND)).warnings).toEqual([]);
  });

  it('is made only once when it is asked for twice at the same time', async () => {
    await lab.ensure(node, lab.repository('origin'));
    const source: Source = { kind: 'project', id: PROJECT, base: 'main' };
    const answers = await Promise.all([prepare(source), prepare(source)]);
    expect(answers.map((answer) => good(answer).found)).toEqual([false, true]);
  });
});

describe('a plain path', () => {
  it('in a repository gives a worktree of it, from its HEAD, in the same folder', async () => {
    const origin = lab.repository('origin', { 'a/b/c': 'c', d: 'd' });
    lab.git(origin, 'checkout', '--quiet', '--detach');
    const head = lab.commit(origin, { d: 'e' });
    lab.write(origin, { d: 'dirty' });
    const prepared = await worktree({ kind: 'path', path: join(origin, 'a/b') });
    expect(prepared).toMatchObject({ project: null, base: head, dirty: true, cwd: join(prepared.root, 'a/b') });
    expect(readFileSync(join(prepared.cwd, 'c'), 'utf8')).toBe('c');
    expect(readFileSync(join(origin, 'd'), 'utf8')).toBe('dirty');
  });

  it("in a linked worktree starts from that one's HEAD", async () => {
    const origin = lab.repository('origin');
    lab.git(origin, 'worktree', 'add', '--quiet', '-b', 'side', lab.path('linked'));
    const head = lab.commit(lab.path('linked'), { side: 'x' });
    expect((await worktree({ kind: 'path', path: lab.path('linked') })).base).toBe(head);
  });

  it('of a bare repository gives a worktree too', async () => {
    const bare = lab.bare(lab.repository('origin'), 'bare.git');
    expect(await worktree({ kind: 'path', path: bare })).toMatchObject({ dirty: false });
  });

  it('without a repository, or that HEAD does not hold, is the folder itself', async () => {
    const origin = lab.repository('origin', { '.gitignore': 'build\n' });
    mkdirSync(lab.path('plain'));
    mkdirSync(join(origin, 'build'));
    for (const [at, path] of [lab.path('plain'), join(origin, 'build')].entries()) {
      const { prepared } = good(await prepare({ kind: 'path', path }, { task: TASK, attempt: at + 1 }));
      expect(prepared).toMatchObject({ kind: 'directory', cwd: path });
      expect(good(await node.deliver(prepared))).toEqual({ work: undefined, warnings: [] });
      expect(await node.salvageAndRemove(prepared)).toEqual({ state: 'removed', salvaged: undefined });
      expect(existsSync(path)).toBe(true);
    }
  });

  it('that is missing, a file, or relative is refused', async () => {
    writeFileSync(lab.path('file'), '');
    for (const path of [lab.path('none'), lab.path('file'), 'relative', '', '/a\0b'])
      expect(refused(await prepare({ kind: 'path', path })).code).toBe('path_missing');
    expect(readdirSync(lab.path('node/work'))).toEqual([]);
  });

  it('of a repository without a commit, or that git does not open, is refused', async () => {
    lab.git(lab.top, 'init', '--quiet', lab.path('empty'));
    expect(refused(await prepare({ kind: 'path', path: lab.path('empty') })).code).toBe('empty_repository');
    mkdirSync(lab.path('odd'));
    writeFileSync(lab.path('odd/.git'), 'gitdir: /nowhere\n');
    expect(refused(await prepare({ kind: 'path', path: lab.path('odd') })).code).toBe('not_a_repository');
  });

  it("whose repository has a branch called skep is refused in git's words", async () => {
    const origin = lab.repository('origin');
    lab.git(origin, 'branch', 'skep');
    const answer = refused(await prepare({ kind: 'path', path: origin }));
    expect(answer.code).toBe('branch_refused');
    expect(answer.message).toContain("'refs/heads/skep' exists");
  });
});

describe('a scratch folder', () => {
  it('is fresh, found again, and walled off from a repository around it', async () => {
    lab.git(lab.top, 'init', '--quiet');
    const first = good(await prepare({ kind: 'scratch' }));
    expect(readdirSync(first.prepared.cwd)).toEqual([]);
    expect(good(await prepare({ kind: 'scratch' }))).toEqual({ ...first, found: true });
    const wall = await node.agentEnvironment(first.prepared);
    expect(wall).toEqual({ GIT_CEILING_DIRECTORIES: lab.path('node/work'), GIT_TERMINAL_PROMPT: '0' });
    const asAgent = { ...lab.environment, ...wall };
    expect(() =>
      execFileSync('git', ['rev-parse', '--git-dir'], { cwd: first.prepared.cwd, env: asAgent, stdio: 'pipe' }),
    ).toThrow('not a git repository');
  });

  it('of a user without a git identity comes with an author', async () => {
    const bare = new Lab({ identity: false });
    const other = await bare.node('node');
    const { prepared } = good(await other.prepare({ ...FIRST, source: { kind: 'scratch' } }));
    expect(await other.agentEnvironment(prepared)).toMatchObject({
      GIT_AUTHOR_NAME: 'skep',
      GIT_COMMITTER_EMAIL: 'skep@localhost',
    });
    await bare.close();
  });
});

describe('.worktreeinclude', () => {
  const ignore = '.env*\n*.key\nlink\nout/\ndeep/\n';

  it('copies ignored files that it names, and nothing else', async () => {
    const origin = lab.repository('origin', {
      '.gitignore': ignore,
      '.worktreeinclude': '.env*\n!.env.prod\n/deep/**/*.key\nnot-ignored\n',
    });
    const odd = 'deep/a/ü\n-x.key';
    lab.write(origin, {
      '.env': 'A=1',
      '.env.prod': 'x',
      'top.key': 'x',
      'not-ignored': 'x',
      'deep/other': 'x',
      [odd]: 'key',
    });
    const lines: string[] = [];
    await lab.ensure(node, origin);
    const source: Source = { kind: 'project', id: PROJECT, base: 'main' };
    const { prepared } = good(await node.prepare({ ...FIRST, source, onStatus: (line) => lines.push(line) }));
    expect(readdirSync(prepared.cwd).toSorted()).toEqual(['.env', '.git', '.gitignore', '.worktreeinclude', 'deep']);
    expect(readFileSync(join(prepared.cwd, odd), 'utf8')).toBe('key');
    expect(readdirSync(join(prepared.cwd, 'deep'))).toEqual(['a']);
    expect(lines).toEqual(['Making the worktree', 'Copied 2 files named by .worktreeinclude']);
    expect(lab.git(prepared.cwd, 'status', '--porcelain')).toBe('');
  });

  it('works for a plain path, and is nothing to a bare origin', async () => {
    const origin = lab.repository('origin', { '.gitignore': ignore, '.worktreeinclude': '.env\n' });
    lab.write(origin, { '.env': 'A=1' });
    const prepared = await worktree({ kind: 'path', path: origin });
    expect(readFileSync(join(prepared.cwd, '.env'), 'utf8')).toBe('A=1');
    const other = await lab.worktree(node, lab.bare(origin, 'bare.git'), SECOND);
    expect(existsSync(join(other.cwd, '.env'))).toBe(false);
  });

  it('never reads or writes through a symbolic link', async () => {
    mkdirSync(lab.path('outside'));
    writeFileSync(lab.path('outside/secret.key'), 'secret');
    const origin = lab.repository('origin', {
      '.gitignore': `${ignore}sub/*.key\n`,
      '.worktreeinclude': '.env\nlink\n*.key\n',
    });
    // The base commit holds a link where the checkout, not committed yet, has a folder.
    symlinkSync(lab.path('outside'), join(origin, 'sub'));
    lab.commit(origin, {});
    rmSync(join(origin, 'sub'));
    lab.write(origin, { 'sub/written.key': 'x' });
    symlinkSync(lab.path('outside/secret.key'), join(origin, '.env'));
    symlinkSync(lab.path('outside'), join(origin, 'link'));
    const prepared = await worktree({ kind: 'path', path: origin });
    expect(prepared.warnings.map((warning) => warning.code)).toEqual(['include_skipped']);
    expect(existsSync(join(prepared.cwd, '.env'))).toBe(false);
    expect(existsSync(join(prepared.cwd, 'link'))).toBe(false);
    expect(readdirSync(lab.path('outside'))).toEqual(['secret.key']);
  });

  it('stops at its limit of files and says so', async () => {
    const from = lab.repository('origin', { '.gitignore': 'many/\n', '.worktreeinclude': 'many/\n' });
    lab.write(from, { 'many/1': '', 'many/2': '', 'many/3': '' });
    mkdirSync(lab.path('to'));
    const { copied, warnings } = await copyIncluded(new Git(lab.environment), {
      from,
      to: lab.path('to'),
      filesMax: 2,
    });
    expect(readdirSync(lab.path('to/many'))).toEqual(['1', '2']);
    expect(copied).toBe(2);
    expect(warnings[0]?.message).toContain('stopped after 2 files');
  });
});
