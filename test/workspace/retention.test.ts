import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { opIdOf } from '#core/brand.ts';
import { refs } from '#workspace/layout.ts';
import type { Retention } from '#workspace/retention.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, PROJECT, TASK, good } from './lab.ts';

let lab: Lab;
let node: Workspaces;
let origin: string;
let clone: string;
beforeEach(async () => {
  lab = new Lab();
  node = await lab.node('node');
  origin = lab.repository('origin');
  clone = lab.path('node', 'projects', `${PROJECT}.git`);
});
afterEach(() => lab.close());

const OTHER = { task: opIdOf('b'.repeat(32), 2), attempt: 1 };
const branch = `skep/${TASK}/1`;

/** What is kept of attempts in the clone, and as branches in the origin. */
const kept = () => ({
  clone: lab.git(clone, 'for-each-ref', '--format=%(refname:lstrip=2)', 'refs/skep/').split('\n').filter(Boolean),
  origin: lab
    .git(origin, 'for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/skep/')
    .split('\n')
    .filter(Boolean),
});

const drop = (retention: Retention) => node.dropOldRefs({ name: PROJECT, of: async () => retention });

/** An attempt that delivered its work, and whose place is gone. */
async function over(id = FIRST): Promise<string> {
  const work = await lab.delivered(node, origin, { id, files: { [`of ${id.task}`]: 'x' } });
  const place = await node.find(id);
  if (place !== undefined) good(await node.salvageAndRemove(place));
  return work.head;
}

/** An attempt that left work and delivered none. */
async function left(id = FIRST): Promise<string> {
  const place = await lab.worktree(node, origin, id);
  lab.write(place.cwd, { left: 'uncommitted' });
  good(await node.salvageAndRemove(place));
  return lab.git(clone, 'rev-parse', refs.salvage(id));
}

describe('refs of an attempt that is long over', () => {
  it('stay while they are to be kept', async () => {
    await over();
    const before = kept();
    expect(before.clone).toEqual(expect.arrayContaining([`base/${TASK}/1`, `delivered/${TASK}/1`]));
    expect(before.origin).toEqual([branch]);
    expect(await drop('keep')).toEqual({ dropped: 0 });
    expect(kept()).toEqual(before);
  });

  it('go where a bundle holds the work, with the branch in the origin; and can be had again', async () => {
    const head = await over();
    expect(good(await drop('held')).dropped).toBeGreaterThan(0);
    expect(kept()).toEqual({ clone: [], origin: [] });
    expect(await drop('held')).toEqual({ dropped: 0 });
    // Objects stay for some time.
    expect(lab.git(clone, 'cat-file', '-t', head)).toBe('commit');
  });

  it('stay where nothing else holds what was left, until that may go, too', async () => {
    const commit = await left();
    good(await drop('held'));
    expect(kept().clone).toEqual([`salvage/${TASK}/1`]);
    expect(lab.git(clone, 'rev-parse', refs.salvage(FIRST))).toBe(commit);
    good(await drop('all'));
    expect(kept().clone).toEqual([]);
  });

  it('of one task go without those of another', async () => {
    await over();
    await over(OTHER);
    good(await node.dropOldRefs({ name: PROJECT, of: async (task) => (task === TASK ? 'all' : 'keep') }));
    expect(kept().origin).toEqual([`skep/${OTHER.task}/1`]);
    expect(kept().clone.every((ref) => ref.includes(OTHER.task))).toBe(true);
  });

  it('stay while its place is there', async () => {
    await lab.delivered(node, origin, { id: FIRST, files: { a: 'x' } });
    const before = kept();
    expect(await drop('all')).toEqual({ dropped: 0 });
    expect(kept()).toEqual(before);
  });

  it('keep the base that the origin has lost: the bundle builds on it', async () => {
    lab.commit(origin, { late: 'x' });
    await over();
    lab.git(origin, 'reset', '--quiet', '--hard', 'HEAD~1');
    await lab.ensure(node, origin);
    good(await drop('all'));
    expect(kept().clone).toEqual([`base/${TASK}/1`, `delivered/${TASK}/1`]);
  });
});

describe('a branch in the origin', () => {
  it('that somebody looks at stays, and with it the delivered ref', async () => {
    await over();
    lab.git(origin, 'checkout', '--quiet', branch);
    good(await drop('all'));
    expect(kept()).toEqual({ clone: [`delivered/${TASK}/1`], origin: [branch] });
    lab.git(origin, 'checkout', '--quiet', 'main');
    good(await drop('all'));
    expect(kept()).toEqual({ clone: [], origin: [] });
  });

  it('that somebody moved is theirs', async () => {
    await over();
    lab.git(origin, 'branch', '--force', branch, 'main');
    good(await drop('all'));
    expect(kept()).toEqual({ clone: [], origin: [branch] });
  });

  it('and the fence are never dropped by a name that only looks alike', async () => {
    await over();
    lab.git(origin, 'branch', 'skep/mine', 'main');
    lab.git(origin, 'update-ref', refs.fence(TASK), 'main');
    good(await drop('all'));
    expect(kept().origin).toEqual(['skep/mine']);
    expect(lab.git(origin, 'rev-parse', refs.fence(TASK))).toBe(lab.git(origin, 'rev-parse', 'main'));
  });
});

it('a repository that is not there has nothing to drop', async () => {
  expect(await node.dropOldRefs({ name: 'loose', of: async () => 'all' })).toEqual({ dropped: 0 });
});
