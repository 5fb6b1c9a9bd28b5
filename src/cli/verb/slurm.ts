/** `skep slurm`: an allocation of a Slurm cluster as a fleet of agents. */
import { join, resolve } from 'node:path';
import type { LaunchConfig } from '#slurm/launch/config.ts';
import type { Job, Jobs } from '#slurm/launch/jobs.ts';
import { CommandFailure, EXIT, usageFailure } from '../exit.ts';
import { table } from '../table.ts';
import { printableLine } from '../text.ts';
import type { Given } from '../given.ts';
import type { Group, Leaf, VerbOption } from '../verb.ts';
import type { World } from '../world.ts';
import { farEnd, router } from './slurm-router.ts';

const worker: Leaf = {
  name: 'worker',
  summary: 'one agent on one node of an allocation, told by its mailbox',
  about:
    'srun starts one a node; by hand it needs no Slurm. It reads mailbox/inbox/<JOB>_<NN>.jsonl and writes mailbox/outbox/<JOB>_<NN>.jsonl\n' +
    'below WORKSPACE_ROOT/CLUSTER_SUBDIR, and goes on where an earlier worker of that name was.',
  options: [
    { flags: '--base <dir>', about: 'the shared directory (WORKSPACE_ROOT/CLUSTER_SUBDIR)' },
    { flags: '--job <id>', about: 'the allocation (SLURM_JOB_ID)' },
    { flags: '--node <number>', about: 'the node in it, from 0 (SLURM_NODEID)', kind: 'whole' },
    { flags: '--tool <tool>', about: 'codex, claude, acp COMMAND', fallback: 'codex' },
    { flags: '--instructions <text>', about: 'what the agent is told before its first turn' },
  ],
  examples: [
    ['srun --ntasks-per-node=1 skep slurm worker', 'in a batch script'],
    [
      'skep slurm worker --base ~/fleet --job 1 --node 0',
      'by hand; then: echo \'{"type":"user","content":"Say hello."}\' >> ~/fleet/mailbox/inbox/1_00.jsonl',
    ],
  ],
  run: async (given, world) => {
    const { runWorker } = await import('#slurm/worker/run.ts');
    const { env } = world;
    const [root, folder] = [env['WORKSPACE_ROOT'], env['CLUSTER_SUBDIR']];
    const base = given.text('base') ?? (root === undefined || folder === undefined ? undefined : join(root, folder));
    const job = given.text('job') ?? env['SLURM_JOB_ID'];
    const node = given.whole('node') ?? Number(env['SLURM_NODEID'] ?? Number.NaN);
    if (base === undefined) throw usageFailure('expected --base, or WORKSPACE_ROOT and CLUSTER_SUBDIR');
    if (job === undefined || !/^[A-Za-z0-9-]{1,64}$/.test(job)) throw usageFailure('expected --job, or SLURM_JOB_ID');
    if (!Number.isInteger(node) || node < 0) throw usageFailure('expected --node, or SLURM_NODEID');
    const end = await runWorker({
      base,
      job,
      node,
      env,
      hostname: env['SLURMD_NODENAME'] ?? env['HOSTNAME'] ?? 'unknown',
      tool: given.text('tool') ?? 'codex',
      instructions: given.text('instructions') ?? '',
      version: world.version,
      onInterrupt: (listener) => world.onInterrupt(listener),
    }).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CommandFailure(EXIT.negative, `the worker cannot go on: ${why}`, { cause });
    });
    world.out.write(given.json ? `${JSON.stringify({ end })}\n` : `The worker ended: ${end}.\n`);
    return end === 'gave_up' ? EXIT.negative : EXIT.ok;
  },
};

const CONFIG: VerbOption = {
  flags: '--config <file>',
  about: 'the launcher’s configuration, JSON (docs/hpc.md); required',
};

