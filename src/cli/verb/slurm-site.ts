/** What the verbs of `skep slurm` share: the configuration file, the provider, and how a refusal is told. */
import { resolve } from 'node:path';
import type { LaunchConfig } from '#slurm/launch/config.ts';
import type { Login } from '#slurm/launch/login.ts';
import type { Job, Provider } from '#slurm/launch/provider.ts';
import { CommandFailure, EXIT, usageFailure } from '../exit.ts';
import { table } from '../table.ts';
import { printableLine } from '../text.ts';
import type { Given } from '../given.ts';
import type { VerbOption } from '../verb.ts';
import type { World } from '../world.ts';

export const SITE: readonly VerbOption[] = [
  { flags: '--config <file>', about: 'the launcher’s configuration, JSON (docs/hpc.md); required' },
  {
    flags: '--provider <provider>',
    about: 'who has the nodes: a cluster, or this machine to try everything without one',
    choices: ['slurm', 'local'],
    fallback: 'slurm',
  },
];

export type Site = { config: LaunchConfig; login: Login; provider: Provider };

/** What is refused ends the command with code 3, and nothing was changed; `--json` names its code. */
export async function withSite<T>(given: Given, world: World, act: (site: Site) => Promise<T>): Promise<T> {
  const [{ readConfig }, { Login: SiteLogin }, { Jobs }, { LocalJobs }, { LaunchRefusal }] = await Promise.all([
    import('#slurm/launch/config.ts'),
    import('#slurm/launch/login.ts'),
    import('#slurm/launch/jobs.ts'),
    import('#slurm/launch/local.ts'),
    import('#slurm/launch/refusal.ts'),
  ]);
  const file = given.text('config');
  if (file === undefined) throw usageFailure('expected --config FILE: nothing of a site is known without it');
  try {
    const config = readConfig(resolve(world.cwd, file));
    const isLocal = given.text('provider') === 'local';
    const login = new SiteLogin(isLocal ? { ssh: { login_alias: null } } : config, world.env);
    const provider = isLocal ? new LocalJobs(config, world.env) : new Jobs(config, login);
    return await act({ config, login, provider });
  } catch (error) {
    if (!(error instanceof LaunchRefusal)) throw error;
    throw new CommandFailure(EXIT.refused, error.message, { cause: error, detail: { code: error.code } });
  }
}

export function showJobs(jobs: readonly Job[], given: Given, world: World): void {
  if (given.json) {
    world.out.write(`${JSON.stringify(jobs)}\n`);
    return;
  }
  const columns = [
    { title: 'JOB' },
    { title: 'STATE' },
    { title: 'NODES' },
    { title: 'WHERE' },
    { title: 'WHY', gives: true },
  ];
  const rows = jobs.map(({ job, state, nodes, where, why }) =>
    [job, state, String(nodes), where, why].map((cell) => printableLine(cell)),
  );
  world.out.write(rows.length === 0 ? 'No allocation waits or runs.\n' : table(columns, rows, world.out));
  for (const { job, next } of jobs) if (next !== '') world.out.write(`Job ${job}, next: ${printableLine(next)}\n`);
}
