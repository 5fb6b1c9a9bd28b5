/**
 * One storm on real processes: five nodes, people who create, cancel and merge, faults one after the other; then all is healed, the swarm gets
 * its time, and the whole history is judged. One seed draws one sequence of faults and requests; when they meet is real time's choice.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '#sim/random.ts';
import type { Merged } from './check.ts';
import { checkAll } from './check.ts';
import { Client } from './client.ts';
import type { Fault } from './faults.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import { LabSwarm, until } from './lab-swarm.ts';
import type { LabNode } from './node.ts';
import { allIdle, checkDelivered, finaleOf, follow, openTasks, weigh } from './observer.ts';
import { agreement, digestAt, marksIn } from './tasks.ts';

/** Above one heartbeat of 15 s, and short enough that work is lost and done again within one storm. */
const LEASE_SECONDS = 20;
/** At once; with more, hardly anything would ever be connected. */
const FAULTS_MAX = 3;
const GAP_MAX_MS = 4_000;
/** What is known anywhere when all is healed is known everywhere after this. */
const AGREE_WITHIN_MS = 45_000;
/** Leases end, work that was lost is done again, whoever waited gets its turn. */
const SETTLE_WITHIN_MS = 240_000;
/** Worktrees are cleaned, agents free, after the last end. */
const REST_WITHIN_MS = 60_000;
const DISK_MIB = 192;
const GIT_HOST = 6;
const CLIENTS = 3;

export type StormOptions = {
  seed: number;
  stormMs: number;
  /** Leave the directory also after a good run. */
  keep?: boolean;
  say: (line: string) => void;
};

export type StormReport = {
  seed: number;
  violations: string[];
  counts: Record<string, number>;
  /** Faults that cannot be had on this machine, with the reason. */
  missing: string[];
  kinds: string[];
  /** Names of the nodes; each has its log in `dir`. */
  nodes: string[];
  droppedFrames: number;
  tasks: Record<string, number>;
  starts: number;
  /** Tasks that took more than one attempt. */
  further: number;
  late: number;
  /** From the moment all was healed until every node knew all that any had known then, and until every task was over. */
  agreedAfterMs: number | undefined;
  settledAfterMs: number | undefined;
  dir: string;
};

/** Runs a storm to its end. Its directory stays when something was broken. */
export async function runStorm(o: StormOptions): Promise<StormReport> {
  const random = new Random(o.seed);
  const broken: { history?: History; faults?: Faults } = {};
  const swarm = await LabSwarm.open({
    nodes: [{}, { hasClock: true }, { agents: 2 }, { hasClock: true }, { diskMiB: DISK_MIB }],
    otherHosts: 1,
    leaseSeconds: LEASE_SECONDS,
    // Both kinds of machine: those whose administrator shortened this, and those where nobody did.
    retries: (host) => (host % 2 === 0 ? 5 : undefined),
    onDeath: (node, how) => {
      if (broken.faults?.mayDie(node) !== true) broken.history?.broken(`always/runs-on: ${node.name} ended: ${how}`);
    },
    onAlarm: (node, line) => broken.history?.broken(`always/no-alarm: ${node.name}: ${line}`),
  });
  const storm = new Storm(swarm, random, o);
  broken.history = storm.history;
  broken.faults = storm.faults;
  try {
    return await storm.run();
  } finally {
    storm.history.close();
    await swarm.close({ keep: o.keep === true || storm.history.violations.size > 0 || !storm.isOver });
  }
}

class Storm {
  readonly history: History;
  readonly faults: Faults;
  isOver = false;
  readonly #swarm: LabSwarm;
  readonly #random: Random;
  readonly #o: StormOptions;
  readonly #marks: string;
  readonly #active = new Set<{ kind: string; fault: Fault; undone: Promise<void>; hurry: AbortController }>();
  readonly #times: { agreedAfterMs?: number; settledAfterMs?: number } = {};

