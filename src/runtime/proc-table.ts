/** Looks through /proc for the processes that belong to one of ours, also those that left its group and session. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/**
 * The mark of a process and of all it starts: both stand in the environment, which children inherit also when they call setsid. `holder` names
 * the holder's directory, so that two nodes on one machine never end each other's processes, whatever ids they use.
 */
export type Mark = { proc: string; holder: string };

export const PROC_VARIABLE = 'SKEP_PROC';
export const HOLDER_VARIABLE = 'SKEP_HOLDER';

export function markEnvironment(mark: Mark): Record<string, string> {
  return { [PROC_VARIABLE]: mark.proc, [HOLDER_VARIABLE]: mark.holder };
}

/** What to look for: all that carry the mark, and where it is known the session that our child made and led. */
export type Remains = { mark: Mark; session: number | undefined };

/** After so many processes the event loop gets its turn: a look through a large machine must not delay the output of others. */
const PROCESSES_A_TURN = 64;

/**
 * A look is not one moment. A process may fork and end while it lasts, and within `execve` it shows no environment: a look that met either and found
 * nothing is repeated. Three in a row that miss the same process are not to be expected.
 */
const LOOKS_MAX = 3;

/** `PF_KTHREAD` of Linux: threads of the kernel have no environment, and are nobody's. */
const KERNEL_THREAD = 0x00200000;

type Wanted = { remains: Remains; marks: Buffer[]; found: number[]; resolve: (pids: number[]) => void };

/** One look through /proc serves all who asked before it began. Without /proc it finds nothing. */
export class ProcTable {
  #waiting: Wanted[] = [];
  #looking = false;

  /** Pids of the living (not zombies) that belong to it, never this process. A process of another user shows its session, not its mark. */
  find(remains: Remains): Promise<number[]> {
    const marks = Object.entries(markEnvironment(remains.mark)).map(([name, value]) =>
      Buffer.from(`\0${name}=${value}\0`),
    );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ remains, marks, found: [], resolve });
      if (!this.#looking) this.#look().catch(reject);
    });
  }

  async #look(): Promise<void> {
    this.#looking = true;
    try {
      while (this.#waiting.length > 0) {
        const asked = this.#waiting;
        this.#waiting = [];
        let open = asked;
        for (let looks = 0; looks < LOOKS_MAX && open.length > 0; looks += 1) {
          const sure = await lookFor(open);
          open = sure ? [] : open.filter((one) => one.found.length === 0);
        }
        for (const one of asked) one.resolve(one.found);
      }
    } finally {
      this.#looking = false;
    }
  }
}

/** True when nothing can have slipped through. */
async function lookFor(wanted: readonly Wanted[]): Promise<boolean> {
  let sure = true;
  let looked = 0;
  for (const name of processes()) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    if (!match(pid, wanted)) sure = false;
    looked += 1;
    if (looked % PROCESSES_A_TURN === 0) await setImmediate();
  }
  return sure;
}

/** False when this process could not be judged: it ended meanwhile, or is becoming another program. */
function match(pid: number, wanted: readonly Wanted[]): boolean {
  const stat = readStat(pid);
  if (stat === undefined) return false;
  if (stat.state === 'Z' || (stat.flags & KERNEL_THREAD) !== 0) return true;
  const environ = readOf(pid, 'environ');
  for (const one of wanted) {
    const session = one.remains.session;
    const member = session !== undefined && (stat.session === session || stat.group === session);
    if (member || one.marks.every((mark) => environ.includes(mark))) one.found.push(pid);
  }
  return environ.length > 1;
}

type Stat = { state: string; group: number; session: number; flags: number };

/** Fields 3, 5, 6 and 9 of /proc/PID/stat; the name before them may hold spaces and parentheses. */
function readStat(pid: number): Stat | undefined {
  const text = readOf(pid, 'stat').toString('latin1', 1);
  const [state, , group, session, , , flags] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (state === undefined || flags === undefined) return undefined;
  return { state, group: Number(group), session: Number(session), flags: Number(flags) };
}

/** Resident memory in bytes by session, of those asked for; what they share counts for each. One look, and without /proc nothing. */
export function residentBytes(sessions: ReadonlySet<number>): Map<number, number> {
  const sums = new Map<number, number>();
  for (const name of sessions.size === 0 ? [] : processes()) {
    const pid = Number(name);
    const session = Number.isInteger(pid) ? readStat(pid)?.session : undefined;
    if (session === undefined || !sessions.has(session)) continue;
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readOf(pid, 'status').toString('latin1', 1))?.[1];
    sums.set(session, (sums.get(session) ?? 0) + Number(kib ?? 0) * 1024);
  }
  return sums;
}

function processes(): string[] {
  try {
    return readdirSync('/proc');
  } catch {
    // No /proc, so not Linux: the ladder then reaches the process group only.
    return [];
  }
}

/** Holds one file of /proc at a time. `readFileSync` would make 64 KiB of garbage for each, thousands in a look. */
let held = Buffer.alloc(64 * 1024);

/** Linux lets a program start with 2 MiB of arguments and environment on a stack of 8 MiB. What is beyond is not looked at. */
const FILE_MAX_BYTES = 4 * 1024 * 1024;

/**
 * The file behind one NUL, until the next call. Only that NUL for a process that has ended since the listing, and for the environment of another
 * user's.
 */
function readOf(pid: number, file: 'stat' | 'status' | 'environ'): Buffer {
  let bytes = 1;
  let open: number | undefined;
  try {
    open = openSync(`/proc/${pid}/${file}`, 'r');
    for (let read = 1; read > 0 && bytes < FILE_MAX_BYTES; bytes += read) {
      if (bytes === held.length) held = Buffer.concat([held], 2 * held.length);
      read = readSync(open, held, bytes, held.length - bytes, null);
    }
  } catch {
    return held.subarray(0, 1);
  } finally {
    if (open !== undefined) closeSync(open);
  }
  return held.subarray(0, bytes);
}
