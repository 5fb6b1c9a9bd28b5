/** A file that was handed over, written where its reader wants it. */
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { usageFailure } from './exit.ts';

const NAME = /^[^/\\\p{C}]+$/u;
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Checked by its hash before anything is written; over nothing that is there, and through no link. Gives its path. */
export async function keepFile(folder: string, o: { name: string; sha256: string }, bytes: Buffer): Promise<string> {
  if (!NAME.test(o.name) || o.name === '.' || o.name === '..') throw usageFailure(`${o.name} is no name of a file`);
  if (createHash('sha256').update(bytes).digest('hex') !== o.sha256)
    throw usageFailure('what came has another SHA-256: nothing was written');
  const path = join(folder, o.name);
  // Fails where anything of that name is, a link as well.
  const file = await open(path, 'wx').catch((error: unknown) => {
    throw usageFailure(`${path}: ${reasonOf(error)}`);
  });
  try {
    await file.writeFile(bytes);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return path;
}
