/** What skep itself knows of work: the log is asked, nobody's word is taken. */
import type { OpId } from '../brand.ts';
import { agentPrincipal, parsedOpId } from '../brand.ts';
import type { Stamp } from '../op.ts';
import { compareStamps } from '../op.ts';
import type { Evidence } from '../schema/market-body.ts';
import { SHELL } from '../task/fit.ts';
import { holderOf, taskChain } from '../view/chain.ts';
import type { KnownProposal } from '../view/proposal.ts';
import { workerOf } from '../view/proposal.ts';
import type { TaskRow } from '../view/task.ts';
import type { Views } from '../view/views.ts';

/** Deals of one worker that are looked through: one task pays once. */
const DEALS_MAX = 10_000;
/** Ids that are read out of one proof. */
const IDS_MAX = 16;
const ID = /[0-9a-f]{32}-[1-9][0-9]{0,15}/g;

/** The tasks that a proof names, by their whole ids. */
export const namedIn = (proof: string | null): OpId[] =>
  [...(proof ?? '').matchAll(ID)].slice(0, IDS_MAX).map(([id]) => parsedOpId(id));

/**
 * Evidence that the accepted work is done: the proof names a task that the worker completed after it accepted, that pays for no other deal, and whose
 * work was merged, or was checked by a script that depends on it and passed.
 */
export function evidenceFor(views: Views, row: KnownProposal, proof: string | null): Evidence | undefined {
  const { accepted } = row;
  if (accepted === undefined) return undefined;
  const named = namedIn(proof).flatMap((id) => views.get('task', id) ?? []);
  for (const task of named) {
    if (!isDoneBy(task, { worker: accepted.value.by, since: accepted.stamp }) || pays(views, row, task.id)) continue;
    const attempt = taskChain(task).ended?.value.attempt;
    const merged = views.get('merge', task.id)?.merged?.value;
    if (merged !== undefined && merged.attempt === attempt)
      return { kind: 'merged', task: task.id, commit: merged.commit };
    const check = named.find((one) => isCheckOf(one, task, accepted.value.by));
    if (check !== undefined) return { kind: 'check', task: task.id, check: check.id };
  }
  return undefined;
}

function isDoneBy(task: TaskRow, o: { worker: string; since: Stamp }): boolean {
  const { ended } = taskChain(task);
  if (ended?.value.kind !== 'completed' || compareStamps(ended.stamp, o.since) < 0) return false;
  const holder = holderOf(task, ended.value.attempt);
  return holder !== undefined && agentPrincipal(holder.value.agent) === o.worker;
}

function isCheckOf(check: TaskRow, task: TaskRow, worker: string): boolean {
  const { created } = check;
  if (created === undefined || created.by === worker || !created.dependsOn.includes(task.id)) return false;
  return created.requiredCapabilities.includes(SHELL) && taskChain(check).ended?.value.kind === 'completed';
}

/** Whether the task paid for another deal of this worker already. */
function pays(views: Views, row: KnownProposal, task: OpId): boolean {
  const worker = workerOf(row);
  const deals = views.list('proposal', { where: { worker, state: 'completed' }, limit: DEALS_MAX });
  return deals.some(({ id, completed }) => {
    const evidence = completed?.value.evidence;
    return id !== row.id && evidence !== undefined && 'task' in evidence && evidence.task === task;
  });
}
