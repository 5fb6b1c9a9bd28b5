/** Refusals of this room: values, never thrown. A refused call changed nothing unless its own comment says otherwise. */
import type { Refusal } from '#core/refusal.ts';
import type { GitResult } from './git.ts';
import { saidBy } from './git.ts';

export type WorkspaceCode =
  /** git is missing, too old, or a call failed for a reason that has no code of its own (full disk, stale lock). */
  | 'git_unusable'
  | 'git_failed'
  /** More calls wait for one repository than the limit. */
  | 'busy'
  /** The origin is neither a URL that skep lets git open nor an absolute path. */
  | 'bad_origin'
  | 'project_unreachable'
  | 'not_a_repository'
  | 'empty_repository'
  | 'unknown_base'
  /** This node has no clone of the project: `ensureProject` comes first. */
  | 'project_missing'
  /** The clone has live worktrees, or salvaged work that nothing else holds. */
  | 'project_in_use'
  | 'path_missing'
  /** The worktree, its `.git` or its repository is not what was prepared. Everything is kept as it is. */
  | 'worktree_broken'
  | 'work_too_large'
  | 'bundle_unusable'
  /** The bundle builds on commits that this repository lacks: fetch first, or ask for a whole bundle. */
  | 'bundle_prerequisites_missing'
  /** The bundle does not carry what the end of the attempt says. */
  | 'bundle_mismatch'
  /** The commits of the work are not in this repository: `receive` comes first. */
  | 'work_missing'
  | 'branch_refused'
  | 'branch_checked_out'
  | 'merge_conflict'
  | 'unrelated_histories'
  /** Another attempt of this task (or of the one it supersedes) was merged. */
  | 'fenced'
  /** The origin lies at another node, and only that node merges. */
  | 'merge_elsewhere'
  /** The target branch moved again and again while this merge was made. */
  | 'base_moved'
  | 'push_refused';

/** The port's shape with this room's own codes; {@link asRefusal} turns it into the port's. */
export type WorkspaceRefusal = Omit<Refusal, 'code'> & { code: WorkspaceCode };

export const refusal = (
  code: WorkspaceCode,
  message: string,
  detail: { expected?: string; got?: string } = {},
): WorkspaceRefusal => ({ refused: true, code, message, ...detail });

/** Tells a refusal from an answer: no answer of this room has `refused`. */
export const isRefusal = <T extends object>(answer: T | WorkspaceRefusal): answer is WorkspaceRefusal =>
  'refused' in answer;

/** For the doors, whose list of codes is closed: what a person can act on keeps its code, the rest is `workspace` with its message. */
export function asRefusal({ code, ...rest }: WorkspaceRefusal): Refusal {
  switch (code) {
    case 'merge_conflict':
    case 'fenced':
      return { ...rest, code };
    case 'work_missing':
      return { ...rest, code: 'no_work' };
    case 'work_too_large':
      return { ...rest, code: 'too_large' };
    case 'git_unusable':
    case 'git_failed':
    case 'busy':
    case 'bad_origin':
    case 'project_unreachable':
    case 'not_a_repository':
    case 'empty_repository':
    case 'unknown_base':
    case 'project_missing':
    case 'project_in_use':
    case 'path_missing':
    case 'worktree_broken':
    case 'bundle_unusable':
    case 'bundle_prerequisites_missing':
    case 'bundle_mismatch':
    case 'branch_refused':
    case 'branch_checked_out':
    case 'unrelated_histories':
    case 'merge_elsewhere':
    case 'base_moved':
    case 'push_refused':
      return { ...rest, code: 'workspace' };
  }
}

/** For a git call that has no reason to fail: `task` completes "could not …". */
export const gitFailed = (task: string, result: GitResult): WorkspaceRefusal =>
  refusal('git_failed', `could not ${task}: ${saidBy(result)}`);
