/** `skep slurm`: an allocation of a Slurm cluster as a fleet of agents. */
import { join } from 'node:path';
import { CommandFailure, EXIT, usageFailure } from '../exit.ts';
import type { Group, Leaf } from '../verb.ts';
import { archive, logs, status, stop, stopAll } from './slurm-jobs.ts';
import { bring, bundle, launch } from './slurm-launch.ts';
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
    { flags: '--launch <name>', about: 'what was staged at a launch: launches/<NAME>.json of the shared directory' },
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
    const named = given.text('launch');
    if (named !== undefined && !/^[0-9a-f]{16}$/.test(named)) throw usageFailure('expected --launch to name a launch');
    if (!Number.isInteger(node) || node < 0) throw usageFailure('expected --node, or SLURM_NODEID');
    const end = await runWorker({
      base,
      job,
      node,
      env,
      hostname: env['SLURMD_NODENAME'] ?? env['HOSTNAME'] ?? 'unknown',
      tool: given.text('tool') ?? 'codex',
      instructions: given.text('instructions') ?? '',
      launch: given.text('launch'),
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

export const slurm: Group = {
  name: 'slurm',
  summary: 'a Slurm allocation as a fleet of agents',
  leaves: [launch, status, logs, stop, stopAll, archive, bundle, bring, worker, router, farEnd],
};
