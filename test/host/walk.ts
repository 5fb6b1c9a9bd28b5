/**
 * Two nodes as a user runs them, in two processes of their own, whose every process (nodes, holders, agents and what those started) can be killed at one
 * moment, and which are looked at as a user looks: by the verbs, by HTTP with the token.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { stateDirOf } from '#socket-path.ts';
import { AgentStage } from './agent-stage.ts';
import { NodeProcess } from './process.ts';
import type { Json } from './swarm.ts';
import { asJson, freePort } from './swarm.ts';

const SKEP = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));
const LOOK_MS = 100;
/** A turn of a real CLI on a busy machine, and an attempt that is given up only after its lease. */
const WITHIN_MS = 240_000;
const ANSWER_WITHIN_MS = 60_000;
/** What is killed may have started something in the moment before: looked at again until nothing is left. */
const SWEEPS_MAX = 100;

const listSchema = z.array(z.unknown()).transform((list) => list.map(asJson));

/** What runs: its pid, its parent's, and whether its command line or its environment names one of those directories. */
function processes(directories: readonly string[]): Map<number, { parent: number; isNamed: boolean }> {
  const found = new Map<number, { parent: number; isNamed: boolean }>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const textOf = (file: string): string => {
      try {
        return readFileSync(join('/proc', pid, file), 'latin1');
      } catch {
        // It ended between the look into the directory and this one.
        return '';
      }
    };
    const [, state, parent] = /\) (\S) (\d+)/.exec(textOf('stat')) ?? [];
    if (state === undefined || state === 'Z') continue;
    const texts = [textOf('cmdline'), textOf('environ')];
    const isNamed = directories.some((directory) => texts.some((text) => text.includes(directory)));
    found.set(Number(pid), { parent: Number(parent), isNamed });
  }
  return found;
}

export class WalkNode extends NodeProcess {
  /** By HTTP, with the token of its directory. */
  async rest(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const { dataDir, httpPort } = this.options;
    const token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
    const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return { status: response.status, body: await response.json() };
  }

  async post(path: string, body: unknown): Promise<Json> {
    const answer = await this.rest('POST', path, body);
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return asJson(answer.body);
  }

  async list(path: string): Promise<Json[]> {
    return listSchema.parse((await this.rest('GET', path)).body);
  }

  /** What a verb prints, run as a program at this node. */
  async skep(...words: string[]): Promise<string> {
    const { dataDir, p2pPort } = this.options;
    const argv = [SKEP, ...words, '--data-dir', dataDir, '--p2p-port', `${p2pPort}`];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: WITHIN_MS });
    return stdout;
  }

  async skepList(...words: string[]): Promise<Json[]> {
    return listSchema.parse(JSON.parse(await this.skep(...words, '--json')));
  }

  get blobs(): string {
    return join(stateDirOf(this.options.dataDir, this.options.p2pPort), 'blobs');
  }
}

export class Walk {
  readonly stage: AgentStage;
  readonly one: WalkNode;
  readonly two: WalkNode;
  /** How many processes lived beside the nodes when all of it was killed, by each kill. */
  readonly killed: number[] = [];

  static async open(): Promise<Walk> {
    const stage = await AgentStage.open();
    const dataDir = join(stage.swarm.dir, 'data');
    const ports = [await freePort(), await freePort()] as const;
    const node = async (name: string, at: 0 | 1): Promise<WalkNode> => {
      const seeds = `127.0.0.1:${ports[at === 0 ? 1 : 0]}`;
      return new WalkNode({ name, dataDir, httpPort: await freePort(), p2pPort: ports[at], seeds, shellAgents: 0 });
    };
    return new Walk(stage, await node('one', 0), await node('two', 1));
  }

  private constructor(stage: AgentStage, one: WalkNode, two: WalkNode) {
    this.stage = stage;
    this.one = one;
    this.two = two;
  }

  /** Resolves when each sees the other. */
  async start(): Promise<void> {
    for (const node of [this.one, this.two]) await node.start();
    for (const node of [this.one, this.two])
      await until('the nodes see each other', async () => {
        const nodes = await node.list('/api/swarm/nodes');
        return nodes.filter(({ status }) => status === 'alive' || status === 'self').length === 2 || undefined;
      });
  }

  /** SIGKILL for every process there is, at one moment. Resolves when none lives. */
  async killAll(): Promise<void> {
    const nodes = Promise.all([this.one.kill(), this.two.kill()]);
    this.killed.push(this.alive().length);
    for (let sweeps = 0; ; sweeps++) {
      const left = this.alive();
      if (left.length === 0) break;
      if (sweeps > SWEEPS_MAX) throw new Error(`still alive: ${left.join(', ')}`);
      for (const pid of left) kill(pid);
      await wait(LOOK_MS);
    }
    await nodes;
  }

  /** Every process that belongs to the walk, or descends from one that does; this one and what it descends from do not. */
  alive(): number[] {
    const all = processes([this.stage.swarm.dir, this.stage.home.dir]);
    const isOurs = (pid: number): boolean => {
      for (let at = pid; at > 1 && at !== process.pid; at = all.get(at)?.parent ?? 0)
        if (all.get(at)?.isNamed === true) return true;
      return false;
    };
    return [...all.keys()].filter((pid) => pid !== process.pid && isOurs(pid));
  }

  async close(): Promise<void> {
    await this.killAll();
    await this.stage.close();
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** A tool of skep, by the names that the three have for it. */
export const call = (tool: string, input: Json): Json => ({
  tool: [`mcp__skep__${tool}`, `skep_${tool}`, tool],
  input,
  namespace: 'mcp__skep',
});

/** Looks until there is something; throws, with what was seen last, when it does not come. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined>,
  seen?: () => unknown,
  everyMs = LOOK_MS,
): Promise<T> {
  for (const deadline = AbortSignal.timeout(WITHIN_MS); ; await wait(everyMs)) {
    const found = await look();
    if (found !== undefined) return found;
    if (deadline.aborted)
      throw new Error(`not within ${WITHIN_MS / 1_000} s: ${what}\n${JSON.stringify(await seen?.())}`);
  }
}
