/** Where Slurm's commands run: this machine, or a login node by ssh. */
import { execa } from 'execa';
import type { LaunchConfig } from './config.ts';
import { LaunchRefusal } from './refusal.ts';

/** Clients of Slurm hang for minutes where its controller is gone. */
const COMMAND_MAX_MS = 60_000;

/** For the shell of the login node: ssh joins what it is given with spaces. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

export class Login {
  readonly #ssh: readonly string[] | undefined;
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor({ ssh }: LaunchConfig, env: Readonly<Record<string, string | undefined>>) {
    const file = ssh.config_file === undefined ? [] : ['-F', ssh.config_file];
    this.#ssh = ssh.login_alias === null ? undefined : ['ssh', ...file, '-o', 'BatchMode=yes', ssh.login_alias, '--'];
    this.#env = env;
  }

  /** What it printed. Throws a {@link LaunchRefusal} with its own words where it fails, is missing, or says nothing for a minute. */
  async run(argv: readonly [string, ...string[]], input = ''): Promise<string> {
    const [program = '', ...args] = this.#ssh === undefined ? argv : [...this.#ssh, argv.map(quoted).join(' ')];
    const done = await execa(program, args, {
      input,
      env: this.#env,
      extendEnv: false,
      timeout: COMMAND_MAX_MS,
      reject: false,
    });
    if (done.exitCode === 0) return done.stdout;
    const said = done.stderr.trim();
    const why = said !== '' ? said : done.timedOut ? `no answer within ${COMMAND_MAX_MS / 1000} s` : done.shortMessage;
    throw new LaunchRefusal(`${argv[0]} failed${this.#ssh === undefined ? '' : ' on the login node'}: ${why}`);
  }
}
