/** Gitlinks: places in a tree that stand for a commit of another repository (submodules, or what an agent cloned and added). */
import type { Git } from './git.ts';
import { LIST_MAX_BYTES, pieces, saidBy } from './git.ts';
import type { PreparedWorktree } from './record.ts';
import type { Repository } from './repository.ts';
import type { Warning } from './warning.ts';
import { openWorktree } from './worktree.ts';

/** Links that are new or moved between two commits. What they point at does not travel in a bundle. */
export async function changedLinks(repository: Repository, o: { base: string; head: string }): Promise<Warning[]> {
  const changed = await repository.run(['diff-tree', '-r', '-z', '--raw', '--no-renames', o.base, o.head], {
    outputMaxBytes: LIST_MAX_BYTES,
  });
  const parts = pieces(changed.out);
  return parts.flatMap((part, at) =>
    /^:[0-7]{6} 160000 /.test(part)
      ? [linkWarning(`${parts[at + 1] ?? ''} is a link to a commit of another repository`)]
      : [],
  );
}

const linkWarning = (message: string): Warning => ({ code: 'submodule', message: `${message}, which does not travel` });

/** What a settled worktree holds in other repositories and nowhere else: commits that its links point at, files changed below them. */
export async function unsavedLinks(git: Git, prepared: PreparedWorktree): Promise<Warning[]> {
  const worktree = await openWorktree(git, prepared);
  if ('refused' in worktree) return [{ code: 'submodule', message: worktree.message }];
  const { repository } = worktree;
  const status = await repository.run(
    ['status', '--porcelain=v2', '-z', '--untracked-files=no', '--ignore-submodules=none', '--no-renames'],
    { outputMaxBytes: LIST_MAX_BYTES },
  );
  if (!status.ok) return [{ code: 'submodule', message: `submodules could not be looked at: ${saidBy(status)}` }];
  const dirty = pieces(status.out).filter((line) => /^[12] .. S/.test(line));
  const moved = await changedLinks(repository, { base: prepared.base, head: 'HEAD' });
  return [...moved, ...dirty.map((line) => linkWarning(`a submodule has changes of its own (${line.slice(0, 200)})`))];
}
