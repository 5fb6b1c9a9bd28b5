/** One real node on a host of the lab: `bin/skep swarm` as a process, its admin socket, its log, and all that may happen to it. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { WriteStream } from 'node:fs';
import { createWriteStream, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer, NodeEvent } from '#cli/client.ts';
import { NodeGone } from '#cli/client.ts';
import { socketPath, stateDirOf } from '#socket-path.ts';
import { Disk } from './disk.ts';
import type { Host } from './lab.ts';
import { signal } from './lab.ts';
import { askSocket, followSocket } from './admin-socket.ts';

const P2P_PORT = 7101;
/** A node folds its log anew at most, and binds ports; the machine may be busy. */
const UP_WITHIN_MS = 180_000;
/** A node that is asked to stop waits for its commit, says goodbye, and ends its agents. */
const STOP_WITHIN_MS = 60_000;
/** What is told of a node that ended by itself. */
const LAST_LINES = 6;

const SKEP = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));
const FAKETIME = globSync('/usr/lib/*/faketime/libfaketime.so.1')[0];

/** Wall clocks can be made to jump on this machine. */
export const canSkewClocks = (): boolean => FAKETIME !== undefined;

export type LabNodeOptions = {
  host: Host;
  name: string;
  /** Logs and data lie in here. */
  dir: string;
  seeds: readonly string[];
  /** The cluster secret. */
  secret: string;
  agents: number;
  leaseSeconds: number;
  /** Where its mesh listens; without it at the address of its host. */
  bind?: string;
  /** Its wall clock can jump. */
  hasClock?: boolean;
  /** Its data lies on a disk of its own of this size, which can be filled. */
  diskMiB?: number;
  /** It ended, and nobody had asked it to. */
  onDeath: (how: string) => void;
  onAlarm: (line: string) => void;
  /** Each line that it says. */
  onLine?: ((line: string) => void) | undefined;
};

export class LabNode {
  readonly name: string;
  readonly host: Host;
  readonly disk: Disk;
  /** From the first start on. */
  id = '';
  readonly #o: LabNodeOptions;
  readonly #dataDir: string;
  readonly #log: WriteStream;
  #lines: string[] = [];
  #process: ChildProcess | undefined;
  /** Its end is wanted. */
  #ending = false;

