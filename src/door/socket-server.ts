/** Listening at a path: what the sockets of a node share. */
import { lstat, rm } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';

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
