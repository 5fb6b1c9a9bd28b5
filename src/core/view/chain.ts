/** Where a task's chain of slots stands: which slot is open, who runs it, how it ended. Pure reading of a row. */
import type { NodeId } from '../brand.ts';
import { parsedOpId } from '../brand.ts';
import { compareStamps } from '../op.ts';
import type { EndValue, GrantValue } from '../schema/body.ts';
import type { Decided, TaskRow } from './task.ts';

/** The seed's six statuses; `unknown` for a task whose creation has not arrived here yet. */
export type TaskStatus = 'unknown' | 'pending' | 'claimed' | 'in_progress' | 'completed' | 'failed' | 'cancelled';

export type Chain = {
  status: TaskStatus;
  /** The slot to be decided next; the last decided one when the task has ended. */
  slot: number;
  /** Number of the attempt that runs, or of the last one; 0 before the first. */
  attempt: number;
  /** The grant of the attempt that runs now. */
  running: Decided<GrantValue> | undefined;
  /** The decision that ended the task; also of one whose creation has not arrived, where it is final. */
  ended: Decided<EndValue> | undefined;
};

/** Odd slots grant, even slots end: slots 2n-1 and 2n belong to attempt n. */
export const attemptOfSlot = (slot: number): number => Math.ceil(slot / 2);
export const grantSlotOf = (attempt: number): number => attempt * 2 - 1;
export const isGrantSlot = (slot: number): boolean => slot % 2 === 1;

/**
 * True when what a node tells of the end of its attempt is not what was decided: the attempt ended otherwise, or, of an optimistic task, another
 * node's was taken.
 */
export const isLate = (decided: EndValue, told: { kind: EndValue['kind']; node: NodeId }): boolean =>
  decided.kind !== told.kind || (decided.grant !== undefined && decided.grant.node !== told.node);

/** Which ends leave the task open for another attempt, as long as there are any left. */
export const opensNextAttempt = (value: EndValue): boolean =>
  value.kind === 'failed' || value.kind === 'lost' || value.kind === 'released';

/** Attempts of a task whose creation is not here yet: as many as any may have, so that an end which may be followed by another ends nothing. */
const ATTEMPTS_UNKNOWN = 20;

/** Nobody decides who works its attempts: the lowest claim holds one, see `core/task/optimist.ts`. */
export const isOptimistic = (row: Pick<TaskRow, 'created'> | undefined): boolean =>
  row?.created?.claims === 'optimistic';

/** Of an optimistic task only ends are decided: the lowest claim that was not withdrawn stands for the grant. */
function optimisticChain(row: TaskRow, attemptsMax: number): Chain {
  let attempt = 1;
  for (; attempt <= attemptsMax; attempt++) {
    const end = row.ends[attempt * 2];
    if (end === undefined) break;
    if (!opensNextAttempt(end.value) || attempt === attemptsMax)
      return over(row, { slot: attempt * 2, attempt, ended: end });
  }
  const slot = grantSlotOf(attempt);
  const running = lowestClaim(row, slot);
  if (running === undefined) return { status: 'pending', slot, attempt: attempt - 1, running, ended: undefined };
  const status = row.starts[slot] === undefined ? 'claimed' : 'in_progress';
  return { status, slot: slot + 1, attempt, running, ended: undefined };
}

function lowestClaim(row: TaskRow, slot: number): Decided<GrantValue> | undefined {
  let lowest: Decided<GrantValue> | undefined;
  for (const [text, { node, agent, stamp, wallMs, slot: claimed }] of Object.entries(row.claims)) {
    const claim = parsedOpId(text);
    if (claimed !== slot || row.withdrawn[claim] !== undefined) continue;
    if (lowest !== undefined && compareStamps(lowest.stamp, stamp) <= 0) continue;
    lowest = { value: { kind: 'granted', attempt: attemptOfSlot(slot), claim, node, agent }, stamp, wallMs };
  }
  return lowest;
}

/** Who works an attempt, or worked it: as it was decided, or else as its end or the claims of an optimistic task say. */
export function holderOf(row: TaskRow, attempt: number): Decided<GrantValue> | undefined {
  const slot = grantSlotOf(attempt);
  const [granted, end] = [row.grants[slot], row.ends[slot + 1]];
  if (granted !== undefined || !isOptimistic(row)) return granted;
  if (end === undefined) return lowestClaim(row, slot);
  return end.value.grant === undefined ? undefined : { ...end, value: end.value.grant };
}

/** Reads the chain from slot 1 to the first slot without a decision; what was decided beyond a hole does not count until the hole is filled. */
export function taskChain(row: TaskRow): Chain {
  const attemptsMax = row.created?.attemptsMax ?? ATTEMPTS_UNKNOWN;
  if (isOptimistic(row)) return optimisticChain(row, attemptsMax);
  let slot = 1;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const cancelled = row.ends[slot];
    if (cancelled !== undefined) return over(row, { slot, attempt: attempt - 1, ended: cancelled });
    const grant = row.grants[slot];
    if (grant === undefined)
      return { status: pendingOr(row), slot, attempt: attempt - 1, running: undefined, ended: undefined };
    const end = row.ends[slot + 1];
    if (end === undefined) {
      const status = row.starts[slot] === undefined ? 'claimed' : 'in_progress';
      return {
        status: row.created === undefined ? 'unknown' : status,
        slot: slot + 1,
        attempt,
        running: grant,
        ended: undefined,
      };
    }
    if (!opensNextAttempt(end.value) || attempt === attemptsMax)
      return over(row, { slot: slot + 1, attempt, ended: end });
    slot += 2;
  }
  return { status: pendingOr(row), slot, attempt: attemptsMax, running: undefined, ended: undefined };
}

const pendingOr = (row: TaskRow): TaskStatus => (row.created === undefined ? 'unknown' : 'pending');

function over(row: TaskRow, o: { slot: number; attempt: number; ended: Decided<EndValue> }): Chain {
  const { kind } = o.ended.value;
  const status = kind === 'completed' || kind === 'cancelled' ? kind : 'failed';
  return { ...o, status: row.created === undefined ? 'unknown' : status, running: undefined };
}
