/**
 * Limits by control groups, for boxes whose program has none of its own. Version 2 where this process's group was given to it (`memory`, `pids` and
 * `cpu` in its `cgroup.subtree_control`), else version 1 where this user may make groups; else they do not hold, and that is said.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { BoxSpec, UnheldLimit } from '#box-ports.ts';
import type { BoxLimits } from '#core/schema/box-body.ts';
import { codeOf, messageOf } from '../refusal.ts';

const ROOT = '/sys/fs/cgroup';

/** What the kernel counts processor time in, in microseconds. */
const PERIOD_US = 100_000;

/** Files that a process writes its id to, in order to be held; and what is not held. */
export type LimitGroups = { entries: readonly string[]; unheld: readonly UnheldLimit[] };

type Limit = { limit: keyof BoxLimits; controller: string; v1: Setting[]; v2: Setting[] };
type Setting = readonly [file: string, value: string];

/** Makes the groups and sets the limits. Idempotent: a group that is there gets the new limits. */
export function limitGroups({ name, limits }: Pick<BoxSpec, 'name' | 'limits'>): LimitGroups {
  const wanted = limitsOf(limits);
  if (wanted.length === 0) return { entries: [], unheld: [] };
  const whole = unified(name, wanted);
  if (typeof whole === 'string') {
    const entries: string[] = [];
    const unheld: UnheldLimit[] = [];
    for (const one of wanted) {
      const made = legacy(name, one);
      if ('entry' in made) entries.push(made.entry);
      else unheld.push({ limit: one.limit, reason: `${made.reason}; ${whole}` });
    }
    return { entries, unheld };
  }
  return { entries: [whole.entry], unheld: [] };
}

/** How often, and how far apart, a group is tried again that the kernel has not emptied yet: it counts a process a moment longer than `exited`. */
const DROP_TRIES_MAX = 40;
const DROP_EVERY_MS = 50;

/** Takes the groups away. One that holds a process to the end stays, and is taken up again by the next box of that name. */
export async function dropGroups(name: string): Promise<void> {
  for (const controller of ['memory', 'pids', 'cpu', ownGroup()]) {
    const group = join(ROOT, controller, `skep-${name}`);
    for (let tries = 1; !dropped(group) && tries < DROP_TRIES_MAX; tries += 1) await setTimeout(DROP_EVERY_MS);
  }
}

function dropped(group: string): boolean {
  try {
    rmdirSync(group);
  } catch (error) {
    if (codeOf(error) === 'EBUSY') return false;
    if (!['ENOENT', 'EACCES', 'EROFS', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
  }
  return true;
}

/** Of this process, in the one tree of version 2. */
const ownGroup = (): string => /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';

function limitsOf({ memoryBytes, cpus, processes }: BoxLimits): Limit[] {
  const list: Limit[] = [];
  if (memoryBytes !== null) {
    const v1: Setting[] = [['memory.limit_in_bytes', String(memoryBytes)]];
    const v2: Setting[] = [
      ['memory.max', String(memoryBytes)],
      ['memory.swap.max', '0'],
    ];
    list.push({ limit: 'memoryBytes', controller: 'memory', v1, v2 });
  }
  if (processes !== null) {
    const settings: Setting[] = [['pids.max', String(processes)]];
    list.push({ limit: 'processes', controller: 'pids', v1: settings, v2: settings });
  }
  if (cpus !== null) {
    const quota = String(Math.max(1_000, Math.round(cpus * PERIOD_US)));
    const v1: Setting[] = [
      ['cpu.cfs_period_us', String(PERIOD_US)],
      ['cpu.cfs_quota_us', quota],
    ];
    list.push({ limit: 'cpus', controller: 'cpu', v1, v2: [['cpu.max', `${quota} ${PERIOD_US}`]] });
  }
  return list;
}

function unified(name: string, wanted: readonly Limit[]): { entry: string } | string {
  try {
    const own = ownGroup();
    const parent = join(ROOT, own);
    const given = new Set(readFileSync(join(parent, 'cgroup.subtree_control'), 'utf8').trim().split(' '));
    const lacking = wanted.filter((one) => !given.has(one.controller)).map((one) => one.controller);
    if (lacking.length > 0) return `the control group ${own} (version 2) hands on no ${lacking.join(', ')}`;
    return {
      entry: made(
        join(parent, `skep-${name}`),
        wanted.flatMap((one) => one.v2),
      ),
    };
  } catch (error) {
    return `control groups of version 2: ${messageOf(error)}`;
  }
}

function legacy(name: string, one: Limit): { entry: string } | { reason: string } {
  try {
    // Each controller is a tree of its own; where there is none, neither is the folder, and none must be made in its place.
    readFileSync(join(ROOT, one.controller, 'tasks'));
    return { entry: made(join(ROOT, one.controller, `skep-${name}`), one.v1) };
  } catch (error) {
    return { reason: `control groups of version 1: ${messageOf(error)}` };
  }
}

function made(group: string, settings: readonly Setting[]): string {
  mkdirSync(group, { recursive: true });
  for (const [file, value] of settings) {
    // Swap is not counted everywhere.
    if (file === 'memory.swap.max' && !hasFile(join(group, file))) continue;
    writeFileSync(join(group, file), value);
  }
  return join(group, 'cgroup.procs');
}

function hasFile(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
