/** The allocations of this user: submitted, looked at, stopped. Only jobs with skep's name are ever named to Slurm. */
import type { LaunchConfig } from './config.ts';
import type { Login } from './login.ts';
import { LaunchRefusal } from './refusal.ts';
import { mailboxName } from '../record.ts';
import { baseOf, JOB_NAME, programOf, scriptOf, type Wanted } from './script.ts';

/** `state` in Slurm's word; `why` in words for people, empty where there is nothing to say. */
export type Job = { job: string; state: string; nodes: number; where: string; why: string };

const ENDS: Readonly<Record<string, string>> = {
  COMPLETED: 'every worker ended as it was told',
  FAILED: 'a worker ended with an error: its outbox and skep_<job>.err say which',
  CANCELLED: 'somebody cancelled it',
  TIMEOUT: 'its walltime was over: each worker left a checkpoint',
  NODE_FAIL: 'a node of it failed',
  PREEMPTED: 'a job of higher rank took its nodes',
  OUT_OF_MEMORY: 'it used more memory than it was given',
  BOOT_FAIL: 'a node could not boot',
};

export class Jobs {
  readonly #config: LaunchConfig;
  readonly #login: Login;

  constructor(config: LaunchConfig, login: Login) {
    this.#config = config;
    this.#login = login;
  }

  /** The number of the job. Each agent is told the prompt first, where there is one. Throws a {@link LaunchRefusal}. */
  async launch(wanted: Wanted, prompt: string | undefined): Promise<string> {
    const script = scriptOf(this.#config, wanted);
    const base = baseOf(this.#config);
    const program = programOf(this.#config);
    await this.#login.run(['test', '-x', program]).catch(() => {
      throw new LaunchRefusal(`there is no program at ${program} (cluster.skep)`);
    });
    await this.#login.run(['mkdir', '-p', '-m', '700', `${base}/mailbox/inbox`, `${base}/mailbox/outbox`]);
    const said = await this.#login.run(['sbatch', '--parsable'], script);
    const job = /^(\d+)(?:;|$)/.exec(said.trim())?.[1];
    if (job === undefined) throw new LaunchRefusal(`sbatch named no job, but said: ${said.trim()}`);
    if (prompt !== undefined) {
      const line = `${JSON.stringify({ type: 'user', content: prompt })}\n`;
      const inboxes = Array.from(
        { length: wanted.nodes },
        (_, node) => `${base}/mailbox/inbox/${mailboxName(job, node)}`,
      );
      await this.#login.run(['tee', '-a', ...inboxes], line);
    }
    return job;
  }

  /** Those that wait or run. */
  async list(): Promise<Job[]> {
    const user = (await this.#login.run(['id', '-un'])).trim();
    const said = await this.#login.run(['squeue', '-h', '-u', user, '-n', JOB_NAME, '-o', '%i|%T|%D|%N|%r']);
    return said.split('\n').flatMap((line) => {
      const [job = '', state = '', nodes = '0', where = '', reason = ''] = line.split('|');
      return job === '' ? [] : [{ job, state, nodes: Number(nodes), where, why: reason === 'None' ? '' : reason }];
    });
  }

  /** One of them, also for some minutes after its end. Throws a {@link LaunchRefusal} for a job that is not known as one of skep's. */
  async of(job: string): Promise<Job> {
    const queued = (await this.list()).find((one) => one.job === job);
    if (queued !== undefined) return queued;
    const user = (await this.#login.run(['id', '-un'])).trim();
    const said = await this.#login.run(['scontrol', 'show', 'job', '-o', job]);
    const field = (name: string): string => new RegExp(String.raw`(?:^|\s)${name}=(\S*)`).exec(said)?.[1] ?? '';
    if (field('JobName') !== JOB_NAME || !field('UserId').startsWith(`${user}(`)) {
      throw new LaunchRefusal(`job ${job} is none of skep's of ${user}`);
    }
    const state = field('JobState');
    const code = field('ExitCode');
    const why = [ENDS[state] ?? '', code === '' || code === '0:0' ? '' : `exit code ${code}`].filter(
      (one) => one !== '',
    );
    return { job, state, nodes: Number(field('NumNodes')), where: field('NodeList'), why: why.join('; ') };
  }

  /** Slurm tells the workers, which leave their checkpoints. A job that is over is left alone. */
  async stop(job: string): Promise<Job> {
    const known = await this.of(job);
    if ((await this.list()).some((one) => one.job === job)) await this.#login.run(['scancel', job]);
    return known;
  }
}
