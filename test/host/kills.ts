/**
 * Processes of a working swarm are killed at random moments, round by round; afterwards the promises are judged from outside: by what each node
 * answers, and by a file in which the scripts themselves record that they were started.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { canonicalJson } from '#core/canonical.ts';
import { Random } from '#sim/random.ts';
import { NodeProcess } from './process.ts';
import { freePort } from './swarm.ts';

/** Attempts that a kill may cost a task: the most there may be, and more than any task meets, so that each acknowledged one must complete. */
const ATTEMPTS_MAX = 20;
const TASKS_PER_ROUND = 4;
/** Kills fall within so long after the first task of a round was posted: before its claim, in its run, after its end. */
const KILL_WITHIN_MS = 900;
/** A node is killed with so many requests in its hands, which take some milliseconds. */
const ASKED_AT_KILL = 3;
const ASKED_BEFORE_KILL_MS = 12;
/** So long a killed node stays away, at most: now and then the others notice and go on without it. */
const AWAY_MAX_MS = 600;
/** Between two looks at what no event tells of. */
const LOOK_MS = 100;
/** A lease of two minutes may have to end before a lost attempt is given to another. */
const SETTLE_WITHIN_MS = 240_000;

const taskSchema = z.object({
  id: z.string(),
  status: z.string(),
  attempt: z.number(),
  conflicts: z.array(z.number()),
});
const digestSchema = z.object({ digest: z.string(), heads: z.record(z.string(), z.number()) });
const opsSchema = z.array(z.looseObject({ type: z.string(), attempt: z.number().nullish() }));

export type KillsOptions = { rounds: number; seed: number };
export type Tally = {
  acknowledged: number;
  unacknowledged: number;
  nodeKills: number;
  holderKills: number;
  /** Attempts beyond the first of a task: what the kills cost. */
  moreAttempts: number;
};

/** Throws at the first broken promise, with the seed and where logs and data lie. */
export async function runKills({ rounds, seed }: KillsOptions): Promise<Tally> {
  const dir = mkdtempSync(join(tmpdir(), 'skep-kills-'));
  const storm = new Storm(dir, await crew(dir), new Random(seed));
  try {
    for (let round = 0; round < rounds; round++) await storm.round();
    const tally = await storm.judge();
    await storm.end();
    rmSync(dir, { recursive: true, force: true });
    return tally;
  } catch (error) {
    await storm.end();
    throw new Error(`seed ${seed} of the kills, data in ${dir}`, { cause: error });
  }
}

/** An emperor and two workers with two agents each, in one data directory. */
async function crew(dir: string): Promise<NodeProcess[]> {
  const dataDir = join(dir, 'data');
  const mesh = [await freePort(), await freePort(), await freePort()];
  const nodes: NodeProcess[] = [];
  for (const [at, p2pPort] of mesh.entries()) {
    const name = at === 0 ? 'emperor' : `worker-${at}`;
    const seeds = at === 0 ? '' : `127.0.0.1:${mesh[0]}`;
    const shellAgents = at === 0 ? 0 : 2;
    nodes.push(new NodeProcess({ name, dataDir, httpPort: await freePort(), p2pPort, seeds, shellAgents }));
  }
  return nodes;
}

class Storm {
  readonly #dir: string;
  readonly #nodes: readonly NodeProcess[];
  readonly #random: Random;
  readonly #acknowledged: string[] = [];
  #project: string | undefined;
  #made = 0;
  #nodeKills = 0;
  #holderKills = 0;

  constructor(dir: string, nodes: readonly NodeProcess[], random: Random) {
    this.#dir = dir;
    this.#nodes = nodes;
    this.#random = random;
  }

