/** The notes of an agent, which outlive its conversations: a file in its own folder that it writes itself. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** Read so far: more of it is cut from the prompt anyway. */
const READ_MAX_BYTES = 64 * 1024;

export const notesPath = (folder: string): string => join(folder, 'notes.md');

/**
 * Empty where there is none. What an agent in a box put there is not trusted: a link could lead to a file of this machine that the box does not show, and
 * a pipe would never end.
 */
export async function readNotes(folder: string): Promise<string> {
  try {
    const file = await open(notesPath(folder), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return '';
      const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_MAX_BYTES), 0, READ_MAX_BYTES, 0);
      return buffer.subarray(0, bytesRead).toString();
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