  constructor(o: LabNodeOptions) {
    this.#o = o;
    this.name = o.name;
    this.host = o.host;
    this.#dataDir = join(o.dir, o.name);
    this.disk = new Disk({ host: o.host, path: this.#dataDir, slowLog: join(o.dir, `${o.name}.slow`) });
    this.#log = createWriteStream(join(o.dir, `${o.name}.log`), { flags: 'a' });
    mkdirSync(this.#dataDir, { recursive: true, mode: 0o700 });
    this.setClock('+0');
  }

  /** Once, before the first start. */
  async open(): Promise<void> {
    if (this.#o.diskMiB !== undefined) await this.disk.mount(this.#o.diskMiB);
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  get hasClock(): boolean {
    return this.#o.hasClock === true && canSkewClocks();
  }

  get hasDisk(): boolean {
    return this.#o.diskMiB !== undefined;
  }

  /** Resolves when it is up; rejects with its last words when it ends before. Nothing happens when it runs. */
  async start(): Promise<void> {
    if (this.#process !== undefined) return;
    const [program, args] = this.host.enter([process.execPath, SKEP, ...this.#argv()]);
    // The channel makes the node stop when this process is gone.
    const child = spawn(program, args, { env: this.#environment(), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#process = child;
    this.#ending = false;
    this.#lines = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => this.#hear(String(bytes)));
    child.once('exit', (code, name) => this.#ended(child, name ?? `exit code ${code}`));
    const timeout = AbortSignal.timeout(UP_WITHIN_MS);
    const up = await Promise.race([
      once(child, 'message', { signal: timeout }).then(() => true),
      once(child, 'exit', { signal: timeout }).then(() => false),
    ]);
    if (!up) throw new Error(`${this.name} did not start: ${this.#lines.join(' | ')}`);
    const status = await this.get('/api/swarm/status');
    this.id = typeof status === 'object' && status !== null && 'node_id' in status ? String(status.node_id) : '';
  }

  /** SIGKILL; its holder and agents go on. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** The machine loses power: node, holder and agents are gone. */
  async crash(): Promise<void> {
    this.#ending = true;
    await this.host.killAll();
    await this.#end('SIGKILL');
  }

  /** SIGTERM, as an operator does; its agents are ended with it. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** The process is not run for a while, as under SIGSTOP or in a machine that is moved. */
  pause(): void {
    if (this.#process?.pid !== undefined) signal(this.#process.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.#process?.pid !== undefined) signal(this.#process.pid, 'SIGCONT');
  }

  /** Pid of the node's process; undefined while it is down. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Pid of the holder that runs; undefined while there is none. */
  holderPid(): number | undefined {
    return this.host.pids().find((pid) => readOf(pid, 'cmdline').includes('holder-main'));
  }

  /** Signals the holder; false when none runs. */
  signalHolder(name: NodeJS.Signals): boolean {
    const pid = this.holderPid();
    return pid !== undefined && signal(pid, name);
  }

  /** An agent's process, or something that one left behind, runs on this machine. */
  hasWork(): boolean {
    return this.host.pids().some((pid) => readOf(pid, 'environ').includes('\0SKEP_PROC='));
  }

  /** Each fsync of the node takes so much longer, until `disk.quicken`. */
  slowDisk(delayMs: number): void {
    if (this.pid !== undefined) this.disk.slow(this.pid, delayMs);
  }

  /** `+3600s`, `-1d`: how far its wall clock is off from now on. */
  setClock(offset: string): void {
    writeFileSync(this.#clockFile(), `${offset}\n`);
  }

  /** Runs a verb of the command line on this machine, about the directory of this node; resolves with what it prints. */
  skep(verb: string, ...args: readonly string[]): Promise<string> {
    const where = [`--data-dir=${this.#dataDir}`, `--p2p-port=${P2P_PORT}`];
    return this.host.run([process.execPath, SKEP, verb, ...args, ...where]);
  }

  /** Resolves with whatever it answers. Throws {@link NodeGone} when it does not answer in time: whether it did what was asked is then unknown. */
  async request(method: 'GET' | 'POST', path: string, body?: unknown, withinMs?: number): Promise<Answer> {
    if (this.#process === undefined) throw new NodeGone(this.name, 'it is down');
    return askSocket(this.#socket(), { method, path, body, withinMs });
  }

  /** The body of a good answer. */
  async get(path: string, withinMs?: number): Promise<unknown> {
    const { status, body } = await this.request('GET', path, undefined, withinMs);
    if (status !== 200) throw new Error(`${this.name}: ${path} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** Its events from a snapshot on. Throws {@link NodeGone} when it goes away. */
  events(until: AbortSignal): AsyncIterable<NodeEvent> {
    return followSocket(this.#socket(), until);
  }

  close(): void {
    this.#log.end();
  }

  #argv(): string[] {
    const { seeds, name, agents, leaseSeconds } = this.#o;
    const flags = {
      'http-port': 9090,
      'p2p-port': P2P_PORT,
      bind: this.#o.bind ?? this.host.address,
      'http-bind': '127.0.0.1',
      seeds: seeds.join(','),
      'data-dir': this.#dataDir,
      name,
      'shell-agents': agents,
      'lease-seconds': leaseSeconds,
    };
    return ['swarm', ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`), '--stop-agents-on-exit'];
  }

  #environment(): NodeJS.ProcessEnv {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('SKEP_'));
    const clock = {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: this.#clockFile(),
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    return { ...Object.fromEntries(own), SKEP_SECRET: this.#o.secret, ...(this.hasClock ? clock : {}) };
  }

  #clockFile(): string {
    return join(this.#o.dir, `${this.name}.clock`);
  }

  #socket(): string {
    return this.host.outside(socketPath(stateDirOf(this.#dataDir, P2P_PORT), 'admin'));
  }

  #hear(text: string): void {
    this.#log.write(text);
    for (const line of text.split('\n')) {
      if (line === '') continue;
      this.#lines = [...this.#lines.slice(1 - LAST_LINES), line];
      if (line.startsWith('ALARM')) this.#o.onAlarm(line);
      this.#o.onLine?.(line);
    }
  }

  #ended(child: ChildProcess, how: string): void {
    this.#log.write(`--- ended: ${how}\n`);
    if (this.#process === child) this.#process = undefined;
    if (!this.#ending) this.#o.onDeath(`${how}: ${this.#lines.join(' | ')}`);
  }

  async #end(name: NodeJS.Signals): Promise<void> {
    this.#ending = true;
    await this.disk.quicken();
    const child = this.#process;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill(name);
    // A stopped process hears nothing but SIGKILL.
    if (name !== 'SIGKILL') child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  }
}

function readOf(pid: number, file: 'cmdline' | 'environ'): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/${file}`, 'latin1')}`;
  } catch {
    // Ended since the listing.
    return '';
  }
}
