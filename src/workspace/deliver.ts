/** What an attempt did, as a bundle of commits. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpId } from '#core/brand.ts';
import type { BundleFile } from './bundle.ts';
import { discardBundle, writeBundle } from './bundle.ts';
import { settleCheckout } from './checkout.ts';
import { identityEnvironment } from './identity.ts';
import { branchOf, refs } from './layout.ts';
import { changedLinks } from './links.ts';
import type { Prepared, PreparedCheckout, PreparedWorktree } from './record.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { Repository } from './repository.ts';
import type { Room } from './room.ts';
import type { Snapshot } from './snapshot.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Warning } from './warning.ts';
import type { Worktree } from './worktree.ts';
import { openWorktree } from './worktree.ts';

/** Above it a result is no text that people review, and would fill every node that keeps it. */
const BUNDLE_MAX_BYTES = 1024 * 1024 * 1024;

/** A plain path's repository up to this size travels whole, because home has no clone in which a thin bundle makes sense. */
const WHOLE_MAX_BYTES = 32 * 1024 * 1024;

/** The part of `Work` that git knows; the host adds the bundle's hash and size. */
export type DeliveredWork = { project: OpId | null; branch: string; base: string; head: string; commits: number };

export type Delivery =
  | {
      work: DeliveredWork;
      /** Removed by the caller with `discard`. */
      bundlePath: string;
      sizeBytes: number;
      /** The bundle builds on nothing: any empty repository takes it. */
      whole: boolean;
      warnings: Warning[];
    }
  | { work: undefined; warnings: Warning[] };

/**
 * Commits what is uncommitted, remembers the state under the salvage ref, and writes base..head as a bundle. Afterwards the worktree is clean
 * and on its own branch. Safe to repeat; a refusal leaves every file where it was.
 */
export async function deliver(room: Room, prepared: Prepared): Promise<Delivery | WorkspaceRefusal> {
  if (prepared.kind === 'directory' || prepared.kind === 'scratch') return { work: undefined, warnings: [] };
  const settled = prepared.kind === 'checkout' ? await settleCheckout(room, prepared) : await settle(room, prepared);
  if ('refused' in settled) return settled;
  const { head, warnings } = settled;
  const repository = new Repository(room.git, { gitDir: prepared.gitDir });
  const { project, base } = prepared;
  const commits = head === undefined ? 0 : await repository.countSince({ base, head });
  if (commits === undefined)
    return refusal('worktree_broken', 'the commit that the work started from is gone', { got: base });
  if (head === undefined || commits === 0) return { work: undefined, warnings };
  const file = await bundleWork(room, { repository, prepared });
  if ('refused' in file) return file;
  const more = [
    ...(await baseWarnings(repository, { base, head })),
    ...(await changedLinks(repository, { base, head })),
  ];
  const work = { project, branch: branchOf(prepared), base, head, commits };
  const { path, sizeBytes, whole } = file;
  return { work, bundlePath: path, sizeBytes, whole, warnings: [...warnings, ...more] };
}

/** Brings everything onto the attempt's branch: commit, salvage ref, branch, HEAD, index, in this order, each step repeatable. */
export async function settle(
  room: Room,
  prepared: PreparedWorktree,
): Promise<{ head: string | undefined; warnings: Warning[] } | WorkspaceRefusal> {
  const worktree = await openWorktree(room.git, prepared);
  if ('refused' in worktree) return worktree;
  const snapshot = await takeSnapshot(worktree, {
    message: `skep: uncommitted work of attempt ${prepared.attempt}`,
    environment: await identityEnvironment((args) => worktree.repository.run(args), room.identity),
  });
  if ('refused' in snapshot) return snapshot;
  try {
    const moved = await moveBranch(worktree, { prepared, snapshot });
    if ('refused' in moved) return moved;
    return { head: moved.head, warnings: [...snapshot.warnings, ...moved.warnings] };
  } finally {
    await rm(snapshot.index, { force: true });
  }
}

