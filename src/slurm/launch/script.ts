/** The batch script: all of an allocation's life is Slurm's. */
import { join } from 'node:path';
import { z } from 'zod';
import type { LaunchConfig } from './config.ts';
import { LaunchRefusal } from './refusal.ts';

/** By it, and by the user, a job is known as one of skep's. */
export const JOB_NAME = 'skep-slurm';
/** Before the name of the launch, in the job's comment. */
export const COMMENT = 'skep:';

/** Before the walltime: an agent is ended and its work committed within a few seconds; Slurm's timer is coarse. */
const WARN_SECONDS = 90;

const word = z.string().regex(/^[A-Za-z0-9_.@:-]{1,100}$/);

export type Wanted = {
  nodes: number;
  tool: string;
  partition?: string | undefined;
  account?: string | undefined;
  qos?: string | undefined;
  time?: string | undefined;
  /** Of each node, as Slurm writes it: `8G`. */
  mem?: string | undefined;
};

export const baseOf = ({ cluster }: LaunchConfig): string => join(cluster.workspace_root, cluster.cluster_subdir);

/** The program on the cluster; below the shared directory, unless the file says otherwise. */
export const programOf = (config: LaunchConfig): string =>
  config.cluster.skep ?? join(baseOf(config), 'tools/skep/bin/skep');

export type Asked = { partition?: string; account?: string; qos?: string; time?: string; mem?: string };

/** What is asked of Slurm, with what the file has. Throws a {@link LaunchRefusal} for what cannot stand in the head of a script. */
export function askedOf({ slurm }: LaunchConfig, wanted: Wanted): Asked {
  const { nodes, tool } = wanted;
  if (nodes < 1 || nodes > 100) throw new LaunchRefusal('wanted', `expected 1 to 100 nodes, got ${nodes}`);
  if (!/^[A-Za-z0-9 _./-]{1,200}$/.test(tool)) {
    throw new LaunchRefusal('wanted', `expected the name of a tool, got ${tool}`);
  }
  const asked: Asked = {};
  for (const name of ['time', 'partition', 'account', 'qos', 'mem'] as const) {
    const value = wanted[name] ?? slurm[`default_${name}`];
    if (value === undefined || value === null) continue;
    if (!word.safeParse(value).success) throw new LaunchRefusal('wanted', `--${name}: expected a word, got ${value}`);
    asked[name] = value;
  }
  return asked;
}

/**
 * 1. The daemons of a node die, and what they had started lives on, the first run's `srun` among it. 2. The job is requeued, and its steps are counted
 * from 0 anew. 3. The first `srun` waits for its step in vain, and has Slurm kill it by its number: the agents of the second run. So each run leaves
 * the numbers of those before it to a step that does nothing.
 */
const SPEND_STEPS =
  'for ((run = 0; run < ${SLURM_RESTART_COUNT:-0}; run += 1)); do srun --nodes=1 --ntasks=1 true || :; done';

/** Throws as {@link askedOf} does. */
export function scriptOf(config: LaunchConfig, wanted: Wanted, launch: string): string {
  const { nodes, tool } = wanted;
  const asked = Object.entries(askedOf(config, wanted));
  const base = baseOf(config);
  const { workspace_root: root, cluster_subdir: folder } = config.cluster;
  return `${[
    '#!/bin/bash',
    `#SBATCH --job-name=${JOB_NAME}`,
    `#SBATCH --comment=${COMMENT}${launch}`,
    `#SBATCH --nodes=${nodes}`,
    `#SBATCH --ntasks=${nodes}`,
    '#SBATCH --ntasks-per-node=1',
    `#SBATCH --output=${base}/skep_%j.out`,
    `#SBATCH --error=${base}/skep_%j.err`,
    '#SBATCH --open-mode=append',
    '#SBATCH --requeue',
    `#SBATCH --signal=USR2@${WARN_SECONDS}`,
    ...asked.map(([name, value]) => `#SBATCH --${name}=${value}`),
    `export WORKSPACE_ROOT='${root}' CLUSTER_SUBDIR='${folder}'`,
    SPEND_STEPS,
    `exec srun --ntasks-per-node=1 --kill-on-bad-exit=0 '${programOf(config)}' slurm worker --tool '${tool}' --launch '${launch}'`,
  ].join('\n')}\n`;
}
