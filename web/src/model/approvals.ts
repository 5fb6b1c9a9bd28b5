/** What agents ask before they go on. */
import type { Approval } from './frame.ts';
import type { Swarm } from './swarm.ts';
import { isEnded } from './swarm.ts';

/** What waits for an answer, oldest first; without what is void because its attempt is over, although its node has not said so. */
export const openApprovals = ({ approvals, tasks }: Pick<Swarm, 'approvals' | 'tasks'>): Approval[] =>
  [...approvals.values()]
    .filter(({ task_id: id, attempt }) => {
      const task = tasks.get(id);
      if (task === undefined || task.attempt < attempt) return true;
      return task.attempt === attempt && !isEnded(task) && task.status !== 'pending';
    })
    .toSorted((a, b) => a.lamport_ts - b.lamport_ts);
