/** One repository, and the small questions that every part of this room asks it. */
import type { Git, GitOptions, GitResult } from './git.ts';
import { pieces } from './git.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';

/** A working tree of a repository. */
export type Checkout = {
  path: string;
  /** Full ref name; undefined for a detached HEAD and for a bare repository. */
  branch: string | undefined;
  head: string | undefined;
  bare: boolean;
  /** The folder is gone; git still counts its branch as checked out. */
  gone: boolean;
};

export type RepositoryOptions = { gitDir: string; workTree?: string };

/** The repository at `gitDir`; with `workTree`, seen from that working tree. Nothing is ever looked for in parent folders. */
export class Repository {
  readonly gitDir: string;
  readonly #git: Git;
  readonly #workTree: string | undefined;

  constructor(git: Git, o: RepositoryOptions) {
    this.#git = git;
    this.gitDir = o.gitDir;
    this.#workTree = o.workTree;
  }

  run(args: readonly string[], o: Omit<GitOptions, 'cwd' | 'gitDir'> = {}): Promise<GitResult> {
    const environment =
      this.#workTree === undefined ? o.environment : { ...o.environment, GIT_WORK_TREE: this.#workTree };
    const options: GitOptions = { ...o, cwd: this.#workTree ?? this.gitDir, gitDir: this.gitDir };
    return this.#git.run(args, environment === undefined ? options : { ...options, environment });
  }

  /** The commit that `revision` names; undefined when there is none here. */
  async commit(revision: string): Promise<string | undefined> {
    const found = await this.run(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]);
    return found.ok ? found.out : undefined;
  }

  /** Whether `ancestor` is `descendant` or behind it; false also when one of them is not here. */
  async contains(o: { ancestor: string; descendant: string }): Promise<boolean> {
    return (await this.run(['merge-base', '--is-ancestor', o.ancestor, o.descendant])).ok;
  }

  /** Commits of `head` that are not in `base`; undefined when one of them is not here. */
  async countSince(o: { base: string; head: string }): Promise<number | undefined> {
    const counted = await this.run(['rev-list', '--count', o.head, '--not', o.base, '--']);
    return counted.ok ? Number(counted.out) : undefined;
  }

  /** Moves `ref` wherever it stood, and keeps its earlier values in a log. */
  async setRef(ref: string, commit: string): Promise<WorkspaceRefusal | undefined> {
    const set = await this.run(['update-ref', '--create-reflog', '-m', 'skep', ref, commit]);
    return set.ok ? undefined : gitFailed(`set ${ref}`, set);
  }

  /** Takes `ref` away; one that is not there is no failure. */
  async dropRef(ref: string): Promise<WorkspaceRefusal | undefined> {
    const dropped = await this.run(['update-ref', '-d', ref]);
    return dropped.ok ? undefined : gitFailed(`remove ${ref}`, dropped);
  }

  /** All working trees, the repository's own first. */
  async checkouts(): Promise<Checkout[] | WorkspaceRefusal> {
    const listed = await this.run(['worktree', 'list', '--porcelain', '-z']);
    return listed.ok ? parsedCheckouts(listed.out) : gitFailed('list the working trees', listed);
  }
}

/** Entries of `name value` lines, each line ended by a NUL and each entry by a second one. */
function parsedCheckouts(out: string): Checkout[] {
  return out.split('\0\0').flatMap((entry) => {
    const fields = new Map(
      pieces(entry).map((line): [string, string] => {
        const space = line.indexOf(' ');
        return space === -1 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
      }),
    );
    const path = fields.get('worktree');
    if (path === undefined) return [];
    return [
      {
        path,
        branch: fields.get('branch'),
        head: fields.get('HEAD'),
        bare: fields.has('bare'),
        gone: fields.has('prunable'),
      },
    ];
  });
}

/** Refuses a branch name that git would not take. */
export async function checkBranchName(
  git: Git,
  o: { cwd: string; branch: string },
): Promise<WorkspaceRefusal | undefined> {
  const legal = !o.branch.includes('\0') && (await git.run(['check-ref-format', `refs/heads/${o.branch}`], o)).ok;
  if (legal) return undefined;
  return refusal('unknown_base', 'that is no name of a branch', {
    expected: 'a branch name as `git check-ref-format` takes it',
    got: JSON.stringify(o.branch),
  });
}
