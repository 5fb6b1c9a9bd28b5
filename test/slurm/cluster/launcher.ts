/** `skep slurm …` of a person with a cluster and a configuration file. */
import { chmodSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '#cli/program.ts';
import { testWorld } from '../../cli/test-world.ts';
import type { SlurmCluster } from './cluster.ts';

const SKEP = fileURLToPath(new URL('../../../bin/skep', import.meta.url));

/** Nodes of the cluster are one machine, but each has its own place for what is of this machine alone. */
const PROGRAM = `#!/bin/sh
export TMPDIR="$TMPDIR/\${SLURMD_NODENAME:-login}"
mkdir -p "$TMPDIR"
exec '${SKEP}' "$@"
`;

export type Said = { code: number; out: string; err: string };

export class Launcher {
  readonly config: string;
  readonly #env: Record<string, string>;
  readonly #cwd: string;

  /** `env`: beside what the cluster needs; jobs inherit it. `change`: of the configuration's sections. */
  constructor(o: { cluster: SlurmCluster; base: string; env?: Readonly<Record<string, string>>; change?: object }) {
    const { cluster, base } = o;
    this.#env = { ...cluster.env, ...o.env };
    this.#cwd = cluster.dir;
    const program = join(cluster.dir, 'skep');
    writeFileSync(program, PROGRAM);
    chmodSync(program, 0o755);
    this.config = join(cluster.dir, `${basename(base)}.json`);
    const whole = {
      ssh: { login_alias: null },
      slurm: { default_partition: 'main', default_time: '00:20:00' },
      cluster: { workspace_root: dirname(base), cluster_subdir: basename(base), skep: program },
      ...o.change,
    };
    writeFileSync(this.config, JSON.stringify(whole));
  }

  async run(...argv: string[]): Promise<Said> {
    // Limits of a launch are of real time.
    const world = { ...testWorld({ env: this.#env, cwd: this.#cwd }), now: Date.now };
    const code = await runCommand(['slurm', ...argv, '--config', this.config], { world });
    return { code, ...world.said };
  }

  /** The number of the job. */
  async launch(...argv: string[]): Promise<string> {
    const said = await this.run('launch', ...argv);
    const job = /^JOB_ID=(\d+)$/m.exec(said.out)?.[1];
    if (said.code !== 0 || job === undefined) throw new Error(`no job: ${JSON.stringify(said)}`);
    return job;
  }
}
