/**
 * Work that an agent does in the user's own checkout, because it lives there. Nothing of the checkout is moved: what is committed and what is not
 * is remembered under refs of skep's own, and base..head is delivered from there.
 */
import { rm } from 'node:fs/promises';
import { identityEnvironment } from './identity.ts';
import type { AttemptId } from './layout.ts';
import { refs } from './layout.ts';
import { inspectFolder, isDirty } from './origin.ts';
import type { Prepared, PreparedCheckout } from './record.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { Repository } from './repository.ts';
import type { Room } from './room.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Warning } from './warning.ts';

/** Remembers where the work begins. A folder without git, or without a commit, is a `directory`: nothing can be delivered from it. */
export async function prepareCheckout(
  room: Room,
  request: AttemptId,
  o: { path: string; warnings: Warning[] },
): Promise<Prepared | WorkspaceRefusal> {
  const { task, attempt } = request;
  const { path, warnings } = o;
  const folder = await inspectFolder(room.git, path);
  if ('refused' in folder) return folder;
  if (folder.kind === 'missing')
    return refusal('path_missing', 'this node has no such folder', {
      expected: 'an absolute path of a folder',
      got: path,
    });
  const head = await room.git.run(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { cwd: path });
  if (folder.kind === 'plain' || folder.top === undefined || !head.ok)
    return { kind: 'directory', task, attempt, cwd: path, warnings };
  const { gitDir, top: root } = folder;
  const base = head.out;
  const failed = await new Repository(room.git, { gitDir }).setRef(refs.base(request), base);
  if (failed !== undefined) return failed;
  const dirty = await isDirty(room.git, root);
  const more: Warning[] = dirty
    ? [
        {
          code: 'dirty_checkout',
          message: `${root} has changes that are not committed: only commits will be delivered`,
        },
      ]
    : [];
  return {
    kind: 'checkout',
    task,
    attempt,
    project: null,
    gitDir,
    root,
    cwd: path,
    base,
    dirty,
    warnings: [...warnings, ...more],
  };
}

/**
 * Remembers the state of the checkout under the salvage ref and the attempt's branch. What was not committed before the work began may be the
 * user's, so then only commits are delivered; the salvage ref holds everything.
 */
export async function settleCheckout(
  room: Room,
  prepared: PreparedCheckout,
): Promise<{ head: string | undefined; warnings: Warning[] } | WorkspaceRefusal> {
  const { root } = prepared;
  const found = await room.git.run(['rev-parse', '--absolute-git-dir'], { cwd: root });
  if (!found.ok) return gitFailed(`open the checkout at ${root}`, found);
  const repository = new Repository(room.git, { gitDir: found.out, workTree: root });
  const snapshot = await takeSnapshot(
    { repository, adminDir: found.out, root },
    {
      message: `skep: uncommitted work of attempt ${prepared.attempt}`,
      environment: await identityEnvironment((args) => repository.run(args), room.identity),
    },
  );
  if ('refused' in snapshot) return snapshot;
  await rm(snapshot.index, { force: true });
  const head = prepared.dirty ? await repository.commit('HEAD') : snapshot.head;
  if (snapshot.head === undefined || head === undefined) return { head: undefined, warnings: snapshot.warnings };
  const failed =
    (await repository.setRef(refs.salvage(prepared), snapshot.head)) ??
    (await repository.setRef(refs.branch(prepared), head));
  return failed ?? { head, warnings: snapshot.warnings };
}
