/** Who has the nodes on which agents run: a Slurm cluster, or this machine. The same verbs and the same mailboxes over both. */
import type { Staged } from '../staged.ts';
import type { Wanted } from './script.ts';

/** `state` in Slurm's word; `why` in words for people, empty where there is nothing to say; `launch`: the one that it came of. */
export type Job = { job: string; state: string; nodes: number; where: string; why: string; launch: string };

/** What happens before a launch is done, for people who wait: `stage` is one word. */
export type Progress = (stage: LaunchStage, message: string) => void;
export type LaunchStage = 'check' | 'submit' | 'adopted' | 'queued' | 'running' | 'delayed' | 'ready';

export interface Provider {
  readonly id: string;
  /** For people. */
  readonly label: string;
  readonly backend: 'slurm' | 'local';
  /**
   * The number of the job, as soon as there is one; looks first at what would make it fail. Throws a `LaunchRefusal`: nothing of it waits or runs then.
   */
  launch(wanted: Wanted, told?: Staged, progress?: Progress): Promise<string>;
  /** Those of this user that wait or run. */
  list(): Promise<Job[]>;
  /** One of them, also after its end. Throws a `LaunchRefusal` for a job that is not known as one of skep's. */
  of(job: string): Promise<Job>;
  /** Workers leave their checkpoints. A job that is over is left alone. The job as it was. */
  stop(job: string): Promise<Job>;
}

/** States in which a job has ended, in Slurm's words and in ours. */
const ENDS: Readonly<Record<string, string>> = {
  COMPLETED: 'every worker ended as it was told',
  FAILED: 'a worker ended with an error: its outbox and skep_<job>.err say which',
  CANCELLED: 'somebody cancelled it',
  TIMEOUT: 'its walltime was over: each worker left a checkpoint',
  DEADLINE: 'it could not be done before its deadline',
  NODE_FAIL: 'a node of it failed',
  PREEMPTED: 'a job of higher rank took its nodes',
  OUT_OF_MEMORY: 'it used more memory than it was given',
  BOOT_FAIL: 'a node could not boot',
};

export const hasEnded = (state: string): boolean => state in ENDS;

/** Why it ended; empty while it has not. `exitCode` as Slurm writes it, `0:15`. */
export function endOf(state: string, exitCode = ''): string {
  const words = ENDS[state];
  if (words === undefined) return '';
  return exitCode === '' || exitCode === '0:0' ? words : `${words}; exit code ${exitCode}`;
}
