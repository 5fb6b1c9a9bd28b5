/** Commits that were made elsewhere, taken into an attempt's own worktree; and what such a place begins with. */
import { readBundle, takeFromBundle, writeBundle, type BundleFile } from './bundle.ts';
import { TRANSFER_TIMEOUT_MS } from './git.ts';
import { refs } from './layout.ts';
import type { PreparedWorktree } from './record.ts';
import { gitFailed, refusal, type WorkspaceRefusal } from './refusal.ts';
import { Repository } from './repository.ts';
import type { Room } from './room.ts';

/** The attempt's branch as it stands, whole. The caller removes the file with `discard`. */
export function bundleAttempt(room: Room, prepared: PreparedWorktree): Promise<BundleFile | WorkspaceRefusal> {
  const repository = new Repository(room.git, { gitDir: prepared.gitDir });
  return writeBundle(repository, { layout: room.layout, ref: refs.branch(prepared), without: [] });
}

/**
 * The worktree stands at `head`, which the bundle carries; what stood there before is behind it, or under the ref of what was left. Refused, nothing
 * has moved. Safe to repeat.
 */
export async function advance(
  room: Room,
  o: { prepared: PreparedWorktree; bundlePath: string; head: string },
): Promise<WorkspaceRefusal | undefined> {
  const { prepared, bundlePath, head } = o;
  const repository = new Repository(room.git, { gitDir: prepared.gitDir });
  const heads = await readBundle(repository, bundlePath);
  if ('refused' in heads) return heads;
  const from = [...heads].find(([, commit]) => commit === head)?.[0];
  if (from === undefined)
    return refusal('bundle_mismatch', 'the bundle does not carry that commit', { expected: head });
  const tip = await repository.commit(refs.branch(prepared));
  const isBehind = tip === undefined || (await repository.contains({ ancestor: tip, descendant: head }));
  const taken = await takeFromBundle(repository, { path: bundlePath, from, to: refs.salvage(prepared) });
  const failed = taken ?? (isBehind || tip === head ? undefined : await repository.setRef(refs.left(prepared), tip));
  if (failed !== undefined) return failed;
  const moved = await room.git.run(['reset', '--quiet', '--hard', head], {
    cwd: prepared.root,
    timeoutMs: TRANSFER_TIMEOUT_MS,
  });
  return moved.ok ? undefined : gitFailed('take the commits into the worktree', moved);
}
