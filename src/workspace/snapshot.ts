/** Everything in a working tree as one commit, without moving a ref, and without the index that the agent may be half done with. */
import { randomUUID } from 'node:crypto';
import { copyFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitResult } from './git.ts';
import { DURABLE, LIST_MAX_BYTES, TRANSFER_TIMEOUT_MS, pieces, saidBy } from './git.ts';
import { isMissing, isThere } from './origin.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import type { Repository } from './repository.ts';
import type { Warning } from './warning.ts';
import type { Worktree } from './worktree.ts';

/** How many of a list's paths a message names. */
const NAMED_MAX = 5;

/** Traces of an operation under way, in git's folder of a worktree. */
const OPERATIONS = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'rebase-merge', 'rebase-apply'];

export type Snapshot = {
  /** Commit that holds HEAD and all that was not committed; undefined only on a branch without any commit and without a file. */
  head: string | undefined;
  /** Full name of the branch that HEAD was on; undefined when it was detached. */
  onBranch: string | undefined;
  /** An index that fits `head`, for {@link settle}; the caller removes it otherwise. */
  index: string;
  warnings: Warning[];
};

/** Takes the snapshot. `message` is that of the commit of uncommitted work; `environment` carries its author. */
export async function takeSnapshot(
  worktree: Worktree,
  o: { message: string; environment: Readonly<Record<string, string>> },
): Promise<Snapshot | WorkspaceRefusal> {
  const { repository, adminDir } = worktree;
  const index = join(adminDir, `skep-index-${randomUUID()}`);
  const staged = await stageAll(worktree, index);
  if ('refused' in staged) return dropIndex(index, staged);
  const tree = await repository.run([...DURABLE, 'write-tree'], { environment: { GIT_INDEX_FILE: index } });
  if (!tree.ok) return dropIndex(index, gitFailed('write the tree of the uncommitted work', tree));
  const parent = await repository.commit('HEAD');
  const head = await commitTree(repository, { ...o, tree: tree.out, parent });
  if (typeof head === 'object') return dropIndex(index, head);
  const symbolic = await repository.run(['symbolic-ref', '--quiet', 'HEAD']);
  const warnings = [...staged.warnings, ...(await operationWarnings(adminDir))];
  return { head, onBranch: symbolic.ok ? symbolic.out : undefined, index, warnings };
}

async function dropIndex(index: string, answer: WorkspaceRefusal): Promise<WorkspaceRefusal> {
  await rm(index, { force: true });
  return answer;
}

/** The commit of `tree` after `parent`; `parent` itself when the tree is the same. Undefined for nothing after nothing. */
async function commitTree(
  repository: Repository,
  o: { tree: string; parent: string | undefined; message: string; environment: Readonly<Record<string, string>> },
): Promise<string | undefined | WorkspaceRefusal> {
  const before = o.parent === undefined ? undefined : await repository.run(['rev-parse', `${o.parent}^{tree}`]);
  if (before?.out === o.tree) return o.parent;
  if (o.parent === undefined && (await isEmptyTree(repository, o.tree))) return undefined;
  const parents = o.parent === undefined ? [] : ['-p', o.parent];
  const made = await repository.run([...DURABLE, 'commit-tree', o.tree, ...parents, '-F', '-'], {
    input: `${o.message}\n`,
    environment: o.environment,
  });
  return made.ok ? made.out : gitFailed('commit the uncommitted work', made);
}

async function isEmptyTree(repository: Repository, tree: string): Promise<boolean> {
  const listed = await repository.run(['ls-tree', '--name-only', tree]);
  return listed.ok && listed.out === '';
}

/** Fills `index` with every file that is not ignored. Repositories inside the worktree are left out: a link to them would carry nothing. */
async function stageAll(worktree: Worktree, index: string): Promise<{ warnings: Warning[] } | WorkspaceRefusal> {
  const { repository, adminDir } = worktree;
  await copyIndex(join(adminDir, 'index'), index);
  let nested = await nestedRepositories(repository, index);
  if ('refused' in nested) {
    // The agent's index is unreadable: begin with one of HEAD's tree.
    await rm(index, { force: true });
    const read = await repository.run(['read-tree', 'HEAD'], { environment: { GIT_INDEX_FILE: index } });
    if (!read.ok) return nested;
    nested = await nestedRepositories(repository, index);
    if ('refused' in nested) return nested;
  }
  const added = await addAll(repository, { index, except: nested.paths });
  if (added.ended !== 'exited') return gitFailed('take up the uncommitted work', added);
  const warnings: Warning[] = [];
  if (nested.paths.length > 0)
    warnings.push({
      code: 'nested_repository',
      message: `a repository inside the worktree is not part of the work: ${named(nested.paths)}`,
    });
  // Exit code 1: what could be added was; 128: nothing was.
  if (added.exitCode === 1) warnings.push({ code: 'files_not_taken', message: saidBy(added) });
  if (!added.ok && added.exitCode !== 1) return gitFailed('take up the uncommitted work', added);
  return { warnings };
}

const named = (paths: readonly string[]): string =>
  paths
    .slice(0, NAMED_MAX)
    .map((path) => JSON.stringify(path))
    .join(', ') + (paths.length > NAMED_MAX ? ', …' : '');

/**
 * Copies the index, so that git need not read every file again, and makes the copy look older: git reads again each file that is not older
 * than its index, and a file that was changed in the tick in which the index was written must be among them.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
    const { mtimeMs } = await stat(from);
    await utimes(to, mtimeMs / 1000 - 1, mtimeMs / 1000 - 1);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** New folders that are repositories of their own: git lists them with a slash at the end. */
async function nestedRepositories(
  repository: Repository,
  index: string,
): Promise<{ paths: string[] } | WorkspaceRefusal> {
  const listed = await repository.run(['ls-files', '--others', '--exclude-standard', '-z'], {
    environment: { GIT_INDEX_FILE: index },
    outputMaxBytes: LIST_MAX_BYTES,
    timeoutMs: TRANSFER_TIMEOUT_MS,
  });
  if (listed.ended === 'overflowed')
    return refusal('work_too_large', 'the worktree holds more new files than skep lists', {
      expected: `at most ${LIST_MAX_BYTES} bytes of file names`,
    });
  if (!listed.ok) return gitFailed('list the new files', listed);
  return { paths: pieces(listed.out).filter((path) => path.endsWith('/')) };
}

function addAll(repository: Repository, o: { index: string; except: readonly string[] }): Promise<GitResult> {
  const pathspecs = ['.', ...o.except.map((path) => `:(exclude,literal,top)${path.slice(0, -1)}`)];
  return repository.run(
    [...DURABLE, 'add', '--all', '--ignore-errors', '--pathspec-from-file=-', '--pathspec-file-nul'],
    {
      input: pathspecs.join('\0'),
      environment: { GIT_INDEX_FILE: o.index },
      timeoutMs: TRANSFER_TIMEOUT_MS,
    },
  );
}

async function operationWarnings(adminDir: string): Promise<Warning[]> {
  const traces = await Promise.all(
    OPERATIONS.map(async (name) => ((await isThere(join(adminDir, name))) ? [name] : [])),
  );
  const found = traces.flat();
  if (found.length === 0) return [];
  return [{ code: 'unfinished_operation', message: `a git operation was under way: ${found.join(', ')}` }];
}
