/** A worker's beat, by which others know that it lives, and by which it knows itself whether another one has its name now. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

/** Who looks at it takes a worker for gone after several of them; one a second would be the file system's largest user. */
const HEARTBEAT_MS = 5_000;

const heartbeat = z.looseObject({ job_id: z.string(), restart: z.number().int() });
type Beat = { job_id: string; node_id: number; worker_type: string; restart: number };

export type HeartbeatOptions = {
  path: string;
  beat: Beat;
  nowMs: () => number;
  /** A later worker of that name has begun; told with each beat that is not made for it. */
  late: () => void;
  /** Told after each beat. */
  beaten: () => void;
};

export class Heartbeat {
  readonly #o: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(o: HeartbeatOptions) {
    this.#o = o;
  }

  /** Beats now, and every few seconds until it is closed. */
  start(): void {
    this.#beat();
    this.#timer = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /** The node was cut off, while its job was given to others: this worker is to touch nothing any more. */
  get isLate(): boolean {
    return restartIn(this.#o.path) > this.#o.beat.restart;
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const { path, beat, nowMs, late, beaten } = this.#o;
    if (this.isLate) return late();
    try {
      writeFileSync(`${path}.new`, JSON.stringify({ timestamp: nowMs() / 1_000, pid: process.pid, ...beat }));
      renameSync(`${path}.new`, path);
    } catch {
      // A full disk: the beat that is missing says so to whoever looks.
    }
    beaten();
  }
}

/** Which worker of that name wrote it; -1 where none did. */
function restartIn(path: string): number {
  try {
    return heartbeat.parse(JSON.parse(readFileSync(path, 'utf8'))).restart;
  } catch {
    // None yet; or a disk that was full.
    return -1;
  }
}
