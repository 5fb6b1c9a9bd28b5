import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Git } from '#workspace/git.ts';
import { pushFenced } from '#workspace/push.ts';
import { Repository } from '#workspace/repository.ts';
import { Lab, TASK } from './lab.ts';

const fence = `refs/skep/${TASK}`;

describe('the push of a merge', () => {
  let lab: Lab;
  let bare: string;
  let commit: string;
  let target: { repository: Repository; remote: string };
  beforeEach(() => {
    lab = new Lab();
    const mine = lab.repository('mine');
    bare = lab.bare(mine, 'bare.git');
    commit = lab.commit(mine, { b: 'b' });
    target = { repository: new Repository(new Git(lab.environment), { gitDir: `${mine}/.git` }), remote: bare };
  });
  afterEach(() => lab.close());

  const refs = () => lab.git(bare, 'for-each-ref', '--format=%(refname) %(objectname)');
  const push = () => pushFenced(target, { commit, fence, branch: 'main' });

  it('moves both, and is content when it already did', async () => {
    expect(await push()).toEqual({ state: 'pushed' });
    expect(refs()).toBe(`refs/heads/main ${commit}\n${fence} ${commit}`);
    expect(await push()).toEqual({ state: 'pushed' });
    expect(refs()).toBe(`refs/heads/main ${commit}\n${fence} ${commit}`);
  });

  it('moves neither when a fence stands, even one that could move forward', async () => {
    lab.git(bare, 'update-ref', fence, 'main');
    const before = refs();
    expect(await push()).toMatchObject({ state: 'moved' });
    expect(refs()).toBe(before);
  });

  it('moves neither when the branch went on', async () => {
    lab.git(
      bare,
      'update-ref',
      'refs/heads/main',
      lab.git(bare, 'commit-tree', '-p', 'main', '-m', 'x', 'main^{tree}'),
    );
    const before = refs();
    expect(await push()).toMatchObject({ state: 'moved' });
    expect(refs()).toBe(before);
  });

  it('says that a branch is checked out, where only the server knows', async () => {
    lab.git(lab.top, 'clone', '--quiet', bare, lab.path('theirs'));
    expect(
      await pushFenced({ ...target, remote: lab.path('theirs') }, { commit, fence, branch: 'main' }),
    ).toMatchObject({
      refused: true,
      code: 'branch_checked_out',
    });
  });

  it('says that a server is gone', async () => {
    const gone = { ...target, remote: lab.path('none') };
    expect(await pushFenced(gone, { commit, fence, branch: 'main' })).toMatchObject({ code: 'push_refused' });
  });
});
