/** A merge that a person finishes: the target branch is checked out, and nobody's checkout is changed. */
import { TRANSFER_TIMEOUT_MS } from './git.ts';
import type { AttemptId } from './layout.ts';
import { refs } from './layout.ts';
import { inspectOrigin, isDirty } from './origin.ts';
import type { Place } from './place.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed } from './refusal.ts';
import type { Checkout, Repository } from './repository.ts';
import type { Room } from './room.ts';

export type Ready = {
  state: 'ready';
  /** The merge commit; it lies in the origin under `refs/skep/ready/<task>/<attempt>`. */
  commit: string;
  into: string;
  /** For a shell. Moves the checkout and, when that worked, the fence. */
  command: string;
  checkout: string;
  /** The checkout has uncommitted changes; git refuses the command where they would be overwritten. */
  dirty: boolean;
};

/** The repository that a place's merge would end in, where it is on this node. */
async function originOf(
  room: Room,
  target: Place & { remote: string },
): Promise<Repository | undefined | WorkspaceRefusal> {
  if (target.originPath === undefined)
    return target.remote === target.repository.gitDir ? target.repository : undefined;
  const found = await inspectOrigin(room.git, target.originPath);
  return 'refused' in found ? found : found.repository;
}

/** The checkout that stands on the branch, in an origin on this node. */
export async function findCheckout(
  room: Room,
  o: { target: Place & { remote: string }; into: string },
): Promise<(Checkout & { origin: Repository }) | undefined | WorkspaceRefusal> {
  const origin = await originOf(room, o.target);
  if (origin === undefined || 'refused' in origin) return origin;
  const checkouts = await origin.checkouts();
  if ('refused' in checkouts) return checkouts;
  const branch = `refs/heads/${o.into}`;
  const found = checkouts.find((one) => !one.bare && !one.gone && one.branch === branch);
  return found === undefined ? undefined : { ...found, origin };
}

/**
 * Puts the commit where the command finds it. `--ff-only` is the fence of this way: the commit builds on the branch as it was seen, so after
 * one attempt's command that of another fails, and a new merge finds the fence.
 */
export async function makeReady(
  room: Room,
  o: AttemptId & {
    target: Place;
    into: string;
    fence: string;
    checkout: Checkout & { origin: Repository };
    commit: string;
  },
): Promise<Ready | (WorkspaceRefusal & { state?: undefined })> {
  const { commit, checkout } = o;
  const { repository } = o.target;
  const ref = refs.ready(o);
  const failed = await repository.setRef(ref, commit);
  if (failed !== undefined) return failed;
  if (checkout.origin.gitDir !== repository.gitDir) {
    const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', repository.gitDir, `+${ref}:${ref}`];
    const shown = await checkout.origin.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
    if (!shown.ok) return gitFailed('put the merge commit into the origin', shown);
  }
  const at = `git -C ${quoted(checkout.path)}`;
  const command = `${at} merge --ff-only ${commit} && ${at} update-ref ${o.fence} ${commit}`;
  const dirty = await isDirty(room.git, checkout.path);
  return { state: 'ready', commit, into: o.into, command, checkout: checkout.path, dirty };
}

/** Takes the waiting commit away, here and in the origin, when the work is merged. It is in the way of nothing, so a failure is none. */
export async function clearReady(room: Room, o: AttemptId & { target: Place & { remote: string } }): Promise<void> {
  const origin = await originOf(room, o.target);
  await o.target.repository.dropRef(refs.ready(o));
  if (origin !== undefined && !('refused' in origin)) await origin.dropRef(refs.ready(o));
}

/** As one word of a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
