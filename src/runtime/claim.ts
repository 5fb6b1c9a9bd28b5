/**
 * One holder a directory. The n-th holder claims it by making `holder-<n>.json`, which only one process can, and only after the holder of n - 1 was
 * found dead: nobody answers at its socket. A claim is made when its socket already listens, so "nobody answers" is never "not yet". The highest
 * claim is never removed; so whoever acted on an old view and made a number that was free again finds a higher one, and gives way.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { isObject } from './json-lines.ts';
import { createOnce } from './layout.ts';

/** Without a socket (a machine that lost power wrote nothing into the file) its holder is dead. */
export type Claim = { n: number; socket: string | undefined };

function claimPath(directory: string, n: number): string {
  return join(directory, `holder-${n}.json`);
}

function claimNumbers(directory: string): number[] {
  const numbers: number[] = [];
  for (const name of readdirSync(directory)) {
    const match = /^holder-([1-9][0-9]*)\.json$/.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.toSorted((a, b) => b - a);
}

/** The highest claim; its holder may be dead. Undefined where there never was one. */
export function readClaim(directory: string): Claim | undefined {
  const [n] = claimNumbers(directory);
  return n === undefined ? undefined : { n, socket: socketOf(claimPath(directory, n)) };
}

/** Makes claim `n` and removes those before it with their sockets. False when somebody else has `n` or a higher one: then this process gives way. */
export function makeClaim(directory: string, claim: { n: number; socket: string; pid: number }): boolean {
  const { n, socket, pid } = claim;
  if (!createOnce(claimPath(directory, n), `${JSON.stringify({ socket, pid })}\n`)) return false;
  const [highest, ...older] = claimNumbers(directory);
  if (highest !== n) {
    rmSync(claimPath(directory, n), { force: true });
    return false;
  }
  for (const old of older) {
    const left = socketOf(claimPath(directory, old));
    if (left !== undefined) rmSync(left, { force: true });
    rmSync(claimPath(directory, old), { force: true });
  }
  return true;
}

function socketOf(path: string): string | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isObject(value) && typeof value['socket'] === 'string' ? value['socket'] : undefined;
  } catch {
    // Empty after a loss of power, or removed since the listing by a holder with a higher claim. Neither answers anywhere.
    return undefined;
  }
}

/** Does anybody listen there? The kernel answers for a process that is busy or stopped, so this needs no patience. */
export function answers(socket: string | undefined): Promise<boolean> {
  if (socket === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const trial = connect(socket);
    trial.once('connect', () => {
      trial.destroy();
      resolve(true);
    });
    trial.once('error', () => resolve(false));
  });
}
