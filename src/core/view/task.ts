/**
 * Tasks. A task is a chain of slots: odd slots decide who works an attempt, even slots how that attempt ended. Decisions fold by slot, never
 * by stamp, because a decision may reach a node in an op with a lower stamp than the decision before it.
 */
import type { NodeId, OpId, Principal } from '../brand.ts';
import { parsedOpId } from '../brand.ts';
import { canonicalJson } from '../canonical.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { compareStamps, createsEntity, opId, stampOf } from '../op.ts';
import type { BodyOf, EndValue, GrantValue, SlotValue } from '../schema/body.ts';
import { taskChain } from './chain.ts';
import type { ViewSpec } from './view.ts';

export type Claim = { slot: number; node: NodeId; agent: OpId; stamp: Stamp; wallMs: number };

/** A decided slot. Author and time come from the lowest-stamped copy of the decision. */
export type Decided<V extends SlotValue> = { value: V; stamp: Stamp; wallMs: number };

export type TaskCreated = Omit<BodyOf<'task.created'>, 'type'> & {
  home: NodeId;
  by: Principal;
  stamp: Stamp;
  wallMs: number;
};

export type TaskRow = {
  id: OpId;
  created: TaskCreated | undefined;
  /** There are records of what its agents used. */
  used: boolean;
  /** An operator allowed it. */
  allowed: boolean;
  /** By the claim's op id. */
  claims: Record<OpId, Claim>;
  withdrawn: Record<OpId, true>;
  /** Decided grants by slot (1, 3, 5, …). A grant slot may also be decided as a cancellation, which stands in `ends`. */
  grants: Record<number, Decided<GrantValue>>;
  ends: Record<number, Decided<EndValue>>;
  /** What the grantee said of an end that was not decided in time, or was decided otherwise, by end slot. */
  reports: Record<number, Decided<EndValue>>;
  /** When the grantee started the attempt, by grant slot. */
  starts: Record<number, { stamp: Stamp; wallMs: number }>;
  /** The newest op about this task. */
  updated: { stamp: Stamp; wallMs: number } | undefined;
  /** Slots seen decided in two ways: a bug, shown as an alarm. The value of the lowest stamp stands. */
  conflicts: Record<number, true>;
};

const unseen = (id: OpId): TaskRow => ({
  id,
  created: undefined,
  used: false,
  allowed: false,
  claims: {},
  withdrawn: {},
  grants: {},
  ends: {},
  reports: {},
  starts: {},
  updated: undefined,
  conflicts: {},
});

/** Keeps the copy with the lowest stamp and reports whether the values differ. */
function decide<V extends SlotValue>(
  held: Decided<V> | undefined,
  next: Decided<V>,
): { kept: Decided<V>; differs: boolean } {
  if (held === undefined) return { kept: next, differs: false };
  const differs = canonicalJson(held.value) !== canonicalJson(next.value);
  return { kept: compareStamps(held.stamp, next.stamp) <= 0 ? held : next, differs };
}

function foldGranted(row: TaskRow, slot: number, next: Decided<GrantValue>): TaskRow {
  const { kept, differs } = decide(row.grants[slot], next);
  const conflict = differs || row.ends[slot] !== undefined;
  return { ...row, grants: { ...row.grants, [slot]: kept }, conflicts: marked(row, slot, conflict) };
}

function foldEnded(row: TaskRow, slot: number, next: Decided<EndValue>): TaskRow {
  const { kept, differs } = decide(row.ends[slot], next);
  const conflict = differs || row.grants[slot] !== undefined;
  return { ...row, ends: { ...row.ends, [slot]: kept }, conflicts: marked(row, slot, conflict) };
}

const marked = (row: TaskRow, slot: number, conflict: boolean): Record<number, true> =>
  conflict ? { ...row.conflicts, [slot]: true } : row.conflicts;

function foldBody(row: TaskRow, op: KnownOp): TaskRow {
  const { body, header } = op;
  const at = { stamp: stampOf(op), wallMs: header.wallMs };
  switch (body.type) {
    case 'task.created': {
      const { type: _type, ...fields } = body;
      return createsEntity(op) ? { ...row, created: { ...fields, home: header.node, by: header.by, ...at } } : row;
    }
    case 'usage.recorded':
      return { ...row, used: true };
    case 'task.allowed':
      return { ...row, allowed: true };
    case 'task.claimed': {
      const claim: Claim = { slot: body.slot, node: header.node, agent: body.agent, ...at };
      return { ...row, claims: { ...row.claims, [opId(op)]: claim } };
    }
    case 'task.claimWithdrawn':
      return { ...row, withdrawn: { ...row.withdrawn, [body.claim]: true } };
    case 'task.started': {
      const held = row.starts[body.slot];
      const first = held !== undefined && compareStamps(held.stamp, at.stamp) <= 0 ? held : at;
      return { ...row, starts: { ...row.starts, [body.slot]: first } };
    }
    case 'task.reported': {
      const { kept } = decide(row.reports[body.slot], { value: body.value, ...at });
      return { ...row, reports: { ...row.reports, [body.slot]: kept } };
    }
    case 'task.granted':
      return foldGranted(row, body.slot, { value: body.value, ...at });
    case 'task.ended':
      return foldEnded(row, body.slot, { value: body.value, ...at });
    default:
      return row;
  }
}

function fold(row: TaskRow | undefined, op: KnownOp): TaskRow {
  const next = foldBody(row ?? unseen(op.header.entity), op);
  const stamp = stampOf(op);
  if (next.updated !== undefined && compareStamps(next.updated.stamp, stamp) >= 0) return next;
  return { ...next, updated: { stamp, wallMs: op.header.wallMs } };
}

/** Claims of the slot that is open now and were not withdrawn, lowest stamp first: the order in which they win. */
export function openClaims(row: TaskRow): { id: OpId; claim: Claim }[] {
  const { slot } = taskChain(row);
  return Object.entries(row.claims)
    .map(([id, claim]) => ({ id: parsedOpId(id), claim }))
    .filter(({ id, claim }) => claim.slot === slot && row.withdrawn[id] === undefined)
    .toSorted((a, b) => compareStamps(a.claim.stamp, b.claim.stamp));
}

export const taskView: ViewSpec<TaskRow> = {
  name: 'task',
  version: 8,
  types: [
    'task.created',
    'task.allowed',
    'task.claimed',
    'task.claimWithdrawn',
    'task.started',
    'task.granted',
    'task.ended',
    'task.reported',
    'usage.recorded',
  ],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['status', 'priority', 'created', 'open', 'agent', 'home', 'alias', 'supersedes', 'contested', 'waits'],
  columns: (row) => {
    const chain = taskChain(row);
    return {
      status: chain.status,
      priority: row.created?.priority ?? 0,
      created: row.created?.stamp.lamport ?? null,
      open: chain.status === 'unknown' || chain.ended === undefined ? 1 : 0,
      agent: chain.running?.value.agent ?? null,
      home: row.created?.home ?? null,
      alias: row.created?.alias ?? null,
      supersedes: row.created?.supersedes ?? null,
      contested: chain.status === 'pending' && openClaims(row).length > 0 ? 1 : null,
      waits: chain.status === 'pending' && (row.created?.dependsOn.length ?? 0) > 0 ? 1 : null,
    };
  },
  indexes: [
    ['status', ['priority', 'desc'], 'created'],
    [['priority', 'desc'], 'created'],
    ['open', ['created', 'desc']],
  ],
  sparse: ['agent', 'alias', 'supersedes', 'contested', 'waits'],
};
