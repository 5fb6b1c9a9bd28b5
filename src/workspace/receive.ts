/** Work that arrives at home: checked, kept under a hidden ref, and shown as a branch where the origin is at hand. */
import { readBundle, takeFromBundle } from './bundle.ts';
import type { DeliveredWork } from './deliver.ts';
import { TRANSFER_TIMEOUT_MS, saidBy } from './git.ts';
import type { AttemptId } from './layout.ts';
import { branchOf, refs } from './layout.ts';
import { inspectFolder, inspectOrigin } from './origin.ts';
import type { Where } from './place.ts';
import { openPlace } from './place.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { refusal } from './refusal.ts';
import { Repository, checkBranchName } from './repository.ts';
import type { Room } from './room.ts';
import type { Warning } from './warning.ts';

export type ReceiveRequest = AttemptId & { where: Where; bundlePath: string; work: DeliveredWork };

/** `shownAs`: the branch in the origin repository on this node. */
export type Received = { head: string; shownAs: string | undefined; warnings: Warning[] };

/** Takes a delivered bundle. Refused, no ref has moved. Safe to repeat. For a project, call `ensureProject` first: the bundle builds on its base. */
export async function receive(room: Room, request: ReceiveRequest): Promise<Received | WorkspaceRefusal> {
  const { where, work, bundlePath } = request;
  if (work.branch !== branchOf(request))
    return refusal('bundle_mismatch', 'the work names a branch that is not its attempt', {
      expected: branchOf(request),
      got: JSON.stringify(work.branch),
    });
  const place = await openPlace(room, where);
  if ('refused' in place) return place;
  const { repository } = place;
  const heads = await readBundle(repository, bundlePath);
  if ('refused' in heads) return heads;
  const branch = refs.branch(request);
  const carried = heads.get(branch);
  if (carried !== work.head)
    return refusal('bundle_mismatch', 'the bundle does not carry the head that the work names', {
      expected: work.head,
      got: carried ?? 'no such branch',
    });
  const delivered = refs.delivered(request);
  const failed = await takeFromBundle(repository, { path: bundlePath, from: branch, to: delivered });
  if (failed !== undefined) return failed;
  if (place.originPath === undefined) return { head: work.head, shownAs: undefined, warnings: [] };
  const shown = await showInOrigin(room, { from: repository.gitDir, request, originPath: place.originPath });
  return { head: work.head, ...shown };
}

/** By a fetch in the origin: git refuses one into a branch that somebody has checked out, and runs no hook of the origin. */
async function showInOrigin(
  room: Room,
  o: { from: string; request: AttemptId; originPath: string },
): Promise<Pick<Received, 'shownAs' | 'warnings'>> {
  const found = await inspectOrigin(room.git, o.originPath);
  if ('refused' in found) return notShown(found.message);
  const branch = refs.branch(o.request);
  const taken = await fetchBranch(found.repository, {
    from: o.from,
    refspec: `+${refs.delivered(o.request)}:${branch}`,
  });
  return taken === undefined ? { shownAs: branchOf(o.request), warnings: [] } : notShown(taken);
}

const notShown = (why: string): Pick<Received, 'shownAs' | 'warnings'> => ({
  shownAs: undefined,
  warnings: [
    { code: 'branch_not_shown', message: `the work is kept, but its branch is not in the project's folder: ${why}` },
  ],
});

async function fetchBranch(into: Repository, o: { from: string; refspec: string }): Promise<string | undefined> {
  const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--update-shallow', '--', o.from, o.refspec];
  const taken = await into.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
  return taken.ok ? undefined : saidBy(taken);
}

export type FetchRequest = AttemptId & {
  where: Where;
  /** A folder of this node that lies in a repository. */
  into: string;
  /** Default `skep/<task>/<attempt>`, which is skep's own and moves freely; any other branch must be new, or move forward. */
  branch?: string;
};

/** Writes delivered work as a branch into a repository of this node; never into a branch that is checked out there. */
export async function fetchWork(
  room: Room,
  request: FetchRequest,
): Promise<{ branch: string; head: string } | WorkspaceRefusal> {
  const place = await openPlace(room, request.where);
  if ('refused' in place) return place;
  const delivered = refs.delivered(request);
  const head = await place.repository.commit(delivered);
  if (head === undefined)
    return refusal('work_missing', 'this node has not received the work of this attempt', { got: branchOf(request) });
  const folder = await inspectFolder(room.git, request.into);
  if ('refused' in folder) return folder;
  if (folder.kind === 'missing') return refusal('path_missing', 'this node has no such folder', { got: request.into });
  if (folder.kind === 'plain')
    return refusal('not_a_repository', 'the folder is not a git repository', { got: request.into });
  const branch = request.branch ?? branchOf(request);
  const wrongName = await checkBranchName(room.git, { cwd: room.layout.projects, branch });
  if (wrongName !== undefined) return wrongName;
  const force = branch === branchOf(request) ? '+' : '';
  const refspec = `${force}${delivered}:refs/heads/${branch}`;
  const into = new Repository(room.git, { gitDir: folder.gitDir });
  const failed = await fetchBranch(into, { from: place.repository.gitDir, refspec });
  return failed === undefined
    ? { branch, head }
    : refusal('branch_refused', `git does not write the branch: ${failed}`, { got: branch });
}
