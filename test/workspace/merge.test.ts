import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { opIdOf } from '#core/brand.ts';
import type { DeliveredWork } from '#workspace/deliver.ts';
import type { AttemptId } from '#workspace/layout.ts';
import type { MergeAnswer, MergeRequest } from '#workspace/merge.ts';
import type { Where } from '#workspace/place.ts';
import type { WorkspaceRefusal } from '#workspace/refusal.ts';
import { asRefusal } from '#workspace/refusal.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, PROJECT, SECOND, TASK, good, refused } from './lab.ts';

let lab: Lab;
let home: Workspaces;
/** The person's repository, and what a server would hold of it. */
let checkout: string;
let bare: string;
beforeEach(async () => {
  lab = new Lab();
  home = await lab.node('home');
  checkout = lab.repository("the person's", { a: 'one\n' });
  bare = lab.bare(checkout, 'bare.git');
});
afterEach(() => lab.close());

const where: Where = { kind: 'project', id: PROJECT };
const fence = `refs/skep/${TASK}`;

const work = (origin: string, id: AttemptId, files: Record<string, string>): Promise<DeliveredWork> =>
  lab.delivered(home, origin, { id, files });

const merge = (
  id: AttemptId,
  done: DeliveredWork,
  more: Partial<MergeRequest> = {},
  node: Workspaces = home,
): Promise<MergeAnswer | WorkspaceRefusal> =>
  node.merge({ ...id, where, work: done, into: 'main', title: 'Do it\nSkep-Attempt: 9', ...more });

const tip = (path: string, ref = 'refs/heads/main') => lab.git(path, 'rev-parse', ref);
const refsOf = (path: string) => lab.git(path, 'for-each-ref', '--format=%(refname) %(objectname)');

describe('a merge into a bare origin', () => {
  it('moves branch and fence together, with a message that says what it is', async () => {
    const before = tip(bare);
    const done = await work(bare, FIRST, { b: 'b' });
    const merged = good(await merge(FIRST, done));
    expect(merged).toEqual({ state: 'merged', commit: tip(bare), into: 'main', how: 'commit' });
    expect(tip(bare, fence)).toBe(tip(bare));
    expect(lab.git(bare, 'log', '-1', '--format=%P', 'main')).toBe(`${before} ${done.head}`);
    expect(lab.git(bare, 'log', '-1', '--format=%B', 'main')).toBe(
      `Merge skep/${TASK}/1: Do it Skep-Attempt: 9\n\nSkep-Task: ${TASK}\nSkep-Attempt: 1\n`.trimEnd(),
    );
  });

  it('is the same again after a lost answer or a restart', async () => {
    const done = await work(bare, FIRST, { b: 'b' });
    const first = good(await merge(FIRST, done));
    const refs = refsOf(bare);
    const restarted = await lab.node('home');
    lab.git(lab.top, 'clone', '--quiet', bare, lab.path('other'));
    lab.commit(lab.path('other'), { later: 'x' });
    lab.git(lab.path('other'), 'push', '--quiet');
    expect(good(await merge(FIRST, done, {}, restarted))).toEqual({ ...first, how: 'already' });
    expect(refsOf(bare)).toContain(refs.split('\n').find((line) => line.startsWith(fence)));
  });

  it('builds on what others pushed meanwhile', async () => {
    const done = await work(bare, FIRST, { b: 'b' });
    const theirs = lab.commit(checkout, { c: 'c' });
    lab.git(checkout, 'push', '--quiet', bare, 'main');
    good(await merge(FIRST, done));
    expect(tip(bare, 'main^1')).toBe(theirs);
    expect(lab.git(bare, 'ls-tree', '--name-only', 'main').split('\n')).toEqual(['a', 'b', 'c']);
  });

  it('moves forward without a merge commit when told, where that is possible', async () => {
    const done = await work(bare, FIRST, { b: 'b' });
    expect(good(await merge(FIRST, done, { how: 'fast_forward' }))).toMatchObject({
      commit: done.head,
      how: 'fast_forward',
    });
    expect(tip(bare)).toBe(done.head);
    const other = { task: opIdOf('c'.repeat(32), 1), attempt: 1 };
    const next = await work(bare, other, { c: 'c' });
    lab.git(
      bare,
      'update-ref',
      'refs/heads/main',
      lab.git(bare, 'commit-tree', '-p', 'main', '-m', 'x', 'main^{tree}'),
    );
    expect(good(await merge(other, next, { how: 'fast_forward' }))).toMatchObject({ how: 'commit' });
  });

  it('with a conflict names the paths, and moves nothing', async () => {
    const odd = 'ü\n-x';
    const done = await work(bare, FIRST, { a: 'mine\n', [odd]: '1' });
    lab.commit(checkout, { a: 'theirs\n', [odd]: '2' });
    lab.git(checkout, 'push', '--quiet', bare, 'main');
    const refs = refsOf(bare);
    const answer = refused(await merge(FIRST, done));
    expect(answer).toMatchObject({ code: 'merge_conflict', got: '"a", "ü\\n-x"' });
    expect(asRefusal(answer)).toMatchObject({ refused: true, code: 'merge_conflict' });
    expect(refsOf(bare)).toBe(refs);
  });

  it("of unrelated histories is a person's business", async () => {
    const prepared = await lab.worktree(home, bare);
    lab.git(prepared.cwd, 'checkout', '--quiet', '--orphan', 'fresh');
    lab.commit(prepared.cwd, { b: 'b' });
    const delivery = good(await home.deliver(prepared));
    if (delivery.work === undefined) throw new Error('no work');
    good(await home.receive({ ...FIRST, where, bundlePath: delivery.bundlePath, work: delivery.work }));
    expect(refused(await merge(FIRST, delivery.work)).code).toBe('unrelated_histories');
  });

  it('into a branch that is not there, has no legal name, or without the work is refused', async () => {
    const done = await work(bare, FIRST, { b: 'b' });
    for (const into of ['nope', 'a..b', '', '--mirror', 'main:x'])
      expect(refused(await merge(FIRST, done, { into })).code).toBe('unknown_base');
    expect(refused(await merge(FIRST, { ...done, head: 'f'.repeat(40) })).code).toBe('work_missing');
    expect(refused(await merge(FIRST, done, { where: { kind: 'project', id: TASK } })).code).toBe('project_missing');
  });

  it("that the server's own hook declines is refused in the hook's words, and moves nothing", async () => {
    const done = await work(bare, FIRST, { b: 'b' });
    writeFileSync(join(bare, 'hooks/pre-receive'), '#!/bin/sh\necho protected >&2\nexit 1\n', { mode: 0o755 });
    const refs = refsOf(bare);
    const answer = refused(await merge(FIRST, done));
    expect(answer.code).toBe('push_refused');
    expect(answer.message).toContain('protected');
    expect(refsOf(bare)).toBe(refs);
  });
});

