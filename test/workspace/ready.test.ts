import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeliveredWork } from '#workspace/deliver.ts';
import type { AttemptId } from '#workspace/layout.ts';
import type { MergeRequest } from '#workspace/merge.ts';
import type { Where } from '#workspace/place.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, PROJECT, SECOND, TASK, good, refused } from './lab.ts';

const where: Where = { kind: 'project', id: PROJECT };
const fence = `refs/skep/${TASK}`;

describe('a merge into a branch that somebody has checked out', () => {
  let lab: Lab;
  let home: Workspaces;
  /** The person's repository; its name needs quoting. */
  let checkout: string;
  beforeEach(async () => {
    lab = new Lab();
    home = await lab.node('home');
    checkout = lab.repository("the person's", { a: 'one\n' });
  });
  afterEach(() => lab.close());

  const work = (origin: string, id: AttemptId, files: Record<string, string>): Promise<DeliveredWork> =>
    lab.delivered(home, origin, { id, files });
  const merge = (id: AttemptId, done: DeliveredWork, more: Partial<MergeRequest> = {}, node: Workspaces = home) =>
    node.merge({ ...id, where, work: done, into: 'main', title: 'Do it', ...more });
  const tip = (path: string, ref = 'refs/heads/main') => lab.git(path, 'rev-parse', ref);
  const run = (command: string) => execFileSync('sh', ['-c', command], { env: { ...lab.environment }, stdio: 'pipe' });

  it('is made ready, and the command finishes it', async () => {
    const done = await work(checkout, FIRST, { b: 'b' });
    const before = [tip(checkout), lab.git(checkout, 'status', '--porcelain')];
    const ready = good(await merge(FIRST, done));
    if (ready.state !== 'ready') throw new Error(ready.state);
    expect(ready).toMatchObject({ into: 'main', checkout, dirty: false });
    expect([tip(checkout), lab.git(checkout, 'status', '--porcelain')]).toEqual(before);
    expect(lab.git(checkout, 'for-each-ref', '--format=%(refname)').split('\n')).toEqual([
      'refs/heads/main',
      `refs/heads/skep/${TASK}/1`,
      `refs/skep/ready/${TASK}/1`,
    ]);
    run(ready.command);
    expect([tip(checkout), tip(checkout, fence)]).toEqual([ready.commit, ready.commit]);
    expect(lab.git(checkout, 'status', '--porcelain')).toBe('');
    expect(good(await merge(FIRST, done))).toMatchObject({ state: 'merged', how: 'already', commit: ready.commit });
    expect(lab.git(checkout, 'for-each-ref', 'refs/skep/ready')).toBe('');
  });

  it("lets only one attempt's command through", async () => {
    const one = await work(checkout, FIRST, { b: '1' });
    const two = await work(checkout, SECOND, { c: '2' });
    const [first, second] = [good(await merge(FIRST, one)), good(await merge(SECOND, two))];
    if (first.state !== 'ready' || second.state !== 'ready') throw new Error('not ready');
    run(first.command);
    expect(() => run(second.command)).toThrow('git -C');
    expect(tip(checkout)).toBe(first.commit);
    expect(refused(await merge(SECOND, two)).code).toBe('fenced');
  });

  it('tells that the checkout is dirty, and leaves it', async () => {
    const done = await work(checkout, FIRST, { a: 'theirs\n' });
    lab.write(checkout, { a: 'mine\n' });
    const ready = good(await merge(FIRST, done));
    if (ready.state !== 'ready') throw new Error(ready.state);
    expect(ready.dirty).toBe(true);
    expect(() => run(ready.command)).toThrow('git -C');
    expect(lab.git(checkout, 'diff', '--', 'a')).toContain('+mine');
    expect(lab.git(checkout, 'for-each-ref', fence)).toBe('');
  });

  it('in a linked worktree is made ready there; a branch that nobody looks at is pushed', async () => {
    lab.git(checkout, 'worktree', 'add', '--quiet', '-b', 'side', lab.path('linked'));
    lab.git(checkout, 'branch', 'free');
    const done = await work(checkout, FIRST, { b: 'b' });
    expect(good(await merge(FIRST, done, { into: 'side' }))).toMatchObject({
      state: 'ready',
      checkout: lab.path('linked'),
    });
    expect(good(await merge(FIRST, done, { into: 'free' }))).toMatchObject({
      state: 'merged',
      commit: tip(checkout, 'free'),
    });
    expect(lab.git(checkout, 'status', '--porcelain')).toBe('');
  });

  it("of the person's own repository, for a plain path", async () => {
    const path: Where = { kind: 'path', path: checkout };
    const { prepared } = good(await home.prepare({ ...FIRST, source: { kind: 'path', path: checkout } }));
    lab.write(prepared.cwd, { b: 'b' });
    const { work: done } = good(await home.deliver(prepared));
    if (done === undefined) throw new Error('no work');
    const ready = good(await merge(FIRST, done, { where: path }));
    if (ready.state !== 'ready') throw new Error(ready.state);
    run(ready.command);
    expect(tip(checkout)).toBe(ready.commit);
    lab.git(checkout, 'branch', 'free', 'main^1');
    lab.git(checkout, 'update-ref', '-d', fence);
    expect(good(await merge(FIRST, done, { where: path, into: 'free' }))).toMatchObject({
      state: 'merged',
      how: 'commit',
    });
  });

  it("on another node is that node's business", async () => {
    const worker = await lab.node('worker');
    const fromHome = good(await home.bundleProject({ origin: checkout, base: null }));
    good(
      await worker.ensureProject({
        id: PROJECT,
        name: 'demo',
        origin: checkout,
        originIsHere: false,
        base: null,
        fromHome,
      }),
    );
    const { prepared } = good(
      await worker.prepare({ ...FIRST, source: { kind: 'project', id: PROJECT, base: 'main' } }),
    );
    lab.write(prepared.cwd, { b: 'b' });
    const { work: done } = good(await worker.deliver(prepared));
    if (done === undefined) throw new Error('no work');
    expect(refused(await merge(FIRST, done, {}, worker)).code).toBe('merge_elsewhere');
  });
});
