/** A node as a process of its own, which can be killed and started again with all that is on its disk: for tests of what survives. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer } from '#cli/client.ts';
import { connectSocket } from '#cli/socket-client.ts';
import { socketPath, stateDirOf } from '#socket-path.ts';

/** A start opens the log and binds ports; the machine may be busy. */
const UP_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 20_000;
/** What is told of a node that ended by itself. */
const LAST_LINES = 8;

const SKEP = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));

export type ProcessOptions = {
  name: string;
  dataDir: string;
  httpPort: number;
  p2pPort: number;
  seeds: string;
  shellAgents: number;
  /** What one agent may write to another in a minute; without it as much as a user's. */
  messagesPerMinute?: number;
  /** The configuration of a Slurm cluster whose allocations are agents of it. */
  slurm?: string;
  /** A hub there, open to any key. */
  hubPort?: number;
  /** Silence after which an attempt may be lost; without it as long as a user's. */
  leaseSeconds?: number;
};

export class NodeProcess {
  readonly options: ProcessOptions;
  /** What must not happen: an end that nobody asked for, an alarm in the log. */
  readonly troubles: string[] = [];
  #process: ChildProcess | undefined;
  #lines: string[] = [];

  constructor(options: ProcessOptions) {
    this.options = options;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  /** Of the process that runs. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Resolves when it is up; rejects with its last words when it ends before. */
  async start(): Promise<void> {
    const { name, dataDir, httpPort, p2pPort, seeds, shellAgents, messagesPerMinute, leaseSeconds, hubPort, slurm } =
      this.options;
    const flags = {
      'http-port': httpPort,
      'p2p-port': p2pPort,
      seeds,
      'data-dir': dataDir,
      name,
      'shell-agents': shellAgents,
      ...(messagesPerMinute === undefined ? {} : { 'messages-per-minute': messagesPerMinute }),
      ...(hubPort === undefined ? {} : { 'hub-port': hubPort, 'hub-keys': 'any' }),
      ...(leaseSeconds === undefined ? {} : { 'lease-seconds': leaseSeconds }),
      ...(slurm === undefined ? {} : { slurm }),
    };
    const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const own = Object.entries(process.env).filter(([variable]) => !variable.startsWith('SKEP_'));
    // Over the channel the node says that it is up, and hears when this process is gone.
    const child = spawn(process.execPath, [SKEP, 'swarm', ...argv, '--stop-agents-on-exit'], {
      env: Object.fromEntries(own),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#lines = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => this.#hear(String(bytes)));
    const signal = AbortSignal.timeout(UP_WITHIN_MS);
    const up = await Promise.race([
      once(child, 'message', { signal }).then(() => true),
      once(child, 'exit', { signal }).then(() => false),
    ]);
    if (!up) throw new Error(`${name} did not start: ${this.#lines.join(' | ')}`);
    this.#process = child;
    child.once('exit', (code, killed) => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.troubles.push(`${name} ended (${killed ?? `exit code ${code}`}): ${this.#lines.join(' | ')}`);
    });
  }

  /** SIGKILL for the node alone: its holder and its agents go on. Resolves when it is gone. Idempotent. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Stops it, its holder and its agents. Idempotent. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** SIGKILL for the holder; false when none runs. */
  killHolder(): boolean {
    const pid = this.holderPid();
    if (pid === undefined) return false;
    process.kill(pid, 'SIGKILL');
    return true;
  }

  /** Pid of the holder that runs; undefined while there is none. */
  holderPid(): number | undefined {
    const found = readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && this.#isHolder(pid));
    return found === undefined ? undefined : Number(found);
  }

  /** Resolves with whatever it answers; throws when it does not. */
  async request(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const client = await connectSocket(socketPath(this.#stateDir, 'admin'));
    const timer = setTimeout(() => client.close(), ANSWER_WITHIN_MS);
    try {
      return await client.call({ method, path, body });
    } finally {
      clearTimeout(timer);
      client.close();
    }
  }

  /** The body of a good answer. */
  async get(path: string): Promise<unknown> {
    const { status, body } = await this.request('GET', path);
    if (status !== 200) throw new Error(`${this.options.name}: ${path} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  get #stateDir(): string {
    return stateDirOf(this.options.dataDir, this.options.p2pPort);
  }

  #isHolder(pid: string): boolean {
    try {
      const words = readFileSync(join('/proc', pid, 'cmdline'), 'utf8').split('\0');
      return words.some((word) => word.endsWith('holder-main.ts')) && words.at(-2)?.startsWith(this.#stateDir) === true;
    } catch {
      // It ended between the look into the directory and this one.
      return false;
    }
  }

  #hear(text: string): void {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      this.#lines = [...this.#lines.slice(1 - LAST_LINES), line];
      if (line.startsWith('ALARM')) this.troubles.push(`${this.options.name}: ${line}`);
    }
  }

  async #end(name: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const ended = once(child, 'exit');
    child.kill(name);
    await ended;
  }
}
