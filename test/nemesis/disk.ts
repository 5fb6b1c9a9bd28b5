/** The disk of a node of the lab: one of its own that can be filled, and waits of any that can be made long. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './lab.ts';
import { ENV } from './lab.ts';

/** Waits of the disk can be made long on this machine. */
export const canSlowDisks = (): boolean => globSync('/usr/bin/strace').length > 0;

export class Disk {
  readonly #host: Host;
  readonly #path: string;
  readonly #slowLog: string;
  #tracer: ChildProcess | undefined;

  /** `path` is where it lies on the host; `slowLog` is a file of ours for what the tracer says. */
  constructor(o: { host: Host; path: string; slowLog: string }) {
    this.#host = o.host;
    this.#path = o.path;
    this.#slowLog = o.slowLog;
  }

  /** Puts a disk of that size in the place of the directory, for this host only. */
  async mount(sizeMiB: number): Promise<void> {
    await this.#host.run(['mount', '-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=700`, 'tmpfs', this.#path]);
  }

  /** No byte more fits on it. */
  async fill(): Promise<void> {
    await this.#host.run(['sh', '-c', 'cat /dev/zero >"$1" 2>/dev/null; true', 'sh', join(this.#path, 'filler')]);
  }

  isFull(): boolean {
    return statfsSync(this.#host.outside(this.#path)).bfree === 0;
  }

  free(): void {
    rmSync(this.#host.outside(join(this.#path, 'filler')), { force: true });
  }

  /** Each fsync of that process takes so much longer, until {@link quicken}. */
  slow(pid: number, delayMs: number): void {
    if (this.#tracer !== undefined) return;
    rmSync(this.#slowLog, { force: true });
    const calls = 'fsync,fdatasync';
    const inject = `inject=${calls}:delay_enter=${delayMs * 1000}`;
    const args = ['strace', '-f', '-qq', '-o', this.#slowLog, '-e', `trace=${calls}`, '-e', inject, '-p', String(pid)];
    this.#tracer = spawn(ENV, args, { stdio: 'ignore' });
  }

  /** How often was waited since {@link slow}. */
  slowedSyncs(): number {
    return readFileSync(this.#slowLog, { encoding: 'latin1', flag: 'a+' }).split('(DELAYED)').length - 1;
  }

  async quicken(): Promise<void> {
    const tracer = this.#tracer;
    this.#tracer = undefined;
    if (tracer === undefined || tracer.exitCode !== null || tracer.signalCode !== null) return;
    const ended = once(tracer, 'exit');
    tracer.kill('SIGTERM');
    await ended;
  }
}