  constructor(swarm: LabSwarm, random: Random, o: StormOptions) {
    this.#swarm = swarm;
    this.#random = random.fork();
    this.#o = o;
    this.#marks = join(swarm.dir, 'marks');
    this.history = new History(join(swarm.dir, 'history.jsonl'));
    this.faults = new Faults(swarm, random.fork());
  }

  async run(): Promise<StormReport> {
    const { nodes } = this.#swarm;
    await this.#swarm.linked();
    const projects = await this.#makeProjects();
    const looking = new AbortController();
    const following = nodes.flatMap((node) => [
      follow(node, this.history, looking.signal),
      weigh(node, this.history, looking.signal),
    ]);
    const over = AbortSignal.timeout(this.#o.stormMs);
    const client = new Client({
      nodes,
      history: this.history,
      random: this.#random.fork(),
      marks: this.#marks,
      projects,
    });
    // One that waits for a stopped node must not leave the others without work.
    const people = Array.from({ length: CLIENTS }, () => client.create(over));
    await Promise.all([...people, client.merge(over), this.#shake(over)]);
    await this.#heal();
    await this.#settle();
    const merged = projects.map((project) => this.#branchOf(project));
    const finales = [];
    for (const node of nodes) finales.push(await finaleOf(node, this.history));
    await checkDelivered(nodes, finales[0]?.tasks.values() ?? [], this.history);
    looking.abort();
    await Promise.all(following);
    const marks = marksIn(this.#marks);
    checkAll({ history: this.history, finales, marks, merged });
    const report = await this.#report(
      [...(finales[0]?.tasks.values() ?? [])],
      marks.filter(({ what }) => what === 'start'),
    );
    this.isOver = true;
    return report;
  }

  /** A repository in a folder of the first node, which alone can push to it, and one behind a server, to which every node pushes itself. */
  async #makeProjects(): Promise<string[]> {
    const { dir, lab } = this.#swarm;
    const base = join(dir, 'git');
    mkdirSync(base);
    const git = (cwd: string, ...args: string[]): void => void execFileSync('git', args, { cwd, stdio: 'pipe' });
    const folder = join(base, 'folder');
    git(base, 'init', '-q', '-b', 'main', folder);
    writeFileSync(join(folder, 'README.md'), '# nemesis\n');
    git(folder, 'config', 'user.name', 'Nemesis');
    git(folder, 'config', 'user.email', 'nemesis@example.org');
    git(folder, 'add', '.');
    git(folder, 'commit', '-qm', 'Begin');
    git(folder, 'checkout', '-q', '-b', 'side');
    git(base, 'clone', '-q', '--bare', '-b', 'main', folder, join(base, 'server'));
    const host = lab.host(GIT_HOST);
    const where = [`--base-path=${base}`, `--listen=${host.address}`];
    host.spawn(['git', 'daemon', '--export-all', '--enable=receive-pack', '--reuseaddr', ...where, base]);
    const first = this.#swarm.node(1);
    for (const [name, origin] of [
      ['folder', folder],
      ['server', `git://${host.address}/server`],
    ] as const) {
      const { status, body } = await first.request('POST', '/api/swarm/projects', { name, origin, base: 'main' });
      if (status !== 201) throw new Error(`no project ${name}: ${JSON.stringify(body)}`);
    }
    return ['folder', 'server'];
  }

  #branchOf(project: string): Merged {
    const cwd = join(this.#swarm.dir, 'git', project);
    const listed = execFileSync('git', ['ls-tree', '--name-only', 'main'], { cwd, encoding: 'utf8' });
    return { project, files: listed.split('\n') };
  }

  async #shake(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await sleep(this.#random.between(500, GAP_MAX_MS));
      if (this.#active.size >= FAULTS_MAX) continue;
      const begun = await this.faults.begin();
      if (begun === undefined) continue;
      const { kind, fault } = begun;
      this.history.count(`fault: ${kind}`);
      this.#say(`${kind}: ${fault.what}, for ${(fault.lastsMs / 1000).toFixed(1)} s`);
      const hurry = new AbortController();
      const one = { kind, fault, hurry, undone: this.#undoAfter({ kind, fault, hurry }) };
      this.#active.add(one);
      void one.undone.then(() => this.#active.delete(one));
    }
  }

  async #undoAfter({ kind, fault, hurry }: { kind: string; fault: Fault; hurry: AbortController }): Promise<void> {
    await sleep(fault.lastsMs, undefined, { signal: hurry.signal }).catch(() => undefined);
    try {
      const bit = await fault.bit();
      if (bit) this.history.count(`bit: ${kind}`);
      await fault.undo();
      this.history.note('undone', { kind, what: fault.what, bit });
    } catch (error) {
      this.history.broken(`always/comes-back: ${kind}, ${fault.what}: ${String(error)}`);
    }
  }

  /** Every fault is undone, every node runs. */
  async #heal(): Promise<void> {
    for (const { hurry } of this.#active) hurry.abort();
    await Promise.all([...this.#active].map(({ undone }) => undone));
    for (const node of this.#swarm.nodes) await node.start();
    this.#say('healed');
  }

  async #settle(): Promise<void> {
    const { nodes } = this.#swarm;
    const wanted = new Map<string, number>();
    for (const node of nodes) {
      for (const [author, seq] of Object.entries((await digestAt(node)).heads))
        wanted.set(author, Math.max(seq, wanted.get(author) ?? 0));
    }
    const knowsAll = async (node: LabNode): Promise<boolean> => {
      const { heads } = await digestAt(node);
      return [...wanted].every(([author, seq]) => (heads[author] ?? 0) >= seq);
    };
    const every = async (isSo: (node: LabNode) => Promise<boolean>): Promise<boolean> =>
      (await Promise.all(nodes.map(isSo))).every(Boolean);
    const sinceMs = performance.now();
    this.#times.agreedAfterMs = await this.#within('finally/agreement', AGREE_WITHIN_MS, () => every(knowsAll));
    await this.#within('eventually/ended', SETTLE_WITHIN_MS, () =>
      every(async (node) => (await openTasks(node)) === 0),
    );
    this.#times.settledAfterMs = performance.now() - sinceMs;
    await this.#within('eventually/agents-free', REST_WITHIN_MS, () => every(allIdle));
    await this.#within('eventually/nobody-runs', REST_WITHIN_MS, async () => nodes.every((node) => !node.hasWork()));
    try {
      await agreement(nodes, AGREE_WITHIN_MS);
    } catch (error) {
      this.history.broken(`finally/same-views: ${String(error)}`);
    }
    this.#say('settled');
  }

  async #within(rule: string, withinMs: number, look: () => Promise<boolean>): Promise<number> {
    try {
      return await until(rule, withinMs, look);
    } catch (error) {
      this.history.broken(`${rule}: ${String(error)}`);
      return Number.NaN;
    }
  }

  async #report(
    tasks: readonly { status: string; reports: { late: boolean }[]; attempt: number }[],
    starts: readonly unknown[],
  ) {
    const { history, faults } = this;
    const statuses: Record<string, number> = {};
    for (const { status } of tasks) statuses[status] = (statuses[status] ?? 0) + 1;
    return {
      seed: this.#o.seed,
      violations: [...history.violations],
      counts: Object.fromEntries([...history.counts].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      missing: faults.missing,
      kinds: faults.kinds,
      nodes: this.#swarm.nodes.map(({ name }) => name),
      droppedFrames: await this.#swarm.lab.dropped(),
      tasks: statuses,
      starts: starts.length,
      further: tasks.filter((task) => task.attempt > 1).length,
      late: tasks.filter((task) => task.reports.some((report) => report.late)).length,
      agreedAfterMs: this.#times.agreedAfterMs,
      settledAfterMs: this.#times.settledAfterMs,
      dir: this.#swarm.dir,
    };
  }

  #say(line: string): void {
    this.history.note(line);
    this.#o.say(`${this.history.seconds.toFixed(1).padStart(7)} s  ${line}`);
  }
}
