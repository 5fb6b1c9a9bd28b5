/** This machine in place of a cluster: each node is a worker process here. The same directory, mailboxes and verbs, to try everything without Slurm. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { MailboxFollower } from '#runtime/shared-mailbox/follower.ts';
import { mailboxName, outboxRecord } from '../record.ts';
import { freshLaunch, stagedPath, type Staged } from '../staged.ts';
import type { LaunchConfig } from './config.ts';
import { Login } from './login.ts';
import { checkPlace, checkProgram, secondsOf } from './preflight.ts';
import { endOf, hasEnded, leftOf } from './end.ts';
import type { Job, Progress, Provider } from './provider.ts';
import { LaunchRefusal } from './refusal.ts';
import { askedOf, baseOf, programOf, type Wanted } from './script.ts';

/** As Slurm's KillWait: workers end an agent and commit its work within it. */
const STOP_MAX_MS = 30_000;
const LOOK_MS = 100;
const PS_MAX_MS = 60_000;
/** After a walltime's signal. */
const WALLTIME_GRACE_SECONDS = 60;

const recordSchema = z.object({ launch: z.string(), pids: z.array(z.number().int().positive()) });
const run = promisify(execFile);

export class LocalJobs implements Provider {
  readonly id = 'local';
  readonly label = 'this machine';
  readonly backend = 'local';
  readonly #config: LaunchConfig;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #base: string;
  readonly #login: Login;

  constructor(config: LaunchConfig, env: Readonly<Record<string, string | undefined>>) {
    this.#config = config;
    this.#env = env;
    this.#base = baseOf(config);
    this.#login = new Login({ ssh: { login_alias: null } }, env);
  }

