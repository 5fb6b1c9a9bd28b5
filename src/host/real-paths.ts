/** Where paths that a tool names really lie: links are followed, and what cannot be followed counts as outside. */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';

export type RealPlace = { cwd: string; paths: string[]; inside: boolean };

/** Names between a path and the first folder that is there. */
const DEPTH_MAX = 128;

/**
 * `inside`: each of the paths lies in `cwd`, now. A link that is made between this look and the write is not seen: what must hold against an agent
 * is held by a box.
 */
export async function realPlaceOf(cwd: string, paths: readonly string[]): Promise<RealPlace> {
  const real = (await realpath(cwd).catch(() => undefined)) ?? cwd;
  const found = await Promise.all(paths.map((path) => realOf(path)));
  const inside = found.length > 0 && found.every((path) => path?.startsWith(`${real}${sep}`) === true);
  return { cwd: real, paths: found.map((path, at) => path ?? paths[at] ?? ''), inside };
}

/** Undefined for what is not absolute, goes up (`..` means another folder behind a link than it says), or leads through a link to nowhere. */
async function realOf(path: string): Promise<string | undefined> {
  if (!isAbsolute(path) || path.includes('\0') || path.split(sep).includes('..')) return undefined;
  let at = path;
  const missing: string[] = [];
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const real = await realpath(at).catch(() => undefined);
    if (real !== undefined) return join(real, ...missing);
    // Something is there that leads nowhere: a write would go wherever it says.
    if (await lstat(at).catch(() => undefined)) return undefined;
    missing.unshift(basename(at));
    at = dirname(at);
  }
  return undefined;
}
