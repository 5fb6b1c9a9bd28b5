/** Which votes an acceptor may give at all: structure only. What is wise to decide was judged by whoever proposes. */
import type { NodeId } from '../brand.ts';
import { canonicalJson } from '../canonical.ts';
import type { EndValue, GrantValue, SlotValue } from '../schema/body.ts';
import { attemptOfSlot, isGrantSlot, opensNextAttempt } from '../view/chain.ts';
import type { TaskCreated, TaskRow } from '../view/task.ts';

export const isGrant = (value: SlotValue): value is GrantValue => value.kind === 'granted';
export const isEnd = (value: SlotValue): value is EndValue => value.kind !== 'granted';

/** What a slot was decided as, as far as the committed ops say. */
export const decidedValue = (row: TaskRow, slot: number): SlotValue | undefined =>
  row.grants[slot]?.value ?? row.ends[slot]?.value;

export type Standing =
  | { kind: 'open'; owner: NodeId | undefined; before: SlotValue | null }
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
  const opening = openingOf(row.created, slot, carry ?? null, (before) => decidedValue(row, before));
  if (opening === 'conflict')
    return { kind: 'conflict', reason: `the slot before slot ${slot} of ${row.id} was decided in two ways` };
  if (opening === undefined) return { kind: 'silent', reason: 'the slot before is not decided' };
  return opening === 'closed' ? closed(slot) : { kind: 'open', ...opening };
}

/** `owner`: whose ballot 0 of the slot is; undefined where it is nobody's. */
type Opening = { owner: NodeId | undefined; before: SlotValue | null };

/** Where a slot stands by the committed ops alone; undefined while it is not open. */
export function openedBy(row: TaskRow, slot: number): Opening | undefined {
  const decided = (before: number): SlotValue | undefined => decidedValue(row, before);
  const opening = row.created === undefined ? undefined : openingOf(row.created, slot, null, decided);
  return typeof opening === 'string' ? undefined : opening;
}

/** The slot whose decision opens this one; 0 for the first. */
export const openerOf = ({ claims }: TaskCreated, slot: number): number =>
  claims === 'optimistic' ? slot - 2 : slot - 1;

/**
 * Each slot is opened by the one before; of an optimistic task, whose grants nobody decides, each end by the end before. Ballot 0 of a grant
 * belongs to home, of an end to the granted node. Of an optimistic end to nobody: several may believe that they work it, and whoever calls it lost
 * has to ask, in phase 1, those who may hear otherwise.
 */
function openingOf(
  created: TaskCreated,
  slot: number,
  carry: SlotValue | null,
  decided: (slot: number) => SlotValue | undefined,
): Opening | 'conflict' | 'closed' | undefined {
  const { home, claims } = created;
  const isOptimistic = claims === 'optimistic';
  if (isOptimistic && isGrantSlot(slot)) return 'closed';
  const opener = openerOf(created, slot);
  if (opener === 0) return { owner: isOptimistic ? undefined : home, before: null };
  const known = decided(opener);
  if (known !== undefined && carry !== null && canonicalJson(known) !== canonicalJson(carry)) return 'conflict';
  const before = known ?? carry;
  if (before === null) return undefined;
  if (!isOptimistic && !isGrantSlot(slot)) return isGrant(before) ? { owner: before.node, before } : 'closed';
  if (!isEnd(before) || !opensNextAttempt(before)) return 'closed';
  return { owner: isOptimistic ? undefined : home, before };
}

const closed = (slot: number): Standing => ({ kind: 'silent', reason: `slot ${slot} does not open: the task is over` });

/** True when a value may stand in this slot: a grant or a cancellation in odd slots, an end in even ones, each of the right attempt. */
export function fitsSlot(value: SlotValue, slot: number): boolean {
  const attempt = attemptOfSlot(slot);
  if (!isGrantSlot(slot)) return isEnd(value) && value.attempt === attempt;
  if (isGrant(value)) return value.attempt === attempt;
  return value.kind === 'cancelled' && value.attempt === attempt - 1;
}
