/**
 * What agents ask before they go on, and what became of it. One node decides it, that of the agent; so all that others write about it is left
 * aside, and of what that node wrote the first word stands.
 */
import type { NodeId, OpId, Principal } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { compareStamps, createsEntity, stampOf } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { ViewSpec } from './view.ts';

export type ApprovalRequested = Omit<BodyOf<'approval.requested'>, 'type'> & {
  /** The agent's node, which decides it. */
  node: NodeId;
  stamp: Stamp;
  wallMs: number;
};

export type ApprovalOutcome = { by: Principal; stamp: Stamp; wallMs: number } & (
  | { kind: 'decided'; decision: 'allow' | 'deny'; note: string; rule: OpId | null }
  | { kind: 'closed'; reason: 'withdrawn' | 'ended' }
);

export type ApprovalRow = {
  id: OpId;
  requested: ApprovalRequested | undefined;
  outcome: ApprovalOutcome | undefined;
};

export type KnownApproval = ApprovalRow & { requested: ApprovalRequested };

export const isKnownApproval = (row: ApprovalRow | undefined): row is KnownApproval => row?.requested !== undefined;

/** `unknown` while the request itself has not arrived. */
export type ApprovalState = 'unknown' | 'open' | 'allowed' | 'denied' | 'closed';

export function approvalState({ requested, outcome }: Pick<ApprovalRow, 'requested' | 'outcome'>): ApprovalState {
  if (requested === undefined) return 'unknown';
  if (outcome === undefined) return 'open';
  if (outcome.kind === 'closed') return 'closed';
  return outcome.decision === 'allow' ? 'allowed' : 'denied';
}

/** The node that asked, by which alone it is decided: an id begins with its author. */
export const ownerOf = (approval: OpId): string => approval.slice(0, 32);

function outcomeOf(op: KnownOp): ApprovalOutcome | undefined {
  const { body, header } = op;
  const at = { by: header.by, stamp: stampOf(op), wallMs: header.wallMs };
  if (body.type === 'approval.closed') return { kind: 'closed', reason: body.reason, ...at };
  if (body.type !== 'approval.decided') return undefined;
  return { kind: 'decided', decision: body.decision, note: body.note, rule: body.rule, ...at };
}

function fold(row: ApprovalRow | undefined, op: KnownOp): ApprovalRow {
  const { body, header } = op;
  const known: ApprovalRow = row ?? { id: header.entity, requested: undefined, outcome: undefined };
  if (header.node !== ownerOf(known.id)) return known;
  if (body.type === 'approval.requested') {
    if (!createsEntity(op)) return known;
    const { type: _type, ...fields } = body;
    return { ...known, requested: { ...fields, node: header.node, stamp: stampOf(op), wallMs: header.wallMs } };
  }
  const outcome = outcomeOf(op);
  if (outcome === undefined) return known;
  const isFirst = known.outcome === undefined || compareStamps(outcome.stamp, known.outcome.stamp) < 0;
  return isFirst ? { ...known, outcome } : known;
}

export const approvalView: ViewSpec<ApprovalRow> = {
  name: 'approval',
  version: 2,
  types: ['approval.requested', 'approval.decided', 'approval.closed'],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['state', 'agent', 'task', 'node', 'created'],
  columns: (row) => ({
    state: approvalState(row),
    agent: row.requested?.agent ?? null,
    task: row.requested?.task ?? null,
    node: row.requested?.node ?? null,
    created: row.requested?.stamp.lamport ?? null,
  }),
  indexes: [['state', 'created'], ['task', 'created'], [['created', 'desc']]],
  sparse: [],
};
