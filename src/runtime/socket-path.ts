import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf, RuntimeRefusal } from './refusal.ts';

/** `sun_path` has 108 bytes on Linux, the last one is NUL. Node cuts a longer path off without a word. */
const SOCKET_PATH_MAX_BYTES = 107;

/**
 * Where the unix socket `name` of `directory` is: in it, or where that path would be too long, in a directory of mode 0700 under XDG_RUNTIME_DIR or
 * the directory for temporary files, made here and named by a hash of `directory`: the same for everyone who asks in the same environment.
 *
 * Throws `socket_directory_unsafe` when that place belongs to somebody else or others may write there.
 */
export function socketPath(directory: string, name: string): string {
  const path = join(directory, name);
  if (fits(path)) return path;
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  const short = `skep-${process.getuid?.() ?? 0}-${hash}`;
  const runtimeDirectory = process.env['XDG_RUNTIME_DIR'];
  const bases = [...(runtimeDirectory === undefined ? [] : [runtimeDirectory]), tmpdir(), '/tmp'];
  const base = bases.find((one) => fits(join(one, short, name)) && isDirectory(one));
  if (base === undefined) {
    throw new RuntimeRefusal(
      'socket_directory_unsafe',
      `No place for a socket: every path for ${name} is longer than ${SOCKET_PATH_MAX_BYTES} bytes.`,
    );
  }
  const place = join(base, short);
  makePrivate(place);
  return join(place, name);
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** In a directory that all may write to, somebody else may have made ours first. */
function makePrivate(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const found = lstatSync(path);
  const ours = process.getuid === undefined || found.uid === process.getuid();
  if (!found.isDirectory() || !ours || (found.mode & 0o077) !== 0) {
    throw new RuntimeRefusal(
      'socket_directory_unsafe',
      `${path} must be a directory of this user with mode 0700. Remove it, or set XDG_RUNTIME_DIR.`,
    );
  }
}
