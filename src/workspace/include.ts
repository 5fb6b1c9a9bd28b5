/** `.worktreeinclude`: ignored files (settings, keys for tests) that a fresh worktree needs and git does not carry. */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Git } from './git.ts';
import { LIST_MAX_BYTES, pieces, saidBy } from './git.ts';
import { isMissing } from './origin.ts';
import type { Warning } from './warning.ts';

/** `node_modules` by a loose pattern would be copied file by file; a list of settings is far smaller. */
const FILES_MAX = 10_000;
const TOTAL_MAX_BYTES = 256 * 1024 * 1024;

const FILE_NAME = '.worktreeinclude';

export type Included = { copied: number; warnings: Warning[] };

/**
 * Copies from the checkout at `from` into the fresh worktree at `to` the files that its `.worktreeinclude` (gitignore syntax) names and that git
 * ignores there. Symbolic links, and files that are there already, are not touched; nothing is read outside `from` or written outside `to`. `filesMax` is {@link FILES_MAX} but in tests.
 */
export async function copyIncluded(git: Git, o: { from: string; to: string; filesMax?: number }): Promise<Included> {
  const none: Included = { copied: 0, warnings: [] };
  const patterns = await fileAt(join(o.from, FILE_NAME));
  if (patterns === undefined) return none;
  const listed = await git.run(['ls-files', '--others', '--ignored', '-z', `--exclude-from=${FILE_NAME}`], {
    cwd: o.from,
    outputMaxBytes: LIST_MAX_BYTES,
  });
  if (!listed.ok) return { copied: 0, warnings: [skipped(`nothing was copied: ${saidBy(listed)}`)] };
  if (listed.out === '') return none;
  const ignored = await git.run(['check-ignore', '-z', '--stdin'], {
    cwd: o.from,
    input: listed.out,
    outputMaxBytes: LIST_MAX_BYTES,
  });
  // Exit code 1: none of them is ignored.
  if (!ignored.ok && ignored.exitCode !== 1)
    return { copied: 0, warnings: [skipped(`nothing was copied: ${saidBy(ignored)}`)] };
  return copyAll({ filesMax: FILES_MAX, ...o, names: pieces(ignored.out) });
}

const skipped = (message: string): Warning => ({ code: 'include_skipped', message: `${FILE_NAME}: ${message}` });

async function copyAll(o: { from: string; to: string; names: readonly string[]; filesMax: number }): Promise<Included> {
  let copied = 0;
  let sizeBytes = 0;
  const left: string[] = [];
  for (const name of o.names) {
    const source = await fileAt(join(o.from, name));
    if (source === undefined) {
      left.push(name);
      continue;
    }
    sizeBytes += source.sizeBytes;
    if (copied >= o.filesMax || sizeBytes > TOTAL_MAX_BYTES) {
      const limit = `${o.filesMax} files or ${TOTAL_MAX_BYTES} bytes`;
      return { copied, warnings: [skipped(`stopped after ${copied} files, at the limit of ${limit}`)] };
    }
    if (await copyOne({ ...o, name })) copied += 1;
    else left.push(name);
  }
  const some = left.slice(0, 5).map((name) => JSON.stringify(name));
  const warning = `${left.length} were not copied (symbolic links, not plain files, or in the way): ${some.join(', ')}`;
  return { copied, warnings: left.length === 0 ? [] : [skipped(warning)] };
}

/** A plain file, seen without following a link at its end. */
async function fileAt(path: string): Promise<{ sizeBytes: number } | undefined> {
  try {
    const seen = await lstat(path);
    return seen.isFile() ? { sizeBytes: seen.size } : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function copyOne(o: { from: string; to: string; name: string }): Promise<boolean> {
  const folder = dirname(o.name);
  // Both sides: the base commit may hold a link where the checkout has a folder.
  if (!(await staysInside(o.from, folder)) || !(await staysInside(o.to, folder))) return false;
  try {
    await mkdir(join(o.to, folder), { recursive: true });
    await copyFile(join(o.from, o.name), join(o.to, o.name), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    // In the way: a file of the base commit, or one that an interrupted start copied.
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return fileIsThere(join(o.to, o.name));
    if (isMissing(error)) return false;
    throw error;
  }
}

const fileIsThere = async (path: string): Promise<boolean> => (await fileAt(path)) !== undefined;

/** Whether the part of `folder` that exists below `top` has no symbolic link in it. */
async function staysInside(top: string, folder: string): Promise<boolean> {
  const parts = folder === '.' ? [] : folder.split('/');
  for (let depth = parts.length; depth >= 0; depth -= 1) {
    const path = join(top, ...parts.slice(0, depth));
    try {
      return (await realpath(path)) === path;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return false;
}