  async launch(wanted: Wanted, told: Staged = {}, progress: Progress = () => {}): Promise<string> {
    const { time } = askedOf(this.#config, wanted);
    progress('check', 'the shared directory');
    const looked = { config: this.#config, login: this.#login };
    await checkProgram(looked);
    await checkPlace(looked);
    if (told.continues !== undefined) await this.#isOver(told.continues);
    const launch = freshLaunch();
    const job = `local-${launch}`;
    writeFileSync(stagedPath(this.#base, launch), JSON.stringify(told), { mode: 0o600, flush: true });
    progress('submit', `launch ${launch}`);
    const runs = join(this.#base, 'runs', job);
    mkdirSync(runs, { recursive: true, mode: 0o700 });
    const pids: number[] = [];
    try {
      for (let node = 0; node < wanted.nodes; node += 1) {
        pids.push(await this.#start({ job, node, wanted, launch, seconds: secondsOf(time ?? '') }));
      }
      writeFileSync(join(runs, 'local.json'), JSON.stringify({ launch, pids }), { mode: 0o600, flush: true });
    } catch (cause) {
      for (const pid of pids) signalled(pid, 'SIGTERM');
      throw new LaunchRefusal('no_program', `no worker could be started: ${String(cause)}`, { cause });
    }
    return job;
  }

  async list(): Promise<Job[]> {
    const jobs: Job[] = [];
    // How those that are over ended is not read: there may be many.
    for (const job of this.#names()) if ((await this.#living(job)).length > 0) jobs.push(await this.of(job));
    return jobs.filter(({ state }) => !hasEnded(state));
  }

  async of(job: string): Promise<Job> {
    const record = this.#record(job);
    if (record === undefined) throw new LaunchRefusal('unknown_job', `job ${job} is none of this machine`);
    const nodes = record.pids.length;
    const living = await this.#living(job);
    const state = living.length > 0 ? 'RUNNING' : await this.#endOf(job, nodes);
    const where = living.length > 0 ? `${living.length} processes` : '';
    const left = hasEnded(state) ? await leftOf(this.#login, this.#base, job) : undefined;
    return {
      job,
      state,
      nodes,
      where,
      ...endOf({ job, state, exitCode: '', nodes, where }, left),
      launch: record.launch,
    };
  }

  async stop(job: string): Promise<Job> {
    const known = await this.of(job);
    for (const pid of await this.#living(job)) signalled(pid, 'SIGTERM');
    for (let waitedMs = 0; waitedMs < STOP_MAX_MS; waitedMs += LOOK_MS) {
      if ((await this.#living(job)).length === 0) return known;
      await setTimeout(LOOK_MS);
    }
    for (const pid of await this.#living(job)) signalled(pid, 'SIGKILL');
    return known;
  }

  async #start(o: {
    job: string;
    node: number;
    wanted: Wanted;
    launch: string;
    seconds: number | undefined;
  }): Promise<number> {
    const { job, node, wanted, launch, seconds } = o;
    const limit =
      seconds === undefined
        ? []
        : ['timeout', '--foreground', '--signal=USR2', `--kill-after=${WALLTIME_GRACE_SECONDS}`, String(seconds)];
    const place = ['--base', this.#base, '--job', job, '--node', String(node)];
    const worker = [programOf(this.#config), 'slurm', 'worker', ...place, '--tool', wanted.tool, '--launch', launch];
    const [program = '', ...args] = [...limit, ...worker];
    const [out, err] = ['out', 'err'].map((end) => openSync(join(this.#base, `skep_${job}.${end}`), 'a', 0o600));
    try {
      const ends = seconds === undefined ? {} : { SLURM_JOB_END_TIME: String(Math.floor(Date.now() / 1000) + seconds) };
      const env = { ...this.#env, ...ends, SLURMD_NODENAME: `local${node}` };
      const child = spawn(program, args, { cwd: this.#base, env, detached: true, stdio: ['ignore', out, err] });
      await once(child, 'spawn');
      child.unref();
      if (child.pid === undefined) throw new Error('it has no number');
      return child.pid;
    } finally {
      for (const file of [out, err]) if (file !== undefined) closeSync(file);
    }
  }

  #names(): string[] {
    const runs = join(this.#base, 'runs');
    return existsSync(runs) ? readdirSync(runs).filter((job) => this.#record(job) !== undefined) : [];
  }

  #record(job: string): z.output<typeof recordSchema> | undefined {
    if (!/^local-[0-9a-f]{16}$/.test(job)) return undefined;
    const path = join(this.#base, 'runs', job, 'local.json');
    return existsSync(path) ? recordSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
  }

  /** Numbers of processes are given out again: one counts only while it still names the job. */
  async #living(job: string): Promise<number[]> {
    const { pids } = this.#record(job) ?? { pids: [] };
    const args = await Promise.all(pids.map(argsOf));
    return pids.filter((_, at) => args[at]?.includes(` --job ${job} `) === true);
  }

  /** As each of its workers said at the end; one that said nothing failed. */
  async #endOf(job: string, nodes: number): Promise<string> {
    const reasons = new Set<string>();
    for (let node = 0; node < nodes; node += 1) {
      const follower = new MailboxFollower(join(this.#base, 'mailbox/outbox', mailboxName(job, node)), {
        pollMs: () => 0,
      });
      follower.finish();
      let reason = 'none';
      for await (const line of follower.lines()) {
        const record = line.kind === 'record' ? outboxRecord.safeParse(line.value).data : undefined;
        if (record?.type === 'complete') reason = record.reason ?? 'none';
      }
      reasons.add(reason);
    }
    if (reasons.has('none') || reasons.has('gave_up')) return 'FAILED';
    if (reasons.has('terminated')) return 'CANCELLED';
    return reasons.has('walltime') ? 'TIMEOUT' : 'COMPLETED';
  }

  async #isOver(job: string): Promise<void> {
    if (!hasEnded((await this.of(job)).state)) {
      throw new LaunchRefusal('active', `job ${job} still runs: its agents cannot go on in another one`);
    }
  }
}

/** Empty for a process that is gone. */
async function argsOf(pid: number): Promise<string> {
  if (existsSync('/proc/self/cmdline')) {
    return readFile(`/proc/${pid}/cmdline`, 'utf8').then(
      (text) => text.replaceAll('\0', ' '),
      () => '',
    );
  }
  return run('ps', ['-o', 'args=', '-p', String(pid)], { timeout: PS_MAX_MS }).then(
    ({ stdout }) => `${stdout} `,
    () => '',
  );
}

function signalled(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
