/** Files that are brought from one directory to another: linked where both lie on one file system, checked by their SHA-256, durable. */
import { constants, createReadStream } from 'node:fs';
import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Hash } from '#core/brand.ts';
import { hashOf } from '#core/brand.ts';

/** Why a file system makes no link: another one, one without links, or a file that has as many as it can. */
const NO_LINK: readonly string[] = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * The same content under another name: a hard link where that can be had, so only for files that nobody ever writes to again. Makes the folder.
 * Durable once {@link syncFile} was called for that folder.
 */
export async function linkFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  try {
    await link(from, to);
  } catch (error) {
    if (!NO_LINK.includes(codeOf(error))) throw error;
    await duplicateFile(from, to);
  }
}

/** A file of its own with the same content, where nothing is yet, without cost where the file system can share the blocks. Makes the folder. */
export async function duplicateFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await syncFile(to);
}

/** Puts a file, or the names in a directory, on the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Reads the whole file, in pieces. */
export async function hashFile(path: string): Promise<Hash> {
  const sum = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), sum);
  return hashOf(sum.digest('hex'));
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
