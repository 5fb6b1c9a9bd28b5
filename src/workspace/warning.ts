/** What a person should know although it went well. */
import { z } from 'zod';

export const warningSchema = z.object({
  code: z.enum([
    /** Files named by `.worktreeinclude` that were not copied. */
    'include_skipped',
    /** Changes lay in the user's checkout before an agent that lives there began; only commits are delivered from it. */
    'dirty_checkout',
    /** The rest of an interrupted start was moved aside. */
    'leftover_kept',
    /** A repository inside the worktree: its files are not part of the work. */
    'nested_repository',
    /** The work points at a commit of another repository, which does not travel with it. */
    'submodule',
    /** git could not take some files (no right to read, a name that git refuses); they are not part of the work. */
    'files_not_taken',
    /** The agent left its branch; the work is what its HEAD stood on. */
    'other_branch',
    /** Commits on the attempt's branch that its HEAD did not hold; kept under `refs/skep/left/`. */
    'commits_left',
    /** The work does not build on its base. */
    'history_rewritten',
    /** A merge, rebase or pick was under way; conflict marks may be part of the work. */
    'unfinished_operation',
    /** The delivered branch could not be shown in the origin. */
    'branch_not_shown',
  ]),
  message: z.string(),
});
export type Warning = z.output<typeof warningSchema>;