async function moveBranch(
  worktree: Worktree,
  o: { prepared: PreparedWorktree; snapshot: Snapshot },
): Promise<{ head: string | undefined; warnings: Warning[] } | WorkspaceRefusal> {
  const { repository, adminDir } = worktree;
  const { prepared, snapshot } = o;
  const { base } = prepared;
  const branch = refs.branch(prepared);
  const tip = await repository.commit(branch);
  const strayed = snapshot.onBranch !== branch;
  const headHasWork = snapshot.head !== undefined && (await hasOwnCommits(repository, { base, head: snapshot.head }));
  // The agent went to look at something else and did nothing there: its branch is the work, or there is none.
  if (strayed && tip !== undefined && !headHasWork) {
    const kept = await repository.setRef(refs.salvage(prepared), tip);
    return kept ?? { head: tip, warnings: [] };
  }
  if (snapshot.head === undefined) return { head: undefined, warnings: [] };
  const { head } = snapshot;
  const warnings = strayed ? [strayWarning(snapshot.onBranch)] : [];
  const loses =
    strayed &&
    tip !== undefined &&
    (await hasOwnCommits(repository, { base, head: tip })) &&
    !(await repository.contains({ ancestor: tip, descendant: head }));
  const failed =
    (await repository.setRef(refs.salvage(prepared), head)) ??
    (loses ? await repository.setRef(refs.left(prepared), tip) : undefined) ??
    (await repository.setRef(branch, head));
  if (failed !== undefined) return failed;
  if (loses) warnings.push({ code: 'commits_left', message: `${tip} on ${branch} is not part of the work` });
  const turned = await repository.run(['symbolic-ref', '-m', 'skep', 'HEAD', branch]);
  if (!turned.ok) return gitFailed(`go back to ${branch}`, turned);
  await rename(snapshot.index, join(adminDir, 'index'));
  return { head, warnings };
}

/** Whether `head` holds commits that neither the base nor the origin does. */
async function hasOwnCommits(repository: Repository, o: { base: string; head: string }): Promise<boolean> {
  const args = ['rev-list', '--count', '--max-count=1', o.head, '--not', o.base, '--remotes', '--'];
  const counted = await repository.run(args);
  return !counted.ok || counted.out !== '0';
}

const strayWarning = (onBranch: string | undefined): Warning => ({
  code: 'other_branch',
  message: `the agent left its branch; the work is what stood on ${onBranch ?? 'a detached HEAD'}`,
});

async function bundleWork(
  room: Room,
  o: { repository: Repository; prepared: PreparedWorktree | PreparedCheckout },
): Promise<(BundleFile & { whole: boolean }) | WorkspaceRefusal> {
  const whole = o.prepared.project === null && (await isSmall(o.repository));
  const file = await writeBundle(o.repository, {
    layout: room.layout,
    ref: refs.branch(o.prepared),
    without: whole ? [] : [o.prepared.base],
  });
  if ('refused' in file) return file;
  if (file.sizeBytes <= BUNDLE_MAX_BYTES) return { ...file, whole };
  await discardBundle(room.layout, file.path);
  return refusal('work_too_large', 'the work is too large to travel; it is kept in the worktree', {
    expected: `at most ${BUNDLE_MAX_BYTES} bytes`,
    got: `${file.sizeBytes} bytes`,
  });
}

/** By git's own count of its object files, which takes no time in a repository of any size. */
async function isSmall(repository: Repository): Promise<boolean> {
  const counted = await repository.run(['count-objects', '-v']);
  const sizesKiB = [...counted.out.matchAll(/^(?:size|size-pack): (\d+)$/gm)].map((match) => Number(match[1]));
  return counted.ok && sizesKiB.reduce((sum, size) => sum + size, 0) * 1024 <= WHOLE_MAX_BYTES;
}

async function baseWarnings(repository: Repository, o: { base: string; head: string }): Promise<Warning[]> {
  if (await repository.contains({ ancestor: o.base, descendant: o.head })) return [];
  return [{ code: 'history_rewritten', message: `the work does not build on ${o.base}, where it started` }];
}
