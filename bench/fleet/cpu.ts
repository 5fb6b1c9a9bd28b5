/** Processor time of whole trees of processes, finer than the clock ticks in which `/proc/PID/stat` counts. */
import { readdirSync, readFileSync } from 'node:fs';

const [NANOSECONDS_A_MS, TICK_MS] = [1e6, 10];

type Look = { pid: number; parent: number; argv: string; reapedMs: number };

/**
 * Of processes below one of the roots or with one of the marks on their command line: what their threads used, and what their children used that have
 * ended and were waited for.
 */
export function cpuMs(o: { roots: readonly number[]; marks: readonly string[] }): number {
  const looks = readdirSync('/proc').flatMap(looked);
  const parents = new Map(looks.map(({ pid, parent }) => [pid, parent]));
  const isBelow = (pid: number): boolean => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (o.roots.includes(at)) return true;
    return false;
  };
  let sum = 0;
  for (const { pid, argv, reapedMs } of looks) {
    if (isBelow(pid) || o.marks.some((mark) => argv.includes(mark))) sum += threadsMs(pid) + reapedMs;
  }
  return sum;
}

function looked(name: string): Look[] {
  if (!/^\d+$/.test(name)) return [];
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const reapedMs = (Number(fields[13]) + Number(fields[14])) * TICK_MS;
    const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8');
    return [{ pid: Number(name), parent: Number(fields[1]), argv, reapedMs }];
  } catch {
    // It ended.
    return [];
  }
}

function threadsMs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const used = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]));
    return used.reduce((sum, one) => sum + one, 0) / NANOSECONDS_A_MS;
  } catch {
    return 0;
  }
}
