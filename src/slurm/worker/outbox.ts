/** The worker's side of its outbox: the one writer, and what an earlier worker of the same node left in it. */
import { setTimeout } from 'node:timers/promises';
import { MailboxFollower, type MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import { RotatingWriter } from '#runtime/shared-mailbox/rotation.ts';
import { outboxRecord, type Unsent } from '../record.ts';

/** Large enough that a day of deltas is a few files, small enough that a worker that begins again reads one in a moment. */
const ROTATE_BYTES = 64 * 1024 * 1024;

/** A disk that is full is looked at again so often. */
const FULL_DISK_MS = 1_000;

/** What an earlier worker left: `taken` is behind the last record that it gave to its agent, `acknowledged` behind the last one that was done with. */
export type Left = {
  taken: MailboxPosition | undefined;
  acknowledged: MailboxPosition | undefined;
  /** The agent's own name for its conversation. */
  thread: string | undefined;
  /** How often a worker began here. */
  starts: number;
  /** Where the agent worked. */
  cwd: string | undefined;
  /** Processes of a node of the swarm that were started and not told to have ended. */
  processes: ReadonlySet<string>;
  /** All of them, and the commands that were carried out: nothing of it is done again, also where its record is read again. */
  carriedOut: ReadonlySet<string>;
};

export class WorkerOutbox {
  readonly #writer: RotatingWriter;
  readonly #from: { job_id: string; node_id: number; restart: number };
  #refused = 0;

  /** `isLate`: a later worker of that name has begun, whose file it is. */
  constructor(path: string, from: { job: string; node: number; restart: number }, isLate: () => boolean) {
    this.#writer = new RotatingWriter(path, ROTATE_BYTES, () => !isLate());
    this.#from = { job_id: from.job, node_id: from.node, restart: from.restart };
  }

  /** In the file when this returns; or counted, where the disk is full, and told of with the next record that it takes. */
  write(record: Unsent): void {
    try {
      if (this.#refused > 0) this.#append({ type: 'worker_error', error: `${this.#refused} records are not kept` });
      this.#refused = 0;
      this.#append(record);
    } catch {
      this.#refused += 1;
    }
  }

  /** In the file when this resolves, however long the disk is full; false where `signal` was aborted before. */
  async writeFirmly(record: Unsent, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        this.#append(record);
        return true;
      } catch {
        // Aborted while it waits: the loop ends.
        await setTimeout(FULL_DISK_MS, undefined, { signal }).catch(() => {});
      }
    }
    return false;
  }

  #append({ type, ...rest }: Unsent): void {
    this.#writer.append({ type, ...this.#from, ...rest });
  }

  /** Another worker of that name, now late, may have moved the file aside. Never throws. */
  settle(): void {
    try {
      this.#writer.settle();
    } catch {
      // A full disk: looked at again with the next beat.
    }
  }

  close(): void {
    this.#writer.close();
  }
}

/** Reads the outbox from its oldest file on. */
export async function leftIn(path: string): Promise<Left> {
  const processes = new Set<string>();
  const carriedOut = new Set<string>();
  const nothing = { taken: undefined, acknowledged: undefined, thread: undefined, starts: 0, cwd: undefined };
  const left: Left = { ...nothing, processes, carriedOut };
  const follower = new MailboxFollower(path, { pollMs: () => 0 });
  follower.finish();
  for await (const line of follower.lines()) {
    const record = line.kind === 'record' ? outboxRecord.safeParse(line.value).data : undefined;
    // From a worker that did not hear that another one had begun.
    if (record?.restart !== undefined && record.restart < left.starts - 1) continue;
    if (record?.type === 'start') {
      left.starts = (record.restart ?? left.starts) + 1;
      left.cwd = record.cwd ?? left.cwd;
    }
    if (record?.type === 'proc_started') {
      processes.add(record.proc);
      carriedOut.add(record.proc);
    } else if (record?.type === 'exec_done') carriedOut.add(record.exec);
    else if (record?.type === 'proc_exit') processes.delete(record.proc);
    else if (record?.type === 'taken') left.taken = record.inbox;
    else if (record?.type === 'acknowledged') left.acknowledged = record.inbox;
    else if (record?.type === 'worker_event' && record.event === 'thread_started') {
      const { thread_id: thread } = record.payload;
      if (typeof thread === 'string') left.thread = thread;
    }
  }
  return left;
}
