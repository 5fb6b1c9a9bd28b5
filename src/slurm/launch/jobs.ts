/** The allocations of this user: submitted, looked at, stopped. Only jobs with skep's name are ever named to Slurm. */
import { freshLaunch, stagedPath, type Staged } from '../staged.ts';
import type { LaunchConfig } from './config.ts';
import { jobsIn } from './history.ts';
import type { Login } from './login.ts';
import { checkAgent, checkPlace, checkProgram, checkSlurm, namingAccount } from './preflight.ts';
import { endOf, hasEnded, leftOf, waitOf } from './end.ts';
import type { Job, Progress, Provider } from './provider.ts';
import { LaunchRefusal } from './refusal.ts';
import { askedOf, baseOf, COMMENT, JOB_NAME, scriptOf, type Wanted } from './script.ts';

/** Whole or not at all. */
const STAGE = 'umask 077 && cat > "$1.new" && mv "$1.new" "$1"';

export class Jobs implements Provider {
  readonly id = 'slurm';
  readonly label = 'Slurm';
  readonly backend = 'slurm';
  readonly #config: LaunchConfig;
  readonly #login: Login;
  #user: string | undefined;

  constructor(config: LaunchConfig, login: Login) {
    this.#config = config;
    this.#login = login;
  }

  async #check(wanted: Wanted, progress: Progress): Promise<void> {
    const looked = {
      config: this.#config,
      login: this.#login,
      wanted,
      asked: askedOf(this.#config, wanted),
      progress,
    };
    progress('check', 'the program');
    // By itself: it makes the connection that the others share.
    await checkProgram(looked);
    progress('check', 'the shared directory, the partition, what Slurm says of the script, and the agent');
    const checks = await Promise.allSettled([
      checkPlace(looked),
      checkSlurm(looked, scriptOf(this.#config, wanted, freshLaunch())),
      checkAgent(looked),
    ]);
    // In this order, whichever was first to find what is wrong.
    for (const one of checks) if (one.status === 'rejected') throw one.reason;
  }

  async launch(wanted: Wanted, told: Staged = {}, progress: Progress = () => {}): Promise<string> {
    const launch = freshLaunch();
    const script = scriptOf(this.#config, wanted, launch);
    await this.#check(wanted, progress);
    if (told.continues !== undefined) await this.#isOver(told.continues);
    const staged = stagedPath(baseOf(this.#config), launch);
    await this.#login.run(['sh', '-c', STAGE, 'sh', staged], { input: JSON.stringify(told) });
    progress('submit', `launch ${launch}`);
    try {
      const said = (await this.#login.run(['sbatch', '--parsable'], { input: script, repeatable: false })).trim();
      const job = /^(\d+)(?:;|$)/m.exec(said)?.[1];
      if (job !== undefined) return job;
      throw new LaunchRefusal('unsure', `sbatch named no job, but said: ${said}`);
    } catch (error) {
      // Only what was cut off may have been submitted; what Slurm refused was not.
      if (error instanceof LaunchRefusal && isCut(error)) return this.#adopted({ launch, staged, error, progress });
      await this.#unstage(staged);
      throw namingAccount(error, askedOf(this.#config, wanted));
    }
  }

  async list(): Promise<Job[]> {
    const said = await this.#login.run([
      'squeue',
      '-h',
      '-u',
      await this.#me(),
      '-n',
      JOB_NAME,
      '-o',
      '%i|%T|%D|%N|%r|%k',
    ]);
    return said.split('\n').flatMap((line) => {
      const [job = '', state = '', nodes = '0', where = '', reason = '', comment = ''] = line.split('|');
      return job === ''
        ? []
        : [{ job, state, nodes: Number(nodes), where, why: waitOf(reason), next: '', launch: launchIn(comment) }];
    });
  }

  async of(job: string): Promise<Job> {
    const queued = (await this.list()).find((one) => one.job === job);
    if (queued !== undefined) return queued;
    if (!/^\d{1,20}$/.test(job)) throw new LaunchRefusal('unknown_job', `expected the number of a job, got ${job}`);
    const user = await this.#me();
    // Slurm itself forgets a job some minutes after its end; its accounting, where a site has one, does not.
    const known =
      (await this.#shown(job)) ?? (await this.#accounted(job)).find((one) => one.job === job && one.user === user);
    if (known === undefined || known.name !== JOB_NAME || known.user !== user) {
      throw new LaunchRefusal('unknown_job', `job ${job} is none of skep's of ${user}`);
    }
    const { state, exitCode, nodes, where, comment } = known;
    const left = hasEnded(state) ? await leftOf(this.#login, baseOf(this.#config), job) : undefined;
    return {
      job,
      state,
      nodes,
      where,
      ...endOf({ job, state, exitCode, nodes, where }, left),
      launch: launchIn(comment),
    };
  }

  async stop(job: string): Promise<Job> {
    const known = await this.of(job);
    if ((await this.list()).some((one) => one.job === job)) await this.#login.run(['scancel', job]);
    return known;
  }

  async #isOver(job: string): Promise<void> {
    if ((await this.list()).some((one) => one.job === job)) {
      throw new LaunchRefusal('active', `job ${job} still waits or runs: its agents cannot go on in another one`);
    }
  }

  /** The job of a launch whose answer was lost. */
  async #adopted(o: { launch: string; staged: string; error: LaunchRefusal; progress: Progress }): Promise<string> {
    const { launch, progress } = o;
    const { code, message: why } = o.error;
    let jobs: Job[];
    try {
      jobs = await this.list();
    } catch {
      throw new LaunchRefusal(
        'unsure',
        `${why}; whether launch ${launch} was submitted could not be asked: skep slurm status tells, and stop ends it`,
      );
    }
    const job = jobs.find((one) => one.launch === launch)?.job;
    if (job === undefined) {
      await this.#unstage(o.staged);
      throw new LaunchRefusal(code === 'unsure' ? 'slurm' : code, `${why}; nothing was submitted`);
    }
    progress('adopted', `the answer was lost, but job ${job} is there`);
    return job;
  }

  /** Nobody will take it: what agents were to be told does not stay. A login node that is gone keeps it. */
  async #unstage(staged: string): Promise<void> {
    await this.#login.run(['rm', '-f', staged, `${staged}.new`]).catch(() => {});
  }

  async #shown(job: string): Promise<Known | undefined> {
    let said: string;
    try {
      said = await this.#login.run(['scontrol', 'show', 'job', '-o', job]);
    } catch (error) {
      if (error instanceof LaunchRefusal && /invalid job id/i.test(error.message)) return undefined;
      throw error;
    }
    const field = (name: string): string => new RegExp(String.raw`(?:^|\s)${name}=(\S*)`).exec(said)?.[1] ?? '';
    return {
      job,
      name: field('JobName'),
      user: field('UserId').replace(/\(.*$/, ''),
      state: field('JobState'),
      exitCode: field('ExitCode'),
      nodes: Number(field('NumNodes').replace(/-.*$/, '')),
      where: field('NodeList'),
      comment: field('Comment'),
    };
  }

  async #accounted(job: string): Promise<Known[]> {
    try {
      return jobsIn(await this.#login.run(['sacct', '--json', '-j', job]));
    } catch (error) {
      // A site without accounting: nobody knows the job any more.
      if (error instanceof LaunchRefusal && error.code !== 'no_ssh') return [];
      throw error;
    }
  }

  async #me(): Promise<string> {
    this.#user ??= (await this.#login.run(['id', '-un'])).trim();
    return this.#user;
  }
}

type Known = ReturnType<typeof jobsIn>[number];

const isCut = ({ code, message }: LaunchRefusal): boolean =>
  code === 'no_ssh' || code === 'unsure' || message.includes(' no answer within ');

const launchIn = (comment: string): string => (comment.startsWith(COMMENT) ? comment.slice(COMMENT.length) : '');
