/**
 * What lies in a runtime's directory (mode 0700, all files 0600):
 *
 *     holder.token          what a node shows to the holder
 *     holder-<n>.json       the claim of the n-th holder; the highest one counts
 *     holder-<n>.….sock     its socket, or elsewhere where this path is too long
 *     holder.log            what a holder said before it died
 *     code/                 node's cache of the holder's code
 *     procs/<id>/           one process: spec.json, inbox.jsonl, outbox.jsonl, outbox-<n>.jsonl
 *     forgotten/            processes on their way out
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcId } from '#core/brand.ts';
import { parsedProcId } from '#core/brand.ts';
import type { ProcSpec } from '#ports.ts';
import type { Mark } from './proc-table.ts';
import { codeOf, RuntimeRefusal } from './refusal.ts';

/** A file name has at most 255 bytes. */
const PROC_ID_MAX_CHARACTERS = 200;

/** The id, where it can name a directory; undefined where it cannot. */
export function legalProcId(text: string): ProcId | undefined {
  const legal = text.length <= PROC_ID_MAX_CHARACTERS && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text);
  return legal ? parsedProcId(text) : undefined;
}

export function procDirectory(directory: string, id: ProcId): string {
  return join(directory, 'procs', id);
}

/** Makes what is missing, and returns the directory's real path: the same for everybody who means the same directory. */
export function prepareDirectory(directory: string): string {
  for (const path of [directory, ...['procs', 'forgotten', 'code'].map((name) => join(directory, name))]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  chmodSync(directory, 0o700);
  const path = realpathSync(directory);
  createOnce(join(path, 'holder.token'), randomBytes(32).toString('hex'));
  return path;
}

export function readToken(directory: string): string {
  return readFileSync(join(directory, 'holder.token'), 'utf8').trim();
}

/**
 * Makes a file with its whole content at once, unless it is there. True when this call made it: of several that try, exactly one does.
 */
export function createOnce(path: string, content: string): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, content, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The mark of a process of this directory (a real path, as {@link prepareDirectory} returns it). */
export function markOf(directory: string, proc: string): Mark {
  return { proc, holder: createHash('sha256').update(directory).digest('hex').slice(0, 16) };
}

/**
 * Makes the process's directory and writes down what was asked for, except its environment, which may hold secrets; then calls `fill`. Refused with
 * `proc_exists` when there is one: this is what makes an attempt start at most once. When anything else fails, no directory is left.
 */
export function claimProcDirectory<T>(directory: string, spec: ProcSpec, fill: (path: string) => T): T {
  const path = procDirectory(directory, spec.id);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new RuntimeRefusal('proc_exists', `Process ${spec.id} runs or ran here; it is never started twice.`, {
      cause: error,
    });
  }
  try {
    const { id, argv, cwd, outboxMaxBytes } = spec;
    writeFileSync(join(path, 'spec.json'), `${JSON.stringify({ id, argv, cwd, outboxMaxBytes })}\n`, { mode: 0o600 });
    return fill(path);
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
}