  async round(): Promise<void> {
    await this.#begin();
    await Promise.all([this.#post(), this.#kill()]);
  }

  /** Every acknowledged task is known everywhere and completed, each attempt was started once at most, and all nodes hold the same. */
  async judge(): Promise<Tally> {
    await this.#begin();
    const open = new Set(this.#acknowledged);
    await until(
      'all tasks are completed',
      () => this.#settle(open),
      () => this.#states(open),
    );
    await until(
      'the nodes agree',
      () => this.#agree(),
      () => this.#digests(),
    );
    const moreAttempts = await this.#attempts();
    this.#starts();
    const troubles = this.#nodes.flatMap((node) => node.troubles);
    if (troubles.length > 0) throw new Error(troubles.join('\n'));
    return {
      acknowledged: this.#acknowledged.length,
      unacknowledged: this.#made - this.#acknowledged.length,
      nodeKills: this.#nodeKills,
      holderKills: this.#holderKills,
      moreAttempts,
    };
  }

  async end(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  /** Whoever was killed in the round before is started again. */
  async #begin(): Promise<void> {
    await Promise.all(this.#nodes.filter((node) => !node.isUp).map((node) => node.start()));
    if (this.#project !== undefined) return;
    const origin = join(this.#dir, 'origin');
    mkdirSync(origin);
    writeFileSync(join(origin, 'README.md'), '# kills\n');
    const git = (...args: string[]) => execFileSync('git', ['-C', origin, ...args], { stdio: 'pipe' });
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('-c', 'user.name=kills', '-c', 'user.email=kills@skep.invalid', 'commit', '--quiet', '--message=Begin');
    const answer = await this.#nodes[0]?.request('POST', '/api/swarm/projects', { name: 'kills', origin });
    this.#project = z.object({ id: z.string() }).parse(answer?.body).id;
    // A node that has not heard of it yet would refuse its tasks.
    await until(
      'the nodes agree',
      () => this.#agree(),
      () => this.#digests(),
    );
  }

  async #post(): Promise<void> {
    for (let count = 0; count < TASKS_PER_ROUND; count++) {
      await wait(this.#random.between(0, KILL_WITHIN_MS / TASKS_PER_ROUND));
      const node = this.#random.pick(this.#nodes.filter((each) => each.isUp));
      if (node !== undefined) await this.#postTo(node);
    }
  }

  async #postTo(node: NodeProcess): Promise<void> {
    this.#made += 1;
    try {
      const { status, body } = await node.request('POST', '/api/swarm/tasks', this.#task());
      if (status === 201) this.#acknowledged.push(taskSchema.parse(body).id);
      else if (status < 500) throw new Error(JSON.stringify(body));
    } catch (error) {
      // Whoever was asked was killed in the middle: nothing was acknowledged, whatever was stored.
      if (node.isUp) throw error;
    }
  }

  /** A script that records its start before anything else, and works from nothing to as long as a round. */
  #task(): Record<string, unknown> {
    const file = join(this.#dir, 'starts');
    const seconds = (this.#random.between(0, 8) / 10).toFixed(1);
    const commits = this.#random.chance(0.5);
    const work = commits ? 'echo done >"$SKEP_TASK.txt"; git add -A; git commit --quiet -m Done' : 'echo done';
    return {
      title: `kill ${this.#made}`,
      description: `echo "$SKEP_TASK $SKEP_ATTEMPT" >>'${file}'\nsleep ${seconds}\n${work}\n`,
      required_capabilities: ['shell'],
      attempts_max: ATTEMPTS_MAX,
      ...(commits ? { project: this.#project } : {}),
    };
  }

  async #kill(): Promise<void> {
    const victim = this.#random.pick(this.#nodes);
    const what = this.#random.pick(['node', 'holder', 'both']);
    await wait(this.#random.between(0, KILL_WITHIN_MS));
    if (victim === undefined) return;
    if (what !== 'node' && victim.killHolder()) this.#holderKills += 1;
    if (what === 'holder') return;
    const asked = Array.from({ length: ASKED_AT_KILL }, () => this.#postTo(victim));
    await wait(this.#random.between(0, ASKED_BEFORE_KILL_MS));
    await victim.kill();
    await Promise.all(asked);
    this.#nodeKills += 1;
    await wait(this.#random.between(0, AWAY_MAX_MS));
  }

  /** Removes from `open` what is completed at every node; true when nothing is left. */
  async #settle(open: Set<string>): Promise<boolean> {
    for (const id of open) {
      const seen = await this.#everywhere(id);
      const over = seen.find(({ status }) => status === 'failed' || status === 'cancelled');
      if (over !== undefined) throw new Error(`task ${id} ended as ${over.status}`);
      if (seen.every(({ status }) => status === 'completed')) open.delete(id);
    }
    return open.size === 0;
  }

  #everywhere(id: string) {
    return Promise.all(
      this.#nodes.map(async (node) => {
        const { status, body } = await node.request('GET', `/api/swarm/tasks/${id}`);
        // It may be on its way to this node; the home answers for it in any case.
        return status === 404 ? { status: 'unknown', attempt: 0, conflicts: [] } : taskSchema.parse(body);
      }),
    );
  }

  async #agree(): Promise<boolean> {
    return new Set(await this.#digests()).size === 1;
  }

  #digests(): Promise<string[]> {
    return Promise.all(
      this.#nodes.map(async (node) => {
        const { digest, heads } = digestSchema.parse(await node.get('/api/swarm/digest'));
        return canonicalJson({ digest, heads });
      }),
    );
  }

  async #states(open: ReadonlySet<string>): Promise<string[]> {
    const [first] = open;
    const states = first === undefined ? [] : await this.#everywhere(first);
    return [`${open.size} are not, one of them ${first}`, ...states.map((state) => JSON.stringify(state))];
  }

  /** Judges the ops of each task; resolves with the attempts beyond the first. */
  async #attempts(): Promise<number> {
    let more = 0;
    for (const id of this.#acknowledged) {
      const [task] = await this.#everywhere(id);
      if (task === undefined || task.conflicts.length > 0) throw new Error(`task ${id} has slots decided twice`);
      const ops = opsSchema.parse(await this.#nodes[0]?.get(`/api/swarm/tasks/${id}/timeline`));
      const started = ops.filter(({ type }) => type === 'task.started').map(({ attempt }) => attempt);
      if (new Set(started).size !== started.length) throw new Error(`task ${id}: started ${started.join(', ')}`);
      more += task.attempt - 1;
    }
    return more;
  }

  /** Judges what the scripts themselves recorded. */
  #starts(): void {
    const starts = readFileSync(join(this.#dir, 'starts'), 'utf8').trimEnd().split('\n');
    const twice = starts.filter((line, at) => starts.indexOf(line) !== at);
    if (twice.length > 0) throw new Error(`started more than once: ${twice.join(', ')}`);
    const never = this.#acknowledged.filter((id) => !starts.some((line) => line.startsWith(`${id} `)));
    if (never.length > 0) throw new Error(`completed, but never started: ${never.join(', ')}`);
  }
}

/** Looks until it is so; throws with what was seen when it does not come in {@link SETTLE_WITHIN_MS}. */
async function until(what: string, isSo: () => Promise<boolean>, seen: () => Promise<string[]>): Promise<void> {
  const deadline = AbortSignal.timeout(SETTLE_WITHIN_MS);
  while (!(await isSo())) {
    if (deadline.aborted)
      throw new Error(`not within ${SETTLE_WITHIN_MS / 1000} s: ${what}\n${(await seen()).join('\n')}`);
    await wait(LOOK_MS);
  }
}
