/**
 * The fenced merge: of all attempts of a task at most one reaches the target branch. One push moves the branch and the task's fence ref
 * together, and compares the fence with what was seen, so that git itself refuses whoever comes second.
 */
import type { OpId } from '#core/brand.ts';
import type { DeliveredWork } from './deliver.ts';
import { TRANSFER_TIMEOUT_MS, pieces, saidBy } from './git.ts';
import { identityEnvironment } from './identity.ts';
import type { AttemptId } from './layout.ts';
import { branchOf, refs } from './layout.ts';
import type { Place, Where } from './place.ts';
import { openPlace } from './place.ts';
import { pushFenced } from './push.ts';
import type { Ready } from './ready.ts';
import { clearReady, findCheckout, makeReady } from './ready.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { listRemote } from './remote.ts';
import { checkBranchName } from './repository.ts';
import type { Room } from './room.ts';

/** Somebody else pushed between our look and our push. On a busy branch that happens; again and again it is a person's turn. */
const MERGE_TRIES = 3;

const CONFLICTS_NAMED_MAX = 20;

export type MergeRequest = AttemptId & {
  where: Where;
  work: Pick<DeliveredWork, 'head'>;
  /** Branch of the origin, without `refs/heads/`. */
  into: string;
  /** The task's title, for the message of the merge commit. */
  title: string;
  /** Default `commit`: a merge commit also where the branch could simply move forward. */
  how?: 'commit' | 'fast_forward';
  /** The task whose fence is moved, where this one supersedes it; default the task itself. */
  fenceOf?: OpId;
};

export type MergeAnswer =
  | {
      state: 'merged';
      /** The commit that holds the work. */
      commit: string;
      into: string;
      /** It was merged before this call, by skep (`already`) or past skep, by hand or by a forge's button (`elsewhere`). */
      how: 'commit' | 'fast_forward' | 'already' | 'elsewhere';
    }
  | Ready;

/** Merges delivered work into the origin's branch. Refused, nothing has moved. Safe to repeat after an interruption or a lost answer. */
export async function merge(room: Room, request: MergeRequest): Promise<MergeAnswer | WorkspaceRefusal> {
  const wrongName = await checkBranchName(room.git, { cwd: room.layout.projects, branch: request.into });
  if (wrongName !== undefined) return wrongName;
  const place = await openPlace(room, request.where);
  if ('refused' in place) return place;
  const { remote } = place;
  if (remote === undefined) return refusal('merge_elsewhere', 'the origin lies on another node, and that node merges');
  if ((await place.repository.commit(request.work.head)) === undefined)
    return refusal('work_missing', 'the commits of the work are not on this node', { expected: request.work.head });
  let moved = '';
  for (let tries = 0; tries < MERGE_TRIES; tries += 1) {
    const answer = await mergeOnce(room, request, { ...place, remote });
    if (answer.state === 'merged') await clearReady(room, { ...request, target: { ...place, remote } });
    if (answer.state !== 'moved') return answer;
    moved = answer.said;
  }
  return refusal('base_moved', `${request.into} moved ${MERGE_TRIES} times while the merge was made: ${moved}`);
}

type Target = Place & { remote: string };

async function mergeOnce(
  room: Room,
  request: MergeRequest,
  target: Target,
): Promise<MergeAnswer | { state: 'moved'; said: string } | (WorkspaceRefusal & { state?: undefined })> {
  const { into } = request;
  const { repository } = target;
  const { head } = request.work;
  const seen = await look(room, request, target);
  if ('refused' in seen) return seen;
  if (seen.fence !== undefined)
    return (await repository.contains({ ancestor: head, descendant: seen.fence }))
      ? { state: 'merged', commit: seen.fence, into, how: 'already' }
      : refusal('fenced', 'another attempt of this task was merged', { got: seen.fence });
  const fence = refs.fence(request.fenceOf ?? request.task);
  if (await repository.contains({ ancestor: head, descendant: seen.tip })) {
    const fenced = await pushFenced(target, { commit: seen.tip, fence, branch: undefined });
    return fenced.state === 'pushed' ? { state: 'merged', commit: seen.tip, into, how: 'elsewhere' } : fenced;
  }
  const made = await makeMerge(room, request, { target, tip: seen.tip });
  if ('refused' in made) return made;
  const checkout = await findCheckout(room, { target, into });
  if (checkout !== undefined && 'refused' in checkout) return checkout;
  if (checkout !== undefined) return makeReady(room, { ...request, target, fence, checkout, commit: made.commit });
  const pushed = await pushFenced(target, { commit: made.commit, fence, branch: into });
  return pushed.state === 'pushed' ? { state: 'merged', into, ...made } : pushed;
}

