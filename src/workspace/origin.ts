/** Where code comes from: what an origin is, and what lies in a folder of this node. */
import { lstat, realpath, stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Git } from './git.ts';
import { saidBy } from './git.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { refusal } from './refusal.ts';
import { Repository } from './repository.ts';

export type Origin = { kind: 'url'; url: string } | { kind: 'path'; path: string };

const SCHEMES = new Set(['http', 'https', 'ssh', 'git']);

const badOrigin = (origin: string): WorkspaceRefusal =>
  refusal('bad_origin', 'skep cannot clone from that', {
    expected: 'an http, https, ssh or git URL, user@host:path, or an absolute path',
    got: JSON.stringify(origin.slice(0, 200)),
  });

function readFileUrl(origin: string): Origin | WorkspaceRefusal {
  try {
    const url = new URL(origin);
    return url.hostname === '' || url.hostname === 'localhost'
      ? { kind: 'path', path: resolve(fileURLToPath(url)) }
      : badOrigin(origin);
  } catch (error) {
    if (error instanceof TypeError) return badOrigin(origin);
    throw error;
  }
}

/**
 * Tells a URL from a path, by git's own rules, so that the host knows where an origin lies: a path (also as `file://`) lies on the node that
 * registered it. Remote helpers (`ext::…`), relative paths, unknown schemes and control characters are refused as `bad_origin`.
 */
export function readOrigin(origin: string): Origin | WorkspaceRefusal {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (origin.startsWith('-') || /[\u0000-\u001f\u007f]/.test(origin)) return badOrigin(origin);
  if (isAbsolute(origin)) return { kind: 'path', path: resolve(origin) };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(origin)?.[1]?.toLowerCase();
  if (scheme === 'file') return readFileUrl(origin);
  if (scheme !== undefined) return SCHEMES.has(scheme) ? { kind: 'url', url: origin } : badOrigin(origin);
  if (/^[A-Za-z0-9]+::/.test(origin)) return badOrigin(origin);
  return /^[^/:]+:[^:]|^[^/[]*\[[^/]*\]:/.test(origin) ? { kind: 'url', url: origin } : badOrigin(origin);
}

/** What lies at a path of this node. */
export type Folder =
  | { kind: 'missing' }
  | { kind: 'plain' }
  | {
      kind: 'repository';
      /** The repository itself, also when the folder belongs to one of its linked worktrees. */
      gitDir: string;
      /** Top of the working tree; undefined in a bare repository. */
      top: string | undefined;
      /** The folder below `top`: empty, or with a slash at its end. */
      prefix: string;
    };

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Whether the file system says that there is nothing at a path (or no way to it). */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes(String(error.code));

export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Looks at a folder without changing it. A repository that git will not open (another owner's, a damaged one) is `not_a_repository`. */
export async function inspectFolder(git: Git, path: string): Promise<Folder | WorkspaceRefusal> {
  if (!isAbsolute(path) || path.includes('\0') || !(await isDirectory(path))) return { kind: 'missing' };
  const at = { cwd: path };
  const found = await git.run(['rev-parse', '--path-format=absolute', '--is-inside-work-tree', '--git-common-dir'], at);
  if (!found.ok) {
    if (/not a git repository \(or any/.test(found.err)) return { kind: 'plain' };
    return refusal('not_a_repository', `git does not open ${path}: ${saidBy(found)}`);
  }
  const line = found.out.indexOf('\n');
  const gitDir = found.out.slice(line + 1);
  if (found.out.slice(0, line) !== 'true') return { kind: 'repository', gitDir, top: undefined, prefix: '' };
  const top = await git.run(['rev-parse', '--path-format=absolute', '--show-toplevel'], at);
  const prefix = await git.run(['rev-parse', '--show-prefix'], at);
  if (!top.ok || !prefix.ok)
    return refusal('not_a_repository', `git does not open ${path}: ${saidBy(top.ok ? prefix : top)}`);
  return { kind: 'repository', gitDir, top: top.out, prefix: prefix.out };
}

/** The repository at an origin's path; the path must be its top (or a bare repository), because work would start in a folder above it. */
export async function inspectOrigin(
  git: Git,
  path: string,
): Promise<{ repository: Repository; top: string | undefined } | WorkspaceRefusal> {
  const folder = await inspectFolder(git, path);
  if ('refused' in folder) return folder;
  if (folder.kind === 'missing')
    return refusal('project_unreachable', "the project's folder is not there", {
      expected: 'a git repository on this node',
      got: path,
    });
  if (folder.kind === 'plain')
    return refusal('not_a_repository', "the project's folder is not a git repository", {
      expected: 'a git repository: git init, and a first commit',
      got: path,
    });
  const at = await realpath(path);
  if (folder.top === undefined ? at !== (await realpath(folder.gitDir)) : folder.prefix !== '')
    return refusal('not_a_repository', "the project's folder lies inside a git repository", {
      expected: folder.top ?? folder.gitDir,
      got: path,
    });
  return { repository: new Repository(git, { gitDir: folder.gitDir }), top: folder.top };
}

/** Whether a working tree has uncommitted changes, new files included. The tree is not touched. */
export async function isDirty(git: Git, top: string): Promise<boolean> {
  const status = await git.run(['status', '--porcelain', '-z', '--untracked-files=normal', '--no-renames'], {
    cwd: top,
  });
  return status.out !== '' || status.ended === 'overflowed';
}
