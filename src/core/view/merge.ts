/** Which tasks' work was merged, and as which commit: evidence that a fold can read. The first word on a task stands. */
import type { OpId } from '../brand.ts';
import type { KnownOp } from '../op.ts';
import { stampOf } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { Stamped } from './newest.ts';
import { oldest } from './newest.ts';
import type { ViewSpec } from './view.ts';

export type MergeRow = { id: OpId; merged: Stamped<Omit<BodyOf<'work.merged'>, 'type'>> | undefined };

function fold(row: MergeRow | undefined, op: KnownOp): MergeRow {
  const { body, header } = op;
  const known: MergeRow = row ?? { id: header.entity, merged: undefined };
  if (body.type !== 'work.merged') return known;
  const { type: _type, ...value } = body;
  return { ...known, merged: oldest(known.merged, { value, stamp: stampOf(op), wallMs: header.wallMs }) };
}

export const mergeView: ViewSpec<MergeRow> = {
  name: 'merge',
  version: 1,
  types: ['work.merged'],
  key: (op) => op.header.entity,
  fold,
  columnNames: [],
  columns: () => ({}),
  indexes: [],
  sparse: [],
};
