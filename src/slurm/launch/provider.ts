/** Where allocations come from, as a router sees it. */
import type { Job, Jobs } from './jobs.ts';

/** Methods throw a `LaunchRefusal` in words for people; nothing was changed then. `Jobs` is one of Slurm. */
export type Provider = Pick<Jobs, 'launch' | 'list' | 'of' | 'stop'> & {
  id: string;
  label: string;
  backend: 'slurm' | 'local';
};
export type { Job };

export const slurmProvider = (jobs: Jobs): Provider => ({
  id: 'slurm',
  label: 'Slurm',
  backend: 'slurm',
  launch: (wanted, prompt) => jobs.launch(wanted, prompt),
  list: () => jobs.list(),
  of: (job) => jobs.of(job),
  stop: (job) => jobs.stop(job),
});
