/** Where Slurm's commands run: this machine, or a login node by ssh. */
import { mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import type { LaunchConfig } from './config.ts';
import { LaunchRefusal, type RefusalCode } from './refusal.ts';

/** Clients of Slurm hang for minutes where its controller is gone. */
const COMMAND_MAX_MS = 60_000;
/** What carries much over a slow line. */
export const CARRY_MAX_MS = 30 * 60_000;

/** ssh's own: no program ran, or nobody heard how it ended. */
const SSH_FAILED = 255;
/** A connection that is refused for a moment: a login node that is busy, a network that changes. What is no such text stays as it is. */
const PASSING =
  /timed out|connection (?:reset|refused|closed)|network is unreachable|no route to host|broken pipe|kex_exchange_identification|temporarily unavailable|could not resolve hostname|name or service not known/i;
const RETRY = { attempts: 4, delaySeconds: 1.5 };

/** For the shell of the login node: ssh joins what it is given with spaces. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

export type CommandOptions = {
  input?: string;
  /** Its bytes are the command's input. */
  inputFile?: string;
  maxMs?: number;
  /** False: what it did may stand although nobody heard of it, so that it is not done again. */
  repeatable?: boolean;
};

export class Login {
  readonly #ssh: readonly string[] | undefined;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #retry: typeof RETRY;

  constructor({ ssh }: Pick<LaunchConfig, 'ssh'>, env: Readonly<Record<string, string | undefined>>) {
    const file = ssh.config_file === undefined ? [] : ['-F', ssh.config_file];
    const options = ['-o', 'BatchMode=yes', ...(ssh.login_alias === null ? [] : sharing(ssh.controlpersist_minutes))];
    this.#ssh = ssh.login_alias === null ? undefined : ['ssh', ...file, ...options, ssh.login_alias, '--'];
    this.#env = env;
    this.#retry = {
      attempts: ssh.retry_attempts ?? RETRY.attempts,
      delaySeconds: ssh.retry_delay_seconds ?? RETRY.delaySeconds,
    };
  }

  /** What it printed. Throws a {@link LaunchRefusal} with its own words where it fails, is missing, or says nothing for a minute. */
  async run(argv: readonly [string, ...string[]], o: CommandOptions = {}): Promise<string> {
    const attempts = this.#ssh === undefined || o.repeatable === false ? 1 : this.#retry.attempts;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(argv, o);
      } catch (error) {
        const passes = error instanceof LaunchRefusal && error.code === 'no_ssh' && PASSING.test(error.message);
        if (!passes || attempt >= attempts) throw error;
        await setTimeout(attempt * this.#retry.delaySeconds * 1_000);
      }
    }
  }

  async #once(argv: readonly [string, ...string[]], o: CommandOptions): Promise<string> {
    const [program = '', ...args] = this.#ssh === undefined ? argv : [...this.#ssh, argv.map(quoted).join(' ')];
    const maxMs = o.maxMs ?? COMMAND_MAX_MS;
    const done = await execa(program, args, {
      ...(o.inputFile === undefined ? { input: o.input ?? '' } : { inputFile: o.inputFile }),
      env: this.#env,
      extendEnv: false,
      timeout: maxMs,
      // What a command leaves running in the background does not keep its caller.
      cleanup: true,
      reject: false,
    });
    if (done.exitCode === 0) return done.stdout;
    // Some of Slurm's programs complain on their standard output.
    const said = done.stderr.trim() || done.stdout.trim();
    const why =
      said !== '' ? said : done.timedOut ? `no answer within ${maxMs / 1000} s` : (done.shortMessage ?? 'it failed');
    const isLost = this.#ssh !== undefined && (done.exitCode === SSH_FAILED || done.exitCode === undefined);
    const isMissing = done.exitCode === 127 || done.code === 'ENOENT';
    const code = isLost ? 'no_ssh' : codeFor({ program: argv[0], why, isMissing });
    const where = this.#ssh === undefined ? '' : isLost ? ' by ssh' : ' on the login node';
    throw new LaunchRefusal(code, `${argv[0]} failed${where}: ${why}`);
  }
}

const SLURM = new Set(['sbatch', 'squeue', 'scontrol', 'scancel', 'sinfo', 'sacct', 'srun']);

/** By Slurm's own words, of versions 22.05 to 24.11. */
const WORDS: readonly (readonly [RegExp, RefusalCode])[] = [
  [/unable to contact slurm controller|slurm_load_\w+ error: .*(?:connect|timed out)/i, 'no_slurm'],
  [/invalid partition|partition name|partition \S+ not found/i, 'partition'],
  [/account|qos|user.*not.*permitted|association/i, 'account'],
  [/node (?:configuration|count)|more processors requested|nodes? .*(?:limit|exceed)/i, 'nodes'],
  [/time limit|time specification/i, 'time'],
];

function codeFor(o: { program: string; why: string; isMissing: boolean }): RefusalCode {
  if (!SLURM.has(o.program)) return 'slurm';
  if (o.isMissing) return 'no_slurm';
  return WORDS.find(([words]) => words.test(o.why))?.[1] ?? 'slurm';
}

/**
 * One connection for all commands, kept for some minutes, where the file asks for it: a person's own ssh configuration may have a better one, which
 * knows a second factor.
 */
function sharing(minutes: number | undefined): string[] {
  if (minutes === undefined) return [];
  const directory = join(tmpdir(), `skep-ssh-${userInfo().uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, '%C');
  return ['-o', 'ControlMaster=auto', '-o', `ControlPath=${path}`, '-o', `ControlPersist=${minutes}m`];
}
