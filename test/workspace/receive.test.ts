import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeliveredWork, Delivery } from '#workspace/deliver.ts';
import type { Where } from '#workspace/place.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, PROJECT, SECOND, TASK, good, refused } from './lab.ts';

type Parcel = { bundlePath: string; work: DeliveredWork };

let lab: Lab;
let home: Workspaces;
let worker: Workspaces;
let origin: string;
beforeEach(async () => {
  lab = new Lab();
  home = await lab.node('home');
  worker = await lab.node('worker');
  origin = lab.repository('origin of it', { a: 'one\ntwo\n', 'ü\n': 'x' });
});
afterEach(() => lab.close());

const project: Where = { kind: 'project', id: PROJECT };
const branch = `skep/${TASK}/1`;

function parcel(delivery: Delivery): Parcel {
  if (delivery.work === undefined) throw new Error('no work');
  return { bundlePath: delivery.bundlePath, work: delivery.work };
}

/** The worker gets the project from home by bundle, works, and delivers. */
async function workedOn(id = FIRST): Promise<Parcel> {
  const fromHome = good(await home.bundleProject({ origin, base: null, have: await worker.projectTips(PROJECT) }));
  const request = { id: PROJECT, name: 'demo', origin, originIsHere: false, base: null, fromHome };
  const { base } = good(await worker.ensureProject(request));
  const { prepared } = good(await worker.prepare({ ...id, source: { kind: 'project', id: PROJECT, base } }));
  lab.write(prepared.cwd, { a: 'one\nTWO\n', [`file ${id.attempt}`]: 'x' });
  return parcel(good(await worker.deliver(prepared)));
}

const refsOf = (path: string) => lab.git(path, 'for-each-ref', '--format=%(refname) %(objectname)');

describe('home', () => {
  it('takes the work, shows its branch in the origin, and does so again', async () => {
    const sent = await workedOn();
    const { gitDir } = await lab.ensure(home, origin);
    for (const _ of ['first', 'again'])
      expect(good(await home.receive({ ...FIRST, where: project, ...sent }))).toEqual({
        head: sent.work.head,
        shownAs: branch,
        warnings: [],
      });
    expect(lab.git(origin, 'rev-parse', branch)).toBe(sent.work.head);
    expect(lab.git(gitDir, 'rev-parse', `refs/skep/delivered/${TASK}/1`)).toBe(sent.work.head);
    expect(lab.git(origin, 'status', '--porcelain', '--branch')).toBe('## main');
  });

  it('does not touch a branch that the person looks at', async () => {
    await lab.ensure(home, origin);
    const first = await workedOn();
    good(await home.receive({ ...FIRST, where: project, ...first }));
    lab.git(origin, 'checkout', '--quiet', branch);
    const prepared = await worker.find(FIRST);
    if (prepared?.kind !== 'worktree') throw new Error('not there');
    lab.write(prepared.cwd, { more: 'x' });
    const second = parcel(good(await worker.deliver(prepared)));
    const answer = good(await home.receive({ ...FIRST, where: project, ...second }));
    expect(answer).toMatchObject({
      head: second.work.head,
      shownAs: undefined,
      warnings: [{ code: 'branch_not_shown' }],
    });
    expect(lab.git(origin, 'rev-parse', 'HEAD')).toBe(first.work.head);
    expect(lab.git(origin, 'status', '--porcelain')).toBe('');
  });

  it('refuses a damaged, foreign or missing bundle, and moves nothing', async () => {
    const sent = await workedOn();
    const { gitDir } = await lab.ensure(home, origin);
    const before = [refsOf(gitDir), refsOf(origin)];
    const bytes = readFileSync(sent.bundlePath);
    const variant = (change: (copy: Buffer) => Buffer): string => {
      writeFileSync(lab.path('variant'), change(Buffer.from(bytes)));
      return lab.path('variant');
    };
    const codeOf = async (bundlePath: string) =>
      refused(await home.receive({ ...FIRST, where: project, ...sent, bundlePath })).code;
    expect(await codeOf(variant((copy) => copy.subarray(0, copy.length - 7)))).toBe('bundle_unusable');
    expect(await codeOf(variant((copy) => copy.subarray(0, 60)))).toBe('bundle_mismatch');
    expect(await codeOf(variant(() => Buffer.from('rubbish')))).toBe('bundle_unusable');
    expect(await codeOf(variant((copy) => (copy.fill('Z', copy.length - 60, copy.length - 40), copy)))).toBe(
      'bundle_unusable',
    );
    expect(await codeOf(lab.path('none'))).toBe('bundle_unusable');
    expect(await codeOf(lab.top)).toBe('bundle_unusable');
    const lies = [{ head: 'f'.repeat(40) }, { branch: 'main' }, { branch: `skep/${TASK}/2` }, { branch: '../../x' }];
    for (const lie of lies)
      expect(
        refused(await home.receive({ ...FIRST, where: project, ...sent, work: { ...sent.work, ...lie } })).code,
      ).toBe('bundle_mismatch');
    expect(refused(await home.receive({ ...SECOND, where: project, ...sent })).code).toBe('bundle_mismatch');
    expect([refsOf(gitDir), refsOf(origin)]).toEqual(before);
    expect(good(await home.receive({ ...FIRST, where: project, ...sent })).head).toBe(sent.work.head);
  });

  it('needs the project, up to where the work started', async () => {
    await lab.ensure(home, origin);
    const base = lab.commit(origin, { later: 'x' });
    const sent = await workedOn();
    expect(refused(await home.receive({ ...FIRST, where: project, ...sent }))).toMatchObject({
      code: 'bundle_prerequisites_missing',
      got: base,
    });
    await lab.ensure(home, origin);
    expect(good(await home.receive({ ...FIRST, where: project, ...sent })).shownAs).toBe(branch);
    const elsewhere: Where = { kind: 'project', id: TASK };
    expect(refused(await home.receive({ ...FIRST, where: elsewhere, ...sent })).code).toBe('project_missing');
  });

  it("keeps work of another node's plain path, and shows it", async () => {
    const { prepared } = good(await worker.prepare({ ...FIRST, source: { kind: 'path', path: origin } }));
    lab.write(prepared.cwd, { a: 'one\nTWO\n' });
    const sent = parcel(good(await worker.deliver(prepared)));
    const loose: Where = { kind: 'loose' };
    expect(good(await home.receive({ ...FIRST, where: loose, ...sent }))).toMatchObject({ shownAs: undefined });
    const { text } = good(await home.diff({ where: loose, work: sent.work, format: 'patch' }));
    expect(text).toContain('+TWO');
    expect(refused(await home.merge({ ...FIRST, where: loose, work: sent.work, into: 'main', title: 't' })).code).toBe(
      'merge_elsewhere',
    );
    // On the node where the path lies, the repository itself is the place.
    const path: Where = { kind: 'path', path: origin };
    expect(good(await worker.receive({ ...FIRST, where: path, ...sent })).head).toBe(sent.work.head);
    expect(good(await worker.diff({ where: path, work: sent.work, format: 'stat' })).text).toContain('1 file changed');
  });
});