/** Branch and fence as the remote has them now, their commits fetched. */
async function look(
  room: Room,
  request: MergeRequest,
  { repository, remote }: Target,
): Promise<{ tip: string; fence: string | undefined } | WorkspaceRefusal> {
  const branch = `refs/heads/${request.into}`;
  const fenceRef = refs.fence(request.fenceOf ?? request.task);
  const listed = await listRemote(room, { url: remote, names: [branch, fenceRef] });
  if ('refused' in listed) return listed;
  const tip = listed.commits.get(branch);
  const fence = listed.commits.get(fenceRef);
  if (tip === undefined) return refusal('unknown_base', 'the origin has no such branch', { got: request.into });
  const wanted: string[] = [];
  if ((await repository.commit(tip)) === undefined) wanted.push(`+${branch}:${refs.origin(request.into)}`);
  if (fence !== undefined && (await repository.commit(fence)) === undefined)
    wanted.push(`+${fenceRef}:${refs.fenceSeen(request.fenceOf ?? request.task)}`);
  if (wanted.length === 0) return { tip, fence };
  const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', remote, ...wanted];
  const fetched = await repository.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
  return fetched.ok
    ? { tip, fence }
    : refusal('project_unreachable', `the branch could not be fetched: ${saidBy(fetched)}`);
}

/** The commit to push. No working tree is needed for it, and nothing points at it yet. */
async function makeMerge(
  room: Room,
  request: MergeRequest,
  { target: { repository }, tip }: { target: Target; tip: string },
): Promise<{ commit: string; how: 'commit' | 'fast_forward' } | WorkspaceRefusal> {
  const { head } = request.work;
  if (request.how === 'fast_forward' && (await repository.contains({ ancestor: tip, descendant: head })))
    return { commit: head, how: 'fast_forward' };
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', tip, head];
  const merged = await repository.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
  const [tree, ...conflicts] = pieces(merged.out);
  if (merged.ended === 'exited' && merged.exitCode === 1) return conflict(request, conflicts);
  if (/unrelated histories/.test(merged.err))
    return refusal(
      'unrelated_histories',
      `the work and ${request.into} have no common commit: merge by hand if it is meant`,
    );
  if (!merged.ok || tree === undefined) return gitFailed('merge', merged);
  const committed = await repository.run(['commit-tree', tree, '-p', tip, '-p', head, '-F', '-'], {
    input: messageOf(request),
    environment: await identityEnvironment((args) => repository.run(args), room.identity),
  });
  return committed.ok ? { commit: committed.out, how: 'commit' } : gitFailed('make the merge commit', committed);
}

function conflict(request: MergeRequest, paths: readonly string[]): WorkspaceRefusal {
  const named = paths.slice(0, CONFLICTS_NAMED_MAX).map((path) => JSON.stringify(path));
  const more = paths.length > named.length ? `, and ${paths.length - named.length} more` : '';
  return refusal('merge_conflict', `the work conflicts with ${request.into}; nothing was changed`, {
    expected: 'changes that fit together',
    got: named.join(', ') + more,
  });
}

function messageOf(request: MergeRequest): string {
  // A title may hold line ends, which would make trailers of it.
  const title = request.title.replaceAll(/\s+/g, ' ').trim();
  return `Merge ${branchOf(request)}: ${title}\n\nSkep-Task: ${request.task}\nSkep-Attempt: ${request.attempt}\n`;
}
