/**
 * The holder's process: `node holder-main.ts DIRECTORY`. Says `ready` on standard output once it listens, or `taken` when another one holds the
 * directory, and then ends with code 0. Everything else it has to say goes to standard error.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { answers, makeClaim, readClaim } from './claim.ts';
import { CONNECTIONS_MAX, Holder } from './holder.ts';
import { prepareDirectory, readToken } from './layout.ts';
import { makeSocketDir, socketPath } from '#socket-path.ts';
import { codeOf, messageOf } from './refusal.ts';

/** Long enough for a node to be restarted with nothing running, short enough to leave no idle process behind. */
const IDLE_MS = 10_000;

/** For the agents of a holder that is told to end, as at a shutdown of the machine, which itself gives 90 s. */
const STOP_GRACE_MS = 5_000;

function say(word: 'ready' | 'taken'): void {
  try {
    writeSync(1, `${word}\n`);
  } catch (error) {
    // The node that started us is gone already. The next one finds us by the claim.
    process.stderr.write(`nobody hears "${word}": ${messageOf(error)}\n`);
  }
}

async function listen(server: Server, path: string): Promise<void> {
  // The socket is made by listen itself, so there is no moment in which others could connect.
  const umask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(umask);
  }
  await once(server, 'listening');
  chmodSync(path, 0o600);
}

/** Also the short directory that was made for it, unless somebody else's socket is in there. */
function removeSocket(socket: string, directory: string): void {
  rmSync(socket, { force: true });
  if (dirname(socket) === directory) return;
  try {
    rmdirSync(dirname(socket));
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY') process.stderr.write(`${dirname(socket)} stays: ${messageOf(error)}\n`);
  }
}

async function main(directory: string): Promise<void> {
  const path = prepareDirectory(directory);
  const before = readClaim(path);
  if (before !== undefined && (await answers(before.socket))) return say('taken');

  const server = createServer();
  server.maxConnections = CONNECTIONS_MAX;
  const n = (before?.n ?? 0) + 1;
  const socket = socketPath(path, `holder-${n}.${randomBytes(4).toString('hex')}`);
  makeSocketDir(socket);
  const idle = (): void => {
    removeSocket(socket, path);
    process.exit(0);
  };
  const holder = new Holder({ directory: path, token: readToken(path), nowMs: Date.now, idleMs: IDLE_MS, idle });
  server.on('connection', (connection) => holder.accept(connection));
  await listen(server, socket);
  if (!makeClaim(path, { n, socket, pid: process.pid })) {
    say('taken');
    return idle();
  }
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => void holder.stop(STOP_GRACE_MS));
  holder.begin();
  say('ready');
  // Otherwise only a holder that ends in peace would leave its compiled code for the next one.
  flushCompileCache();
}

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write('holder-main.ts: expected a directory\n');
  process.exit(2);
}
await main(directory);
