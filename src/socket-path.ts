/**
 * Where the unix sockets of a node lie: one rule for the node that listens and for the client that looks for it.
 *
 * The kernel takes short paths only, so a socket whose path would be too long lies in a folder of the user's own under
 * `/tmp` instead, under a name made of the long path. `/tmp` and not `TMPDIR`, because node and client are often
 * started with different environments and must find the same place.
 */
import { hash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Bytes of a socket's path that every system takes: macOS ends at 103, Linux at 107. */
export const SOCKET_PATH_MAX_BYTES = 103;

/** State of one node: `<data-dir>/<p2p-port>`, absolute. */
export const stateDirOf = (dataDir: string, p2pPort: number): string => join(resolve(dataDir), String(p2pPort));

/** Path of the socket `<name>.sock` of this directory: `admin` in a state directory is the node's own, for clients. The file may or may not be there. */
export function socketPath(directory: string, name: string): string {
  const path = join(resolve(directory), `${name}.sock`);
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES) return path;
  return join('/tmp', `skep-${userId()}`, `${hash('sha256', path).slice(0, 24)}.sock`);
}

/**
 * The folder of the sockets of one agent, shown in its box at `/run/hive`: `<state>/agents/<name>`, or one under `/tmp` where a socket in it would have
 * too long a path. Nothing else lies in it.
 */
export function agentSocketDir(stateDir: string, name: string): string {
  const folder = join(resolve(stateDir), 'agents', name);
  if (Buffer.byteLength(join(folder, 'tools.sock')) <= SOCKET_PATH_MAX_BYTES) return folder;
  return join('/tmp', `skep-${userId()}`, hash('sha256', folder).slice(0, 24));
}

/**
 * Makes the folder of a socket, for its owner alone. Throws when a folder of that name under `/tmp` is somebody else's:
 * whoever owns the folder could listen in the node's place.
 */
export function makeSocketDir(path: string): void {
  const dir = dirname(path);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (!isTrustedSocketDir(path)) {
    throw new Error(`${dir} must be a folder that belongs to you alone; remove it or choose a shorter data directory`);
  }
}

/** False for a shortened path whose folder is not the user's own: nobody should listen or connect there. */
export function isTrustedSocketDir(path: string): boolean {
  const dir = dirname(path);
  if (dirname(dir) !== '/tmp' || !dir.startsWith('/tmp/skep-')) return true;
  const stat = lstatSync(dir, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  return stat.isDirectory() && stat.uid === userId() && (stat.mode & 0o022) === 0;
}

/** 0 where the system knows no user ids. */
const userId = (): number => process.getuid?.() ?? 0;