/** The user's jobs on the cluster of the file; what is refused there ends the command with code 3, and nothing was changed. */
async function withJobs<T>(given: Given, world: World, act: (tools: Tools) => Promise<T>): Promise<T> {
  const [{ readConfig }, { Login }, { Jobs }, { LaunchRefusal }] = await Promise.all([
    import('#slurm/launch/config.ts'),
    import('#slurm/launch/login.ts'),
    import('#slurm/launch/jobs.ts'),
    import('#slurm/launch/refusal.ts'),
  ]);
  const file = given.text('config');
  if (file === undefined) throw usageFailure('expected --config FILE: nothing of a site is known without it');
  try {
    const config = readConfig(resolve(world.cwd, file));
    return await act({ config, jobs: new Jobs(config, new Login(config, world.env)) });
  } catch (error) {
    if (error instanceof LaunchRefusal) throw new CommandFailure(EXIT.refused, error.message, { cause: error });
    throw error;
  }
}
type Tools = { config: LaunchConfig; jobs: Jobs };

function showJobs(jobs: readonly Job[], given: Given, world: World): void {
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
}

const launch: Leaf = {
  name: 'launch',
  summary: 'submit an allocation, one agent a node',
  options: [
    CONFIG,
    { flags: '--nodes <number>', about: 'how many agents (1)', kind: 'whole' },
    { flags: '--tool <tool>', about: 'codex, claude, acp COMMAND', fallback: 'codex' },
    { flags: '--time <time>', about: 'walltime, as Slurm writes it' },
    { flags: '--partition <name>', about: 'instead of the one in the file' },
    { flags: '--account <name>', about: 'instead of the one in the file' },
    { flags: '--qos <name>', about: 'instead of the one in the file' },
    { flags: '--prompt <text>', about: 'what each agent is told first' },
    { flags: '--dry-run', about: 'print the batch script, and do nothing' },
  ],
  examples: [
    ['skep slurm launch --config fleet.json --nodes 4 --time 01:00:00', 'prints JOB_ID=…'],
    ['skep slurm launch --config fleet.json --nodes 4 --dry-run', 'the script that would be submitted'],
  ],
  run: (given, world) =>
    withJobs(given, world, async ({ config, jobs }) => {
      const { scriptOf } = await import('#slurm/launch/script.ts');
      const wanted = {
        nodes: given.whole('nodes') ?? 1,
        tool: given.text('tool') ?? 'codex',
        time: given.text('time'),
        partition: given.text('partition'),
        account: given.text('account'),
        qos: given.text('qos'),
      };
      if (given.flag('dryRun')) {
        world.out.write(scriptOf(config, wanted));
        return EXIT.ok;
      }
      const job = await jobs.launch(wanted, given.text('prompt'));
      world.out.write(given.json ? `${JSON.stringify({ job })}\n` : `JOB_ID=${job}\n`);
      return EXIT.ok;
    }),
};

const status: Leaf = {
  name: 'status',
  summary: 'allocations of yours that wait or run; or how one of them ended',
  args: [['[job]', 'number of a job']],
  options: [CONFIG],
  examples: [
    ['skep slurm status --config fleet.json', 'all'],
    ['skep slurm status 4711 --config fleet.json', 'one, also after its end'],
  ],
  run: (given, world) =>
    withJobs(given, world, async ({ jobs }) => {
      const [job] = given.args;
      showJobs(job === undefined ? await jobs.list() : [await jobs.of(job)], given, world);
      return EXIT.ok;
    }),
};

const stop: Leaf = {
  name: 'stop',
  summary: 'end an allocation of yours; its workers leave checkpoints',
  args: [['<job>', 'number of the job']],
  options: [CONFIG],
  examples: [['skep slurm stop 4711 --config fleet.json', 'only a job of skep’s, and of yours']],
  run: (given, world) =>
    withJobs(given, world, async ({ jobs }) => {
      const job = await jobs.stop(given.arg(0));
      if (given.json) showJobs([job], given, world);
      else world.out.write(`Job ${job.job} was told to end (it was ${job.state}).\n`);
      return EXIT.ok;
    }),
};

export const slurm: Group = {
  name: 'slurm',
  summary: 'a Slurm allocation as a fleet of agents',
  leaves: [launch, status, stop, worker, router, farEnd],
};
