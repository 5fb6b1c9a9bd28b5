/** Routers over a shared directory: in this process, or as processes of their own; and clients of their doors. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JsonLines } from '#runtime/json-lines.ts';
import { readConfig } from '#slurm/launch/config.ts';
import { serveRouter, type ServedRouter } from '#slurm/router/serve.ts';
import { soon } from '../../contract/runtime.ts';

const SKEP = fileURLToPath(new URL('../../../bin/skep.mjs', import.meta.url));
export const PROGRAM = fileURLToPath(new URL('../../../bin/skep', import.meta.url));

export type Told = { event: string; data: Record<string, unknown> };

/** A shared directory, its configuration, and commands that stand for Slurm: job 7 runs on one node until it is cancelled. */
export class Site {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-router-')));
  readonly base = join(this.root, 'fleet');
  readonly #bin = join(this.root, 'bin');
  readonly #closers: (() => Promise<unknown> | void)[] = [];

  constructor() {
    for (const box of ['inbox', 'outbox']) mkdirSync(join(this.base, 'mailbox', box), { recursive: true });
    mkdirSync(this.#bin);
    this.command('sbatch', '[ "$1" = --test-only ] || { cat > "$SITE/script"; touch "$SITE/runs"; echo 7; }');
    this.command('squeue', '[ -e "$SITE/runs" ] && echo "7|RUNNING|1|n1|None"; exit 0');
    this.command(
      'scontrol',
      'echo "JobId=7 JobName=skep-slurm UserId=ada(1) JobState=CANCELLED NumNodes=1 PartitionName=main Default=YES State=UP TotalNodes=9"',
    );
    this.command('codex', 'echo "Logged in"');
    this.command('scancel', 'rm "$SITE/runs"');
    this.command('id', 'echo ada');
  }

  get env(): Record<string, string> {
    return { PATH: `${this.#bin}:${dirname(process.execPath)}:/usr/bin:/bin`, SITE: this.root, HOME: this.root };
  }

  command(name: string, script: string): void {
    const path = join(this.#bin, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  /** By default the shared file system is here. */
  config(ssh: object = { login_alias: null }): string {
    const path = join(this.root, 'fleet.json');
    const cluster = { workspace_root: this.root, cluster_subdir: 'fleet', skep: PROGRAM };
    writeFileSync(path, JSON.stringify({ ssh, cluster }));
    return path;
  }

  outbox(name: string): string {
    return join(this.base, 'mailbox/outbox', `${name}.jsonl`);
  }

  /** Records, or text as it is. */
  write(name: string, ...records: (object | string)[]): void {
    const lines = records.map((one) => (typeof one === 'string' ? one : `${JSON.stringify(one)}\n`));
    appendFileSync(this.outbox(name), lines.join(''));
  }

  inbox(name: string): Record<string, unknown>[] {
    const text = readFileSync(join(this.base, 'mailbox/inbox', `${name}.jsonl`), 'utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  }

  /** In this process. */
  async serve(o: { port?: number } = {}): Promise<{ served: ServedRouter; events: Stream; log: string[] }> {
    const events = new Stream();
    const log: string[] = [];
    const served = await serveRouter({
      config: readConfig(this.config()),
      env: this.env,
      directory: join(this.root, 'state'),
      port: o.port ?? 0,
      nowMs: Date.now,
      print: async (text) => {
        for (const line of text.split('\n')) if (line !== '') events.take(JSON.parse(line));
      },
      log: (line) => log.push(line),
    });
    this.#closers.push(() => served.close());
    return { served, events, log };
  }

  /** As a process that can be killed. */
  spawn(config = this.config()): RouterProcess {
    const router = new RouterProcess(config, join(this.root, 'state'), this.env);
    this.#closers.push(() => router.kill());
    return router;
  }

  client(port: number, hello: 'token' | 'nothing' = 'token'): Client {
    const client = new Client(port);
    this.#closers.push(() => client.close());
    if (hello === 'token') client.say({ type: 'auth', token: this.token });
    return client;
  }

  /** Processes that this one started and that run. */
  childrenOf(pid: number | undefined): number[] {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  }

  get token(): string {
    return readFileSync(join(this.root, 'state/token'), 'utf8').trim();
  }

  async remove(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** What was told, in order, and whoever waits for it. */
export class Stream {
  readonly seen: Told[] = [];
  #wake: (() => void)[] = [];
  #ended = false;

  take(told: Told): void {
    this.seen.push(told);
    for (const wake of this.#wake.splice(0)) wake();
  }

  end(): void {
    this.#ended = true;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** The first that fits, of all that were told. */
  until(what: string, fits: (told: Told) => boolean): Promise<Told> {
    return soon(what, this.#until(what, fits));
  }

  event(name: string, fits: (data: Record<string, unknown>) => boolean = () => true): Promise<Told> {
    return this.until(name, ({ event, data }) => event === name && fits(data));
  }

  /** Contents of deltas so far, each with a mark where it may have been told before. */
  deltas(): string[] {
    return this.seen.flatMap(({ event, data }) =>
      event === 'assistant_delta' ? [`${String(data['content'])}${data['redelivered'] === true ? '*' : ''}`] : [],
    );
  }

  async #until(what: string, fits: (told: Told) => boolean): Promise<Told> {
    for (;;) {
      const found = this.seen.find(fits);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`the stream ended before: ${what}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }
}

export class RouterProcess {
  readonly events = new Stream();
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  readonly #said = new Stream();

  constructor(config: string, state: string, env: Record<string, string>) {
    const args = [SKEP, 'slurm', 'router', '--config', config, '--state-dir', state, '--port', '0'];
    this.child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(this.child, 'close');
    const lines = new JsonLines();
    this.child.stdout?.on('data', (chunk: Buffer) => {
      for (const line of lines.feed(chunk)) if (line.kind === 'record') this.events.take(toldIn(line.value));
    });
    let text = '';
    this.child.stderr?.on('data', (chunk: Buffer) => {
      const parts = `${text}${chunk.toString()}`.split('\n');
      text = parts.pop() ?? '';
      for (const part of parts) this.#said.take({ event: part, data: {} });
    });
  }

  /** A line of its standard error with those words. */
  async says(words: string): Promise<string> {
    return (await this.#said.until(words, ({ event }) => event.includes(words))).event;
  }

  get said(): string[] {
    return this.#said.seen.map(({ event }) => event);
  }

  async port(): Promise<number> {
    return Number(/127\.0\.0\.1:(\d+)/.exec(await this.says('door: '))?.[1]);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#ended;
    this.events.end();
  }
}

export class Client {
  readonly events = new Stream();
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  /** As they came, and as they were sent. */
  readonly lines: string[] = [];
  readonly sent: string[] = [];
  #count = 0;

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    const lines = new JsonLines(64 * 1024 * 1024);
    this.socket.on('data', (chunk) => {
      for (const line of lines.feed(Buffer.from(chunk))) {
        if (line.kind !== 'record') continue;
        this.lines.push(JSON.stringify(line.value));
        this.events.take(toldIn(line.value));
      }
    });
    void this.closed.then(() => this.events.end());
  }

  say(value: object | string): void {
    if (typeof value !== 'string') this.sent.push(JSON.stringify(value));
    this.socket.write(typeof value === 'string' ? value : `${JSON.stringify(value)}\n`);
  }

  /** Its name. */
  send(command: string, payload: object = {}): string {
    this.#count += 1;
    const request = `r${this.#count}`;
    this.say({ protocol: 'codeswarm.router.v1', type: 'command', command, request_id: request, payload });
    return request;
  }

  /** Sends it and waits for an answer of one of those names, or a rejection. */
  ask(command: string, payload: object, ...ends: string[]): Promise<Told> {
    const request = this.send(command, payload);
    const isEnd = ({ event, data }: Told): boolean =>
      data['request_id'] === request && [...ends, 'command_rejected'].includes(event);
    return this.events.until(`the answer to ${command}`, isEnd);
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

function toldIn(value: unknown): Told {
  if (typeof value !== 'object' || value === null || !('event' in value) || !('data' in value))
    throw new Error('no event');
  const { event, data } = value;
  return { event: String(event), data: typeof data === 'object' && data !== null ? { ...data } : {} };
}
