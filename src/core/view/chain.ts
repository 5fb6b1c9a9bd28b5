/** Where a task's chain of slots stands: which slot is open, who runs it, how it ended. Pure reading of a row. */
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

/** Which ends leave the task open for another attempt, as long as there are any left. */
export const opensNextAttempt = (value: EndValue): boolean =>
  value.kind === 'failed' || value.kind === 'lost' || value.kind === 'released';

/** Attempts of a task whose creation is not here yet: as many as any may have, so that an end which may be followed by another ends nothing. */
const ATTEMPTS_UNKNOWN = 20;

/** Reads the chain from slot 1 to the first slot without a decision; what was decided beyond a hole does not count until the hole is filled. */
export function taskChain(row: TaskRow): Chain {
  const attemptsMax = row.created?.attemptsMax ?? ATTEMPTS_UNKNOWN;
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
