/** A real Slurm of a test's own: slurmctld, munged and some slurmd on this machine, as root or as an ordinary user. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const UP = fileURLToPath(new URL('up.sh', import.meta.url));

/** One command of Slurm, or the cluster's start, on a machine that is busy with something else. */
const COMMAND_MAX_MS = 60_000;
/** Between two looks at a state of Slurm, which tells nobody of a change. */
const LOOK_MS = 200;
const LOOKS_MAX = 600;

/** Ports of clusters: between those of the swarms of other tests and those that the system gives away; room for sixteen nodes each. */
const PORTS = { first: 30_000, each: 20, count: 130 };
const TRIES = 50;
let next = process.pid;

type User = { name: string; uid: number; gid: number };
type Options = { nodes?: number; user?: string; more?: string; boundsMemory?: boolean; hasAccounts?: boolean };

export class SlurmCluster {
  readonly dir: string;
  /** What clients and daemons need of the environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly #ids: { uid: number; gid: number } | undefined;
  #runs = 0;

  /** `user`: an ordinary one, whom only root can become. `more`: lines of slurm.conf. `boundsMemory`: the kernel does, which takes root. `hasAccounts`: by slurmdbd; who is in none launches nothing. */
  static async up({
    nodes = 4,
    user,
    more = '',
    boundsMemory = false,
    hasAccounts = false,
  }: Options = {}): Promise<SlurmCluster> {
    const cluster = new SlurmCluster(user === undefined ? undefined : userOf(user));
    try {
      const first = await freePorts(nodes + 2);
      const argv = [cluster.dir, String(nodes), String(first)];
      await cluster.run('bash', [UP, ...argv], {
        SLURM_EXTRA: more,
        SLURM_TASK: boundsMemory ? 'task/cgroup' : 'task/none',
        SLURM_DBD_PORT: hasAccounts ? String(first + nodes + 1) : '',
      });
      return cluster;
    } catch (error) {
      await cluster.down();
      throw error;
    }
  }

  private constructor(user: User | undefined) {
    this.dir = realpathSync(mkdtempSync(join(tmpdir(), 'sk-sl-')));
    if (user !== undefined) chownSync(this.dir, user.uid, user.gid);
    this.#ids = user === undefined ? undefined : { uid: user.uid, gid: user.gid };
    const temporary = join(this.dir, 'tmp');
    mkdirSync(temporary);
    chmodSync(temporary, 0o1777);
    this.env = {
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
      HOME: this.dir,
      USER: user?.name ?? userInfo().username,
      LANG: 'C.UTF-8',
      TMPDIR: temporary,
      SLURM_CONF: join(this.dir, 'etc/slurm.conf'),
    };
  }

  /** What it printed; throws with its words where it fails. */
  async run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const file = join(this.dir, `said-${(this.#runs += 1)}`);
    const done = await execa(program, args, {
      env: { ...this.env, ...env },
      extendEnv: false,
      cwd: this.dir,
      timeout: COMMAND_MAX_MS,
      ...this.#ids,
      // Daemons keep what they were started with: nobody waits for the end of that.
      stdio: ['ignore', { file }, { file }],
      reject: false,
    });
    const said = readFileSync(file, 'utf8');
    rmSync(file);
    if (done.exitCode !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.shortMessage}\n${said}`);
    return said;
  }

  /** Waits for what `what` prints, bounded. */
  async until(what: readonly [string, ...string[]], fits: (said: string) => boolean): Promise<string> {
    let said = '';
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      said = await this.run(what[0], what.slice(1));
      if (fits(said)) return said;
      await setTimeout(LOOK_MS);
    }
    throw new Error(`${what.join(' ')} still says: ${said}`);
  }

  /** The state of a job, in Slurm's word. */
  async untilState(job: string, state: string): Promise<void> {
    await this.until(['scontrol', 'show', 'job', '-o', job], (said) => said.includes(`JobState=${state} `));
  }

  /** Slurm holds back what it requeues for two minutes, and begins to count them anew while nodes of the earlier run are tidied up: told until it starts. */
  async startNow(job: string): Promise<void> {
    const show = ['scontrol', 'show', 'job', '-o', job] as const;
    const isPending = (said: string): boolean => said.includes('JobState=PENDING ');
    await this.until(show, isPending);
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      // Refused where it has just started.
      await this.run('scontrol', ['update', `jobid=${job}`, 'StartTime=now']).catch(() => {});
      await setTimeout(LOOK_MS);
      if (!isPending(await this.run(show[0], show.slice(1)))) return;
    }
    throw new Error(`job ${job} does not start`);
  }

  /** Processes of its jobs: those that carry a job's number in their environment. */
  async untilNoProcess(job: string): Promise<void> {
    let left: number[] = [];
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      left = this.processes((one) => one.environment.includes(`SLURM_JOB_ID=${job}`));
      if (left.length === 0) return;
      await setTimeout(LOOK_MS);
    }
    throw new Error(`processes of job ${job} are left: ${left.join(', ')}`);
  }

  processes(fits: (one: ProcessLook) => boolean = () => true): number[] {
    const isOurs = (one: ProcessLook): boolean =>
      one.argv.some((word) => word.includes(`${this.dir}/`)) ||
      one.environment.includes(`SLURM_CONF=${this.env['SLURM_CONF']}`);
    return lookedAt()
      .filter((one) => one.pid !== process.pid && isOurs(one) && fits(one))
      .map(({ pid }) => pid);
  }

  /** Ends every process that names this cluster, and throws its state away. Idempotent. */
  async down(): Promise<void> {
    // Killed again: what is being started by one that is killed shows up in the next look.
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      const left = this.processes();
      if (left.length === 0) {
        rmSync(this.dir, { recursive: true, force: true });
        return;
      }
      for (const pid of left) killed(pid);
      await setTimeout(LOOK_MS);
    }
    throw new Error(`processes of ${this.dir} do not end: ${this.processes().join(', ')}`);
  }
}

type ProcessLook = { pid: number; argv: string[]; environment: string[] };

/** Processes that live: a dead one that nobody has waited for yet is none. */
function lookedAt(): ProcessLook[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const words = (file: string): string[] => readFileSync(`/proc/${name}/${file}`, 'utf8').split('\0');
      if (/^State:\s[ZX]/m.test(readFileSync(`/proc/${name}/status`, 'utf8'))) return [];
      return [{ pid: Number(name), argv: words('cmdline'), environment: words('environ') }];
    } catch {
      // Gone between the two looks, or somebody else's.
      return [];
    }
  });
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function userOf(name: string): User {
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, name], { encoding: 'utf8', timeout: COMMAND_MAX_MS }));
  return { name, uid: id('-u'), gid: id('-g') };
}

/** The first of so many that nobody listens at. */
async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    next += 1;
    const first = PORTS.first + (next % PORTS.count) * PORTS.each;
    const free = await Promise.all(Array.from({ length: count }, (_, at) => isFree(first + at)));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports for a cluster');
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });
}