describe('the fence', () => {
  it('lets one attempt through: the second is refused, and main does not move', async () => {
    const one = await work(bare, FIRST, { b: '1' });
    const two = await work(bare, SECOND, { c: '2' });
    good(await merge(FIRST, one));
    const refs = refsOf(bare);
    expect(refused(await merge(SECOND, two))).toMatchObject({ code: 'fenced', got: tip(bare, fence) });
    expect(refsOf(bare)).toBe(refs);
  });

  it('lets one of two through that push at the same moment', async () => {
    const one = await work(bare, FIRST, { b: '1' });
    const two = await work(bare, SECOND, { c: '2' });
    const other = await lab.node('home');
    const answers = await Promise.all([merge(FIRST, one), merge(SECOND, two, {}, other)]);
    const merged = answers.filter((answer) => !('refused' in answer));
    const fenced = answers.filter((answer) => 'refused' in answer && answer.code === 'fenced');
    expect([merged.length, fenced.length]).toEqual([1, 1]);
    expect(lab.git(bare, 'rev-list', '--count', '--merges', 'main')).toBe('1');
  });

  it('holds when the other attempt comes between look and push', async () => {
    const one = await work(bare, FIRST, { b: '1' });
    const two = await work(bare, SECOND, { c: '2' });
    // The server's hook stands for the rival: it wins after the first attempt looked, before its refs move.
    const { gitDir } = await lab.ensure(home, bare);
    const tree = lab.git(gitDir, 'merge-tree', '--write-tree', 'refs/remotes/origin/main', two.head);
    const rival = lab.git(gitDir, 'commit-tree', tree, '-p', 'refs/remotes/origin/main', '-p', two.head, '-m', 'rival');
    lab.git(gitDir, 'push', '--quiet', bare, `${rival}:refs/heads/rival`);
    const hook = `#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref ${fence} ${rival} && git update-ref refs/heads/main ${rival}\n`;
    writeFileSync(join(bare, 'hooks/pre-receive'), hook, { mode: 0o755 });
    expect(refused(await merge(FIRST, one))).toMatchObject({ code: 'fenced', got: rival });
    expect([tip(bare), tip(bare, fence)]).toEqual([rival, rival]);
  });

  it('stands also for the task that supersedes', async () => {
    const newer: AttemptId = { task: opIdOf('c'.repeat(32), 1), attempt: 1 };
    const old = await work(bare, FIRST, { b: '1' });
    const done = await work(bare, newer, { c: '2' });
    good(await merge(newer, done, { fenceOf: TASK }));
    expect(refused(await merge(FIRST, old)).code).toBe('fenced');
  });

  it('that somebody else put there is respected', async () => {
    const done = await work(bare, FIRST, { b: '1' });
    lab.git(bare, 'update-ref', fence, 'main');
    expect(refused(await merge(FIRST, done)).code).toBe('fenced');
  });

  it('is put up after a merge that went past skep', async () => {
    const one = await work(bare, FIRST, { b: '1' });
    const two = await work(bare, SECOND, { c: '2' });
    lab.git(bare, 'update-ref', 'refs/heads/main', one.head);
    expect(good(await merge(FIRST, one))).toMatchObject({ state: 'merged', how: 'elsewhere', commit: one.head });
    expect(refused(await merge(SECOND, two)).code).toBe('fenced');
  });
});
