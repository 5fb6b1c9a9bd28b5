/** The batch script: all of an allocation's life is Slurm's. */
import { join } from 'node:path';
import { z } from 'zod';
import type { LaunchConfig } from './config.ts';
import { LaunchRefusal } from './refusal.ts';

/** By it, and by the user, a job is known as one of skep's. */
export const JOB_NAME = 'skep-slurm';

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
};

export const baseOf = ({ cluster }: LaunchConfig): string => join(cluster.workspace_root, cluster.cluster_subdir);

/** The program on the cluster; below the shared directory, unless the file says otherwise. */
export const programOf = (config: LaunchConfig): string =>
  config.cluster.skep ?? join(baseOf(config), 'tools/skep/bin/skep');

/** Throws a {@link LaunchRefusal} for what cannot stand in the head of a script. */
export function scriptOf(config: LaunchConfig, wanted: Wanted): string {
  const { nodes, tool } = wanted;
  if (nodes < 1 || nodes > 100) throw new LaunchRefusal(`expected 1 to 100 nodes, got ${nodes}`);
  if (!/^[A-Za-z0-9 _./-]{1,200}$/.test(tool)) throw new LaunchRefusal(`expected the name of a tool, got ${tool}`);
  const { slurm, cluster } = config;
  const asked = [
    ['time', wanted.time ?? slurm.default_time],
    ['partition', wanted.partition ?? slurm.default_partition],
    ['account', wanted.account ?? slurm.default_account],
    ['qos', wanted.qos ?? slurm.default_qos],
  ] as const;
  const options = asked.flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    if (!word.safeParse(value).success) throw new LaunchRefusal(`--${name}: expected a word, got ${value}`);
    return [`#SBATCH --${name}=${value}`];
  });
  const base = baseOf(config);
  return `${[
    '#!/bin/bash',
    `#SBATCH --job-name=${JOB_NAME}`,
    `#SBATCH --nodes=${nodes}`,
    `#SBATCH --ntasks=${nodes}`,
    '#SBATCH --ntasks-per-node=1',
    `#SBATCH --output=${base}/skep_%j.out`,
    `#SBATCH --error=${base}/skep_%j.err`,
    '#SBATCH --open-mode=append',
    '#SBATCH --requeue',
    `#SBATCH --signal=USR2@${WARN_SECONDS}`,
    ...options,
    `export WORKSPACE_ROOT='${cluster.workspace_root}' CLUSTER_SUBDIR='${cluster.cluster_subdir}'`,
    `exec srun --ntasks-per-node=1 --kill-on-bad-exit=0 '${programOf(config)}' slurm worker --tool '${tool}'`,
  ].join('\n')}\n`;
}
