/** What `/proc` says of a process's memory and family. */
import { readdirSync, readFileSync } from 'node:fs';
import { statFields } from './child.ts';

/** Megabytes held now (`VmRSS`), or at most so far (`VmHWM`). */
export function memoryMb(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return Number(lines.find((line) => line.startsWith(name))?.replaceAll(/\D/g, '')) / 1024;
}

/** Minor page faults of children that ended and were waited for: any process that ran at all has some. */
export const reapedFaults = (pid: number): number => Number(statFields(pid)[8]);

/** All processes below this one. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(Number(name)) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [...(children.get(root) ?? [])];
  for (let at = 0; at < found.length; at++) {
    const pid = found[at];
    if (pid !== undefined) found.push(...(children.get(pid) ?? []));
  }
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(statFields(pid)[1]);
  } catch {
    // It has ended since the list was read.
    return undefined;
  }
}
