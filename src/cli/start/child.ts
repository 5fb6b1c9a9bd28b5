/** One node as a child process: its log in a file and on the terminal, its word that it is up, and its end. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { WriteStream } from 'node:fs';
import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import { LineBuffer } from '../json-lines.ts';
import { printableLine } from '../text.ts';
import type { NodePlan } from './plan.ts';

/** What is told of a node that died. */
const LAST_LINES = 12;
/** A log above this becomes `….log.old` at the next start: two of them are kept, and no more. */
const LOG_MAX_BYTES = 8 * 1024 * 1024;
/** A line of a log above this is no line of a log. */
const LINE_MAX_BYTES = 1024 * 1024;
/** A node that was asked to stop has this long: it waits for its commit, says goodbye, and stops its agents. */
const STOP_WITHIN_MS = 20_000;

/** How a child ended, for a person: `exit code 1`, `signal SIGKILL`. */
export type Ended = { name: string; how: string; lines: readonly string[] };

export type ChildOptions = {
  plan: NodePlan;
  /** Program and script that understand the plan's command line. */
  command: readonly [string, ...string[]];
  env: Record<string, string | undefined>;
  onLine: (line: string) => void;
};

export class Child {
  readonly plan: NodePlan;
  /** Resolves when the node says that it is up; rejects with an {@link Error} when it ends before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #log: WriteStream;
  #over = false;

  constructor({ plan, command, env, onLine }: ChildOptions) {
    this.plan = plan;
    this.#log = openLog(plan.logFile);
    const [program, ...script] = command;
    // A group of its own: Ctrl-C at the terminal reaches the supervisor alone, which then stops the nodes in order.
    this.#process = spawn(program, [...script, ...plan.argv], {
      detached: true,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      const buffer = new LineBuffer(LINE_MAX_BYTES);
      stream?.on('data', (bytes: Buffer) => {
        for (const line of buffer.push(bytes)) this.#take(line, onLine);
      });
    }
    const up = Promise.withResolvers<void>();
    this.#process.once('message', () => up.resolve());
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#over = true;
        this.#log.end();
        resolve({ name: plan.name, how, lines: this.#lines });
      };
      this.#process.once('error', (error) => end(error.message));
      this.#process.once('close', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    this.ready = Promise.race([up.promise, this.ended.then((ended) => Promise.reject(new Error(ended.how)))]);
    // Whoever waits for it hears of it; when nobody does, the end is told all the same.
    this.ready.catch(() => undefined);
  }

  /** Asks it to stop, and kills it when it does not. Resolves when it has ended. Idempotent. */
  async stop(): Promise<void> {
    if (this.#over) return;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), STOP_WITHIN_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it and all of its group at once. */
  kill(): void {
    if (this.#over || this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, 'SIGKILL');
    } catch (error) {
      // It ended this very moment: that is what was wanted.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }

  #take(line: string, onLine: (line: string) => void): void {
    this.#log.write(`${line}\n`);
    const shown = printableLine(line);
    if (shown === '') return;
    this.#lines.push(shown);
    if (this.#lines.length > LAST_LINES) this.#lines.shift();
    onLine(shown);
  }
}

function openLog(path: string): WriteStream {
  if (existsSync(path) && statSync(path).size > LOG_MAX_BYTES) renameSync(path, `${path}.old`);
  return createWriteStream(path, { flags: 'a', mode: 0o600 });
}
