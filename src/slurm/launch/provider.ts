/** Who has the nodes on which agents run: a Slurm cluster, or this machine. The same verbs and the same mailboxes over both. */
import type { Staged } from '../staged.ts';
import type { Wanted } from './script.ts';

/**
 * `state` in Slurm's word; `why` it waits or ended and what to do `next` in words for people, empty where there is nothing to say; `launch`: the one that
 * it came of.
 */
export type Job = {
  job: string;
  state: string;
  nodes: number;
  where: string;
  why: string;
  next: string;
  launch: string;
};

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