describe('a diff', () => {
  it('comes as patch, as counts and as names', async () => {
    await lab.ensure(home, origin);
    const sent = await workedOn();
    expect(refused(await home.diff({ where: project, work: sent.work, format: 'patch' })).code).toBe('work_missing');
    good(await home.receive({ ...FIRST, where: project, ...sent }));
    const show = async (format: 'patch' | 'stat' | 'name-status') =>
      good(await home.diff({ where: project, work: sent.work, format }));
    expect((await show('patch')).text).toMatch(/^diff --git a\/a b\/a\n[^]*-two\n\+TWO\n/);
    expect((await show('stat')).text).toContain('2 files changed, 2 insertions(+), 1 deletion(-)');
    expect(await show('name-status')).toEqual({ text: 'M\ta\nA\tfile 1', truncated: false });
  });

  it('is cut at the limit, at the end of a line, and says so', async () => {
    await lab.ensure(home, origin);
    const sent = await workedOn();
    good(await home.receive({ ...FIRST, where: project, ...sent }));
    const cut = good(await home.diff({ where: project, work: sent.work, format: 'patch', maxBytes: 40 }));
    expect(cut).toEqual({ text: 'diff --git a/a b/a\n', truncated: true });
  });

  it('runs no program that the repository names', async () => {
    const { gitDir } = await lab.ensure(home, origin);
    lab.write(gitDir, { 'info/attributes': '* diff=evil\n' });
    for (const name of ['textconv', 'command'])
      lab.git(gitDir, 'config', `diff.evil.${name}`, `touch '${lab.path('mark')}'`);
    const sent = await workedOn();
    good(await home.receive({ ...FIRST, where: project, ...sent }));
    expect(good(await home.diff({ where: project, work: sent.work, format: 'patch' })).text).toContain('+TWO');
    expect(() => readFileSync(lab.path('mark'))).toThrow('ENOENT');
  });
});

describe('a fetch', () => {
  it('writes the branch into a repository, never into what is checked out or ahead', async () => {
    await lab.ensure(home, origin);
    const sent = await workedOn();
    const mine = lab.path('mine');
    lab.git(lab.top, 'clone', '--quiet', origin, mine);
    const fetch = (branchName?: string, into = mine) =>
      home.fetch({ ...FIRST, where: project, into, ...(branchName === undefined ? {} : { branch: branchName }) });
    expect(refused(await fetch()).code).toBe('work_missing');
    good(await home.receive({ ...FIRST, where: project, ...sent }));
    expect(good(await fetch())).toEqual({ branch, head: sent.work.head });
    expect(lab.git(mine, 'rev-parse', branch)).toBe(sent.work.head);
    expect(good(await fetch('-review/x'))).toEqual({ branch: '-review/x', head: sent.work.head });
    expect(refused(await fetch('main')).code).toBe('branch_refused');
    lab.git(mine, 'checkout', '--quiet', '-b', 'ahead');
    lab.commit(mine, { own: 'x' });
    lab.git(mine, 'checkout', '--quiet', 'main');
    expect(refused(await fetch('ahead')).code).toBe('branch_refused');
    for (const name of ['a..b', '', 'x\ny', '+refs/heads/main:refs/heads/y'])
      expect(refused(await fetch(name)).code).toBe('unknown_base');
    mkdirSync(lab.path('plain'));
    expect(refused(await fetch(undefined, lab.path('plain'))).code).toBe('not_a_repository');
    expect(refused(await fetch(undefined, lab.path('none'))).code).toBe('path_missing');
    expect(lab.git(mine, 'status', '--porcelain', '--branch')).toBe('## main...origin/main');
  });
});
