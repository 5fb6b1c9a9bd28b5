/** A small real swarm for tests: nodes in this process, on free ports of loopback, in a temporary directory that is removed afterwards. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode } from '#host.ts';
import type { NodeOptions, RunningNode } from '#host-options.ts';

/** A real CLI beside a whole test run on two cores takes half a minute for what it does in three seconds alone: four times that is in vain. */
const WAIT_MS = 120_000;
/** The newest lines of the nodes' logs that are told by whoever waited in vain. */
const LOG_TOLD = 60;

/**
 * Below the ports that the system gives to outgoing connections: one of those could be taken by anybody between this look and the listener. Each
 * process begins elsewhere.
 */
const PORTS = { first: 10_000, count: 20_000, apart: 89 } as const;
const PORT_TRIES = 1_000;
let lastPort = (process.pid * PORTS.apart) % PORTS.count;

/** A port of loopback on which nobody listens, and which this process does not give out again soon. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    lastPort = (lastPort + 1) % PORTS.count;
    const port = PORTS.first + lastPort;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => void server.close(resolve));
    if (isFree) return port;
  }
  throw new Error('no free port');
}

export type Json = Record<string, unknown>;

/** What was waited for did not come. */
export class InVain extends Error {}

export class Member {
  readonly options: NodeOptions;
  running: RunningNode;
  private readonly token: string;
  private readonly log: readonly string[];

  constructor(options: NodeOptions, running: RunningNode, log: readonly string[]) {
    this.options = options;
    this.running = running;
    this.log = log;
    this.token = readFileSync(join(options.dataDir, 'token'), 'utf8').trim();
  }

  async request(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.running.httpUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(WAIT_MS),
    });
    return { status: response.status, body: await response.json() };
  }

  async get(path: string): Promise<Json> {
    return asJson((await this.request('GET', path)).body);
  }

  async list(path: string): Promise<Json[]> {
    const { body } = await this.request('GET', path);
    if (!Array.isArray(body)) throw new Error(`${path} answered no list: ${JSON.stringify(body)}`);
    return body.map(asJson);
  }

  async post(path: string, body: unknown): Promise<Json> {
    const answer = await this.request('POST', path, body);
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return asJson(answer.body);
  }

  /** Follows the event stream until `found` says so; each event is a reason to look, nothing is polled. Rejects with {@link InVain} after two minutes. */
  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    try {
      return await this.follow(look);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error;
      throw new InVain(await this.standing(), { cause: error });
    }
  }

  private async follow<T>(look: () => Promise<T | undefined>): Promise<T> {
    const response = await fetch(`${this.running.httpUrl}/api/events`, {
      headers: { authorization: `Bearer ${this.token}` },
      signal: AbortSignal.timeout(WAIT_MS),
    });
    if (response.body === null) throw new Error('no event stream');
    for await (const _piece of response.body) {
      const found = await look();
      if (found !== undefined) return found;
    }
    throw new Error('the event stream ended');
  }

  /** What it sees of agents and tasks, for whoever waited in vain. */
  private async standing(): Promise<string> {
    const agents = (await this.list('/api/swarm/agents')).map(
      (one) => `${String(one['name'])} ${String(one['status'])}`,
    );
    const tasks = await this.list('/api/swarm/tasks');
    const stories = await Promise.all(tasks.map((one) => this.story(String(one['id']))));
    const told = tasks.map((one, n) => `${String(one['status'])} (${String(one['progress'])})\n${stories[n] ?? ''}`);
    const waited = `waited ${WAIT_MS / 1000} s in vain; agents: ${agents.join(', ')}`;
    return [waited, ...told, ...this.log.slice(-LOG_TOLD)].join('\n');
  }

  task(id: string): Promise<Json> {
    return this.get(`/api/swarm/tasks/${id}`);
  }

  /** What happened to it, a line each: who claimed it, who got it, how each attempt ended and why. For the message of a test that fails. */
  async story(id: string): Promise<string> {
    const ops = await this.list(`/api/swarm/tasks/${id}/timeline`);
    return ops.map((op) => `${String(op['at'])} ${String(op['type'])}: ${String(op['summary'])}`).join('\n');
  }

  ended(id: string): Promise<Json> {
    return this.until(async () => {
      const task = await this.task(id);
      return ['completed', 'failed', 'cancelled'].includes(String(task['status'])) ? task : undefined;
    });
  }

  async restart(): Promise<void> {
    await this.running.close();
    this.running = await startNode(this.options);
  }
}

export class TestSwarm {
  readonly dir = mkdtempSync(join(tmpdir(), 'skep-swarm-'));
  readonly members: Member[] = [];
  readonly log: string[] = [];

  /** The first is the emperor, without agents; the others seed to it. */
  async add(o: Partial<NodeOptions> = {}): Promise<Member> {
    const p2pPort = await freePort();
    const first = this.members[0];
    const options: NodeOptions = {
      dataDir: join(this.dir, 'data'),
      httpPort: await freePort(),
      p2pPort,
      discoveryPort: 0,
      seeds: first === undefined ? [] : [`127.0.0.1:${first.options.p2pPort}`],
      role: first === undefined ? 'emperor' : 'worker',
      bind: undefined,
      httpBind: '127.0.0.1',
      name: `node-${this.members.length}`,
      log: (line) => void this.log.push(`node-${this.members.length}: ${line}`),
      ...o,
    };
    const member = new Member(options, await startNode(options), this.log);
    this.members.push(member);
    return member;
  }

  /** Resolves when every member is linked with all others. */
  async linked(): Promise<void> {
    for (const member of this.members) await this.linkedWith(member, this.members.length);
  }

  /** Resolves when `member` sees so many nodes, itself included. */
  async linkedWith(member: Member, count: number): Promise<void> {
    await member.until(async () => {
      const nodes = await member.list('/api/swarm/nodes');
      const alive = nodes.filter((node) => node['status'] === 'alive' || node['status'] === 'self');
      return alive.length === count ? true : undefined;
    });
  }

  /** A repository with one commit on `main`, checked out at `side`, so that nobody has `main` checked out. */
  repository(name: string): string {
    const path = join(this.dir, name);
    const git = (...args: string[]): void => void execFileSync('git', args, { cwd: path, stdio: 'pipe' });
    execFileSync('git', ['init', '-q', '-b', 'main', path]);
    git('config', 'user.name', 'Test');
    git('config', 'user.email', 'test@example.org');
    writeFileSync(join(path, 'README.md'), '# demo\n');
    git('add', '.');
    git('commit', '-qm', 'Begin');
    git('checkout', '-q', '-b', 'side');
    return path;
  }

  async close(): Promise<void> {
    for (const member of this.members.toReversed()) await member.running.stopHolder();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function asJson(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`no object: ${JSON.stringify(value)}`);
  return Object.fromEntries(Object.entries(value));
}
