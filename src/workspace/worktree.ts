/** An agent's worktree, opened with care: while it worked the agent could do anything to it, its `.git` included. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Git } from './git.ts';
import { isMissing } from './origin.ts';
import type { PreparedWorktree } from './record.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { refusal } from './refusal.ts';
import { Repository } from './repository.ts';

export type Worktree = {
  /** git seen from the worktree: its HEAD, its index, its files. */
  repository: Repository;
  /** Folder of git's own files about this worktree. */
  adminDir: string;
  root: string;
};

const broken = (root: string, message: string): WorkspaceRefusal =>
  refusal('worktree_broken', `${message}; everything is kept as it is`, { expected: `the worktree at ${root}` });

/**
 * Opens it where its `.git` still leads to the repository that it was made from, and back. git itself is not asked: it would take a
 * repository that the agent made in its place, or one in a folder above.
 */
export async function openWorktree(git: Git, prepared: PreparedWorktree): Promise<Worktree | WorkspaceRefusal> {
  const { root, gitDir } = prepared;
  try {
    if (!(await stat(root)).isDirectory()) return broken(root, 'the worktree is no folder any more');
    const pointer = /^gitdir: (.+)\n?$/.exec(await readFile(join(root, '.git'), 'utf8'))?.[1];
    if (pointer === undefined) return broken(root, 'the .git of the worktree was overwritten');
    if (dirname(dirname(pointer)) !== gitDir) return broken(root, 'the worktree belongs to another repository now');
    const back = (await readFile(join(pointer, 'gitdir'), 'utf8')).trim();
    if (back !== join(root, '.git')) return broken(root, 'git takes another folder for this worktree');
    return { repository: new Repository(git, { gitDir: pointer, workTree: root }), adminDir: pointer, root };
  } catch (error) {
    if (isMissing(error)) return broken(root, 'the worktree or its .git was removed');
    if (error instanceof Error && 'code' in error && error.code === 'EISDIR')
      return broken(root, 'a repository was made in place of the worktree');
    throw error;
  }
}
