import { existsSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { opIdOf } from '#core/brand.ts';
import type { GitOptions, GitResult } from '#workspace/git.ts';
import { Git } from '#workspace/git.ts';
import { ensureProject } from '#workspace/clone.ts';
import { deliver } from '#workspace/deliver.ts';
import type { AttemptId } from '#workspace/layout.ts';
import { Layout } from '#workspace/layout.ts';
import { merge } from '#workspace/merge.ts';
import type { Where } from '#workspace/place.ts';
import { prepare } from '#workspace/prepare.ts';
import { receive } from '#workspace/receive.ts';
import { readRecord } from '#workspace/record.ts';
import type { Room } from '#workspace/room.ts';
import { salvageAndRemove } from '#workspace/salvage.ts';
import { Lab, PROJECT, good } from './lab.ts';

/** The node dies at the n-th call of git: before it, or after it but before its answer is used. */
class MortalGit extends Git {
  calls = 0;
  diesAt = Number.POSITIVE_INFINITY;
  after = false;

  override async run(args: readonly string[], options: GitOptions): Promise<GitResult> {
    this.calls += 1;
    const dies = this.calls === this.diesAt;
    if (dies && !this.after) throw new Error('died');
    const result = await super.run(args, options);
    if (dies) throw new Error('died');
    return result;
  }
}

describe('a node that dies in the middle, and starts again', () => {
  let lab: Lab;
  let git: MortalGit;
  let room: Room;
  let bare: string;
  beforeAll(() => {
    lab = new Lab();
    bare = lab.bare(lab.repository('origin'), 'bare.git');
    git = new MortalGit(lab.environment);
    const layout = new Layout(lab.path('node'));
    for (const folder of [layout.projects, layout.work, layout.bundles]) mkdirSync(folder, { recursive: true });
    room = { git, layout, identity: { name: 'skep', email: 'skep@localhost' } };
  });
  afterAll(() => lab.close());

  /** One attempt from end to end; each step is safe to do again. */
  async function live(id: AttemptId, file: string): Promise<void> {
    const project = { id: PROJECT, name: 'demo', origin: bare, originIsHere: true, base: null };
    const { base } = good(await ensureProject(room, project));
    const { prepared } = good(await prepare(room, { ...id, source: { kind: 'project', id: PROJECT, base } }));
    lab.write(prepared.cwd, { [file]: 'x' });
    const delivery = good(await deliver(room, prepared));
    if (delivery.work === undefined) throw new Error('no work');
    const { work, bundlePath } = delivery;
    const where: Where = { kind: 'project', id: PROJECT };
    good(await receive(room, { ...id, where, bundlePath, work }));
    expect(good(await merge(room, { ...id, where, work, into: 'main', title: 'Do it' }))).toMatchObject({
      state: 'merged',
    });
    expect(await salvageAndRemove(room, prepared)).toMatchObject({ state: 'removed' });
  }

  /** What a host does after a restart: on with what is there, or only tidy up what was merged. */
  async function liveOn(id: AttemptId, file: string): Promise<void> {
    const known = await readRecord(room.layout, id);
    const worktreeIsThere = known !== undefined && existsSync(known.cwd);
    const merged = lab.git(bare, 'for-each-ref', `refs/skep/${id.task}`) !== '';
    if (worktreeIsThere || !merged) return live(id, file);
    if (known !== undefined) await salvageAndRemove(room, known);
  }

  it('does the rest, and does nothing twice', async () => {
    // The first life shows how many calls there are; the others die at calls spread over it, so that this stays a matter of seconds.
    await live({ task: opIdOf('c'.repeat(32), 1), attempt: 1 }, 'first');
    const calls = git.calls;
    expect(calls).toBeGreaterThan(40);
    let deaths = 0;
    for (let at = 3, n = 2; at <= calls; at += 7, n += 1) {
      const id: AttemptId = { task: opIdOf('c'.repeat(32), n), attempt: 1 };
      Object.assign(git, { calls: 0, diesAt: at, after: n % 2 === 0 });
      const died = await live(id, `file ${n}`).then(
        () => false,
        (error: unknown) => error instanceof Error && error.message === 'died',
      );
      git.diesAt = Number.POSITIVE_INFINITY;
      if (died) deaths += 1;
      await liveOn(id, `file ${n}`);
      expect(await readRecord(room.layout, id)).toBeUndefined();
      expect(
        lab.git(bare, 'log', '--oneline', '--merges', `--grep=Skep-Task: ${id.task}$`, 'main').split('\n'),
      ).toHaveLength(1);
      expect(lab.git(bare, 'show', `main:file ${n}`)).toBe('x');
    }
    expect(deaths).toBeGreaterThan(6);
  });
});
