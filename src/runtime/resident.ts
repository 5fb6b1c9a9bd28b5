/** How much memory the processes of a runtime's directory take. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readExit, readPid } from './outbox.ts';
import { residentBytes } from './proc-table.ts';

/** Resident memory in bytes of the running processes whose ids are picked, and of all in their sessions, as of now; 0 where none runs. */
export function residentOf(directory: string, isPicked: (id: string) => boolean): number {
  const procs = join(directory, 'procs');
  const sessions = new Set<number>();
  for (const id of readdirSync(procs).filter(isPicked)) {
    const path = join(procs, id);
    const pid = readExit(path) === undefined ? readPid(path) : undefined;
    if (pid !== undefined) sessions.add(pid);
  }
  return residentBytes(sessions)
    .values()
    .reduce((sum, bytes) => sum + bytes, 0);
}
