/** The cluster secret: one file beside the nodes that share a data directory, or the environment. It never reaches a log line or an op. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SECRET_BYTES = 32;
const SECRET_MIN_CHARS = 16;

const secretPath = (dataDir: string): string => join(dataDir, 'secret');

/** `SKEP_SECRET`, else the file, made at the first start: whole or not at all, and only one of two starts at once makes it. */
export function clusterSecret(dataDir: string, environment: NodeJS.ProcessEnv): string {
  const given = environment['SKEP_SECRET'];
  if (given !== undefined && given !== '') return checked(given, 'SKEP_SECRET');
  const path = secretPath(dataDir);
  if (!existsSync(path)) writeOnce(dataDir, path, randomBytes(SECRET_BYTES).toString('base64url'));
  if ((statSync(path).mode & 0o077) !== 0)
    throw new Error(`${path} must be readable by its owner alone: run chmod 600 ${path}`);
  return checked(readFileSync(path, 'utf8').trim(), path);
}

/** Keeps the secret of a join code. Throws when this data directory belongs to another swarm already; nothing is changed then. */
export function adoptSecret(dataDir: string, secret: string): void {
  const path = secretPath(dataDir);
  if (!existsSync(path)) writeOnce(dataDir, path, secret);
  if (readFileSync(path, 'utf8').trim() !== secret) {
    throw new Error(
      `${dataDir} belongs to another swarm: join with a new --data-dir, or remove ${path} if that swarm is gone`,
    );
  }
}

function writeOnce(dataDir: string, path: string, secret: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${secret}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(temporary, path);
  } catch (error) {
    // Another node of this directory was first: its secret counts.
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function checked(secret: string, source: string): string {
  if (secret.length >= SECRET_MIN_CHARS) return secret;
  throw new Error(`${source} must have at least ${SECRET_MIN_CHARS} characters`);
}

/** What `skep join-code` prints: secret and addresses in one word. */
export const joinCodeOf = (o: { secret: string; addresses: readonly string[] }): string =>
  `skep1_${Buffer.from(JSON.stringify([o.secret, o.addresses])).toString('base64url')}`;

/** Throws with what was expected when the code is none. */
export function readJoinCode(code: string): { secret: string; addresses: string[] } {
  const wrong = (): Error =>
    new Error('the join code is not one: it begins with skep1_ and comes from "skep join-code" on a node of the swarm');
  if (!code.startsWith('skep1_')) throw wrong();
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(code.slice('skep1_'.length), 'base64url').toString());
  } catch (cause) {
    throw new Error(wrong().message, { cause });
  }
  if (!Array.isArray(parts)) throw wrong();
  const [secret, addresses]: unknown[] = parts;
  if (typeof secret !== 'string' || !Array.isArray(addresses)) throw wrong();
  return { secret: checked(secret, 'the join code'), addresses: addresses.filter((one) => typeof one === 'string') };
}
