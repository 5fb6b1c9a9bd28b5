/** What agents used: one row a record. Sums are made when somebody asks, over whatever they ask for. */
import type { NodeId, OpId } from '../brand.ts';
import type { KnownOp } from '../op.ts';
import { opId } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { ViewSpec } from './view.ts';

/** `task`: whose attempt used it. `node`: where the agent ran. */
export type UsageRow = {
  id: OpId;
  task: OpId;
  node: NodeId;
  recorded: Omit<BodyOf<'usage.recorded'>, 'type'> | undefined;
  lamport: number;
  wallMs: number;
};

const DAY_MS = 86_400_000;

/** Days since 1970, in UTC: for sums that people read. */
export const dayOf = (wallMs: number): number => Math.floor(wallMs / DAY_MS);

function fold(row: UsageRow | undefined, op: KnownOp): UsageRow {
  if (row !== undefined) return row;
  const { header, body } = op;
  const { entity: task, node, lamport, wallMs } = header;
  if (body.type !== 'usage.recorded') return { id: opId(op), task, node, recorded: undefined, lamport, wallMs };
  const { type: _type, ...recorded } = body;
  return { id: opId(op), task, node, recorded, lamport, wallMs };
}

export const usageView: ViewSpec<UsageRow> = {
  name: 'usage',
  version: 2,
  types: ['usage.recorded'],
  key: (op) => opId(op),
  fold,
  columnNames: ['task', 'agent', 'node', 'day', 'lamport'],
  columns: (row) => ({
    task: row.task,
    agent: row.recorded?.agent ?? null,
    node: row.node,
    day: dayOf(row.wallMs),
    lamport: row.lamport,
  }),
  indexes: [['task', 'lamport'], ['agent', 'lamport'], ['node', 'day'], ['day', 'lamport'], [['lamport', 'desc']]],
  sparse: [],
};
