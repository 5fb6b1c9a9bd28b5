/** Looks through /proc for the processes that belong to one of ours, also those that left its group and session. */
import { readdirSync, readFileSync } from 'node:fs';
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
        const wanted = this.#waiting;
        this.#waiting = [];
        await lookFor(wanted);
        for (const one of wanted) one.resolve(one.found);
      }
    } finally {
      this.#looking = false;
    }
  }
}

async function lookFor(wanted: readonly Wanted[]): Promise<void> {
  let looked = 0;
  for (const name of processes()) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const stat = readStat(pid);
    if (stat !== undefined && stat.state !== 'Z') match(pid, stat, wanted);
    looked += 1;
    if (looked % PROCESSES_A_TURN === 0) await setImmediate();
  }
}

function match(pid: number, stat: Stat, wanted: readonly Wanted[]): void {
  const environ = readOf(pid, 'environ');
  const bytes = Buffer.concat([Buffer.from('\0'), environ ?? Buffer.alloc(0)]);
  for (const one of wanted) {
    const session = one.remains.session;
    const member = session !== undefined && (stat.session === session || stat.group === session);
    if (member || one.marks.every((mark) => bytes.includes(mark))) one.found.push(pid);
  }
}

type Stat = { state: string; group: number; session: number };

/** Fields 3, 5 and 6 of /proc/PID/stat; the name before them may hold spaces and parentheses. */
function readStat(pid: number): Stat | undefined {
  const text = readOf(pid, 'stat')?.toString('latin1');
  if (text === undefined) return undefined;
  const [state, , group, session] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return state === undefined ? undefined : { state, group: Number(group), session: Number(session) };
}

function processes(): string[] {
  try {
    return readdirSync('/proc');
  } catch {
    // No /proc, so not Linux: the ladder then reaches the process group only.
    return [];
  }
}

function readOf(pid: number, file: 'stat' | 'environ'): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    // Ended since the listing, or another user's.
    return undefined;
  }
}
