/** A cancellation as the value of the slot where it can be decided now. */
import type { EndReason, EndValue } from '../schema/body.ts';
import { attemptOfSlot, isGrantSlot, isOptimistic, taskChain } from '../view/chain.ts';
import type { TaskRow } from '../view/task.ts';

type Why = { reason: EndReason; error: string | null; by: string | null };

/** Of a pending task that is the grant, of one that runs the end. An optimistic task has ends only. */
export function cancellationOf(row: TaskRow, why: Why): { slot: number; value: EndValue } {
  const open = taskChain(row).slot;
  const slot = isOptimistic(row) && isGrantSlot(open) ? open + 1 : open;
  const attempt = isGrantSlot(slot) ? attemptOfSlot(slot) - 1 : attemptOfSlot(slot);
  return { slot, value: { kind: 'cancelled', attempt, result: null, work: null, ...why } };
}

export const brokenDependency = (row: TaskRow): { slot: number; value: EndValue } =>
  cancellationOf(row, { reason: 'dependency', error: 'a task it depends on did not complete', by: null });
