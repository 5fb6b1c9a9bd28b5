/** Ends what is left of a process: SIGTERM, a grace, SIGKILL. */
import { setTimeout } from 'node:timers/promises';
import type { ProcTable, Remains } from './proc-table.ts';
import { codeOf } from './refusal.ts';

/** The first look after a signal; each further one waits twice as long. These are no children of ours: the kernel tells nobody of their end. */
const LOOK_FIRST_MS = 10;
const LOOK_MAX_MS = 200;

/** How long SIGKILL may take before we say that it did not work: a process in an uninterruptible wait ends when its disk answers. */
const KILL_WAIT_MS = 5_000;

/** Signals one process or, with a negative number, a group. False when there is none. A process of another user is left alone and counts as none. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

/**
 * Ends all that belongs to `remains`. Resolves when a look finds nothing more, or when SIGKILL has had its time. Returns how many processes there
 * were and how many are left (0, unless the kernel cannot end them).
 */
export async function endRemains(
  remains: Remains,
  o: { table: ProcTable; graceMs: number },
): Promise<{ found: number; left: number }> {
  const asked = new Set<number>();
  let left = await o.table.find(remains);
  for (const step of [
    { name: 'SIGTERM', forMs: o.graceMs },
    { name: 'SIGKILL', forMs: KILL_WAIT_MS },
  ] as const) {
    let lookMs = LOOK_FIRST_MS;
    for (
      let waitedMs = 0;
      left.length > 0 && waitedMs < step.forMs;
      waitedMs += lookMs, lookMs = Math.min(2 * lookMs, LOOK_MAX_MS)
    ) {
      for (const pid of left) {
        // SIGTERM once: a process that is tidying up should not be disturbed. SIGKILL at every look: what forks on is caught in the end.
        if (step.name === 'SIGKILL' || !asked.has(pid)) signal(pid, step.name);
        asked.add(pid);
      }
      await setTimeout(lookMs);
      left = await o.table.find(remains);
    }
  }
  return { found: asked.size, left: left.length };
}
