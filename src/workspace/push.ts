/** The one push of a merge, and what the answers of git and of the server mean. */
import type { GitResult } from './git.ts';
import { TRANSFER_TIMEOUT_MS, saidBy } from './git.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { refusal } from './refusal.ts';
import type { Repository } from './repository.ts';

export type Pushed =
  | { state: 'pushed' }
  /** Branch or fence is not where it was seen: look again. */
  | { state: 'moved'; said: string }
  | (WorkspaceRefusal & { state?: undefined });

/** Reasons for which another look helps: what was seen is no longer so, or another push held the lock. */
const MOVED =
  /stale info|non-fast-forward|fetch first|failed to update ref|cannot lock|reference already exists|incorrect old value/;

/**
 * Moves the branch (if one is named) and creates the fence, both or neither. The empty expectation of the lease means that the fence must not
 * exist; and because the push moves it, the server compares it. Without `--atomic` the branch would move although the fence is refused.
 */
export async function pushFenced(
  { repository, remote }: { repository: Repository; remote: string },
  o: { commit: string; fence: string; branch: string | undefined },
): Promise<Pushed> {
  const refspecs = [
    ...(o.branch === undefined ? [] : [`${o.commit}:refs/heads/${o.branch}`]),
    `${o.commit}:${o.fence}`,
  ];
  const args = [
    'push',
    '--atomic',
    '--porcelain',
    '--no-verify',
    `--force-with-lease=${o.fence}:`,
    '--',
    remote,
    ...refspecs,
  ];
  const pushed = await repository.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
  return pushed.ok ? { state: 'pushed' } : meaningOf(pushed);
}

function meaningOf(pushed: GitResult): Pushed {
  // `!<tab>from:to<tab>[rejected] (reason)`, one line a refused ref.
  const reasons = pushed.out.split('\n').filter((line) => line.startsWith('!'));
  const all = reasons.join('\n');
  if (/checked out/.test(all))
    return refusal(
      'branch_checked_out',
      'the branch is checked out at the origin: merge it there, or check out another one',
      {
        got: saidBy(pushed),
      },
    );
  // A server that lost the race says it in its own words; a client says it in the reason.
  if (MOVED.test(all) || (/atomic transaction failed/.test(all) && MOVED.test(pushed.err)))
    return { state: 'moved', said: saidBy(pushed) };
  return refusal('push_refused', `the origin does not take the merge: ${saidBy(pushed)}`, { got: all.slice(0, 500) });
}
