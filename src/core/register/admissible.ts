/** Which votes an acceptor may give at all: structure only. What is wise to decide was judged by whoever proposes. */
import type { NodeId } from '../brand.ts';
import { canonicalJson } from '../canonical.ts';
import type { EndValue, GrantValue, SlotValue } from '../schema/body.ts';
import { attemptOfSlot, isGrantSlot, opensNextAttempt } from '../view/chain.ts';
import type { TaskRow } from '../view/task.ts';

export const isGrant = (value: SlotValue): value is GrantValue => value.kind === 'granted';
export const isEnd = (value: SlotValue): value is EndValue => value.kind !== 'granted';

/** What a slot was decided as, as far as the committed ops say. */
export const decidedValue = (row: TaskRow, slot: number): SlotValue | undefined =>
  row.grants[slot]?.value ?? row.ends[slot]?.value;

export type Standing =
  | { kind: 'open'; owner: NodeId; before: SlotValue | null }
  | { kind: 'decided'; value: SlotValue }
  | { kind: 'silent'; reason: string }
  /** Two decisions of one slot: a bug somewhere. */
  | { kind: 'conflict'; reason: string };

/** Where a slot stands for an acceptor that is told `carry`, the decision of the slot before. */
export function standingOf(o: {
  row: TaskRow | undefined;
  self: NodeId;
  slot: number;
  carry: SlotValue | null;
}): Standing {
  const { row, slot, carry } = o;
  if (row?.created === undefined) return { kind: 'silent', reason: 'the task is unknown here' };
  if (!row.created.voters.includes(o.self)) return { kind: 'silent', reason: 'this node is no voter of the task' };
  const decided = decidedValue(row, slot);
  if (decided !== undefined) return { kind: 'decided', value: decided };
  if (slot > row.created.attemptsMax * 2) return { kind: 'silent', reason: 'the task has no such slot' };
  if (slot === 1) return { kind: 'open', owner: row.created.home, before: null };
  const known = decidedValue(row, slot - 1);
  if (known !== undefined && carry !== null && canonicalJson(known) !== canonicalJson(carry)) {
    return { kind: 'conflict', reason: `slot ${slot - 1} of ${row.id} was decided in two ways` };
  }
  const before = known ?? carry;
  if (before === null) return { kind: 'silent', reason: 'the slot before is not decided' };
  return opens(before, slot) ? { kind: 'open', owner: ownerOf(row.created.home, before), before } : closed(slot);
}

const closed = (slot: number): Standing => ({ kind: 'silent', reason: `slot ${slot} does not open: the task is over` });

const ownerOf = (home: NodeId, before: SlotValue): NodeId => (isGrant(before) ? before.node : home);

function opens(before: SlotValue, slot: number): boolean {
  if (!isGrantSlot(slot)) return isGrant(before);
  return isEnd(before) && opensNextAttempt(before);
}

/** True when a value may stand in this slot: a grant or a cancellation in odd slots, an end in even ones, each of the right attempt. */
export function fitsSlot(value: SlotValue, slot: number): boolean {
  const attempt = attemptOfSlot(slot);
  if (!isGrantSlot(slot)) return isEnd(value) && value.attempt === attempt;
  if (isGrant(value)) return value.attempt === attempt;
  return value.kind === 'cancelled' && value.attempt === attempt - 1;
}
