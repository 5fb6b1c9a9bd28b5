/** Listening at a path: what the sockets of a node share. */
import { watch } from 'node:fs';
import { chmod, lstat, rm } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { basename, dirname } from 'node:path';

/** Answers under way get so long to leave when the node stops. */
const CLOSE_MAX_MS = 1_000;

/** Takes away what an earlier node left there: the caller holds the lock of the data directory. Rejects when something that is no socket lies there. */
export async function clearSocket(path: string): Promise<void> {
  const stat = await lstat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Error(`${path} is no socket: move it away, then start again`);
  await rm(path, { force: true });
}

/** Resolves when it listens; rejects when the system refuses. */
export function openServer(o: {
  path: string;
  clientsMax: number;
  onClient: (socket: Socket) => void;
  onFault: (error: Error) => void;
}): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, o.onClient);
  server.maxConnections = o.clientsMax;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.path, () => {
      server.off('error', reject);
      server.on('error', o.onFault);
      resolve(server);
    });
  });
}

/** What holds a path; `close` before the server is closed. */
export type Kept = { close(): Promise<void> };

/**
 * Binds a server that listens at `path` anew when the file is removed, by hand or with the folder of a box: whoever is connected stays so. The folder
 * should be quiet, as each change in it is looked at.
 */
export function keepBound(o: { server: Server; path: string; mode: number; onFault: (error: unknown) => void }): Kept {
  let isClosed = false;
  let changing: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    if (isClosed || (await lstat(o.path).catch(() => undefined)) !== undefined) return;
    // Closed first: the system takes away what lies at the path of a socket that is closed.
    o.server.close();
    await new Promise<void>((resolve, reject) => {
      o.server.once('error', reject);
      o.server.listen(o.path, () => {
        o.server.off('error', reject);
        resolve();
      });
    });
    await chmod(o.path, o.mode);
  };
  const watcher = watch(dirname(o.path), (_event, name) => {
    if (name === basename(o.path)) changing = changing.then(look).catch(o.onFault);
  });
  watcher.on('error', o.onFault);
  return {
    close: () => {
      isClosed = true;
      watcher.close();
      return changing;
    },
  };
}

/** No new clients; those that are there get what is on its way, within a bound. */
export function closeServer(server: Server, clients: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => clients.forEach((socket) => socket.destroy()), CLOSE_MAX_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    for (const socket of clients) socket.end();
  });
}
