/** Where things lie: paths under a node's state directory, and names of refs. */
import { join } from 'node:path';
import type { OpId } from '#core/brand.ts';

/** One attempt of one task. */
export type AttemptId = { task: OpId; attempt: number };

/** An id becomes part of a path and of a ref: only the one shape is let through. Doors have parsed it, so anything else is a bug. */
function checked(id: OpId): OpId {
  if (!/^[0-9a-f]{32}-[0-9]{1,16}$/.test(id)) throw new Error(`not an op id: ${JSON.stringify(id)}`);
  return id;
}

function place({ task, attempt }: AttemptId): string {
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw new Error(`not an attempt: ${attempt}`);
  return `${checked(task)}/${attempt}`;
}

export const branchOf = (id: AttemptId): string => `skep/${place(id)}`;

/** Refs under `refs/skep/` are hidden: no tool lists them as branches or tags, and they keep their commits from being collected. */
export const refs = {
  branch: (id: AttemptId): string => `refs/heads/${branchOf(id)}`,
  /** What the attempt started from. */
  base: (id: AttemptId): string => `refs/skep/base/${place(id)}`,
  /** The attempt's last known state, uncommitted work included. */
  salvage: (id: AttemptId): string => `refs/skep/salvage/${place(id)}`,
  /** Commits that stood on the attempt's branch but are not part of what it delivered. */
  left: (id: AttemptId): string => `refs/skep/left/${place(id)}`,
  delivered: (id: AttemptId): string => `refs/skep/delivered/${place(id)}`,
  /** A merge commit that waits for a person, in the origin. */
  ready: (id: AttemptId): string => `refs/skep/ready/${place(id)}`,
  /** The fence of a task: absent, or the commit by which an attempt of it was merged. */
  fence: (task: OpId): string => `refs/skep/${checked(task)}`,
  /** The fence as this node last saw it at the origin; only keeps its commit. */
  fenceSeen: (task: OpId): string => `refs/skep/seen/${checked(task)}`,
  /** The last known branches of the origin. */
  origin: (branch: string): string => `refs/remotes/origin/${branch}`,
};

/** Under the state directory. */
export const SALVAGED_DIR = 'salvaged';

export class Layout {
  readonly stateDir: string;
  readonly projects: string;
  readonly work: string;
  /** Bundles on their way out; emptied at start-up. */
  readonly bundles: string;
  /** A repository for work that belongs to no project: bundles of plain paths, contents of scratch directories. */
  readonly loose: string;
  /** Bundles of salvaged work that a restore laid down; each goes into its repository when that is there. */
  readonly salvaged: string;

  /** `stateDir`: an absolute path without symbolic links. */
  constructor(stateDir: string) {
    this.stateDir = stateDir;
    this.projects = join(stateDir, 'projects');
    this.work = join(stateDir, 'work');
    this.bundles = join(stateDir, 'bundles');
    this.loose = join(this.projects, 'loose.git');
    this.salvaged = join(stateDir, SALVAGED_DIR);
  }

  clone(project: OpId): string {
    return join(this.projects, `${checked(project)}.git`);
  }

  /** What this node knows of a clone, written when the clone is complete. */
  cloneFacts(project: OpId): string {
    return join(this.projects, `${checked(project)}.json`);
  }

  attempt(id: AttemptId): string {
    return join(this.work, place(id));
  }

  /** What was prepared for an attempt, written last: without it the attempt's folder is the rest of an interrupted start. */
  record(id: AttemptId): string {
    return `${this.attempt(id)}.json`;
  }
}
