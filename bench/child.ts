/** Processes that a bench starts: each in a process group of its own, each ended when the bench is. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Asked to end, a process gets so long before it is killed. */
const GRACE_MS = 5_000;
/** Ticks a second in `/proc/PID/stat`: the same on every Linux that node runs on. */
const TICKS = 100;
/** Kept of what a process said, for the message when it fails. */
const SAID_MAX_LINES = 20;

export type ChildSpec = {
  name: string;
  argv: readonly [string, ...string[]];
  /** Takes what it says on standard error, in place of this process: a busy log must not cost the bench a reader. */
  logFile?: string;
};

export class Child {
  readonly pid: number;
  /** Resolves with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  private readonly spec: ChildSpec;
  private readonly child: ChildProcess;
  private readonly said: string[] = [];
  private readonly listeners = new Set<(line: string) => void>();

  constructor(spec: ChildSpec) {
    const [command, ...args] = spec.argv;
    this.spec = spec;
    const log = spec.logFile === undefined ? 'pipe' : openSync(spec.logFile, 'a', 0o600);
    this.child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', log] });
    if (typeof log === 'number') closeSync(log);
    this.exited = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', resolve);
    });
    // Whoever waits sees the rejection; nobody has to.
    this.exited.catch(() => undefined);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.hear(line));
    }
    this.pid = this.child.pid ?? 0;
  }

  /** The first line that `find` makes something of. Rejects when the process ends before, or after `withinMs`. */
  async line<T>(find: (line: string) => T | undefined, withinMs: number): Promise<T> {
    const found = Promise.withResolvers<T>();
    const hear = (line: string): void => {
      const value = find(line);
      if (value !== undefined) found.resolve(value);
    };
    this.said.forEach(hear);
    this.listeners.add(hear);
    const timer = setTimeout(() => found.reject(this.failure(`said nothing in ${withinMs} ms`)), withinMs);
    const ended = this.exited.then((code) => Promise.reject(this.failure(`ended (${code})`)));
    try {
      return await Promise.race([found.promise, ended]);
    } finally {
      clearTimeout(timer);
      this.listeners.delete(hear);
    }
  }

  /** Processor time used so far, all threads, in microseconds; steps of 10 ms. */
  cpuUs(): number {
    return cpuUsSoFar(this.pid);
  }

  /** The same from the scheduler's own account, in nanoseconds. */
  cpuNs(): number {
    const tasks = readdirSync(`/proc/${this.pid}/task`);
    const spent = tasks.map((task) => readFileSync(`/proc/${this.pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    return spent.reduce((sum, ns) => sum + Number(ns), 0);
  }

  /** Ends the whole group: ask, wait, kill. Idempotent. */
  async stop(): Promise<void> {
    if (this.pid === 0) return;
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), GRACE_MS);
    await this.exited.catch(() => undefined);
    clearTimeout(timer);
    this.signal('SIGKILL');
  }

  private signal(name: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, name);
    } catch (error) {
      // The group has ended already.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }

  private hear(line: string): void {
    this.said.push(line);
    if (this.said.length > SAID_MAX_LINES) this.said.shift();
    for (const listener of this.listeners) listener(line);
  }

  private failure(what: string): Error {
    const { name, logFile } = this.spec;
    const logged = logFile === undefined ? [] : readFileSync(logFile, 'utf8').split('\n').slice(-SAID_MAX_LINES);
    return new Error(`${name} ${what}:\n${[...this.said, ...logged].join('\n')}`);
  }
}

/** Processor time of a process so far, all threads, in microseconds; steps of 10 ms. */
export function cpuUsSoFar(pid: number): number {
  const fields = statFields(pid);
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6;
}

/** The same of it and of all its children that ended and were waited for. */
export function familyCpuUs(pid: number): number {
  const fields = statFields(pid);
  return ((Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])) / TICKS) * 1e6;
}

/** Fields of `/proc/PID/stat` after the name, which may hold spaces: `[0]` is the state. */
export function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** A line that is a JSON object, else undefined. */
export function jsonLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
