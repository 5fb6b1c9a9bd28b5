/** How many attempts of a node, a tool or an account run at once: one row each, the newest word counts. */
import type { Principal } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { compareStamps, stampOf } from '../op.ts';
import type { BodyOf, CapKind } from '../schema/body.ts';
import type { ViewSpec } from './view.ts';

/** `set` undefined: no op of that row is known to this version. `max` null: the cap was taken back. */
export type CapRow = {
  id: string;
  set: (Omit<BodyOf<'cap.set'>, 'type'> & { by: Principal; stamp: Stamp; wallMs: number }) | undefined;
};

export type LiveCap = CapRow & { set: NonNullable<CapRow['set']> & { max: number } };

export const isLiveCap = (row: CapRow | undefined): row is LiveCap => typeof row?.set?.max === 'number';

/** The row of a cap: there is one for each thing that can be capped. */
export const capId = ({ kind, name }: { kind: CapKind; name: string }): string => `${kind} ${name}`;

const keyOf = ({ body, header }: KnownOp): string => (body.type === 'cap.set' ? capId(body) : header.entity);

function fold(row: CapRow | undefined, op: KnownOp): CapRow {
  const { body, header } = op;
  const known: CapRow = row ?? { id: keyOf(op), set: undefined };
  if (body.type !== 'cap.set') return known;
  const stamp = stampOf(op);
  if (known.set !== undefined && compareStamps(known.set.stamp, stamp) >= 0) return known;
  const { type: _type, ...fields } = body;
  return { ...known, set: { ...fields, by: header.by, stamp, wallMs: header.wallMs } };
}

export const capView: ViewSpec<CapRow> = {
  name: 'cap',
  version: 1,
  types: ['cap.set'],
  key: keyOf,
  fold,
  columnNames: ['live', 'kind'],
  columns: (row) => ({ live: isLiveCap(row) ? 1 : 0, kind: row.set?.kind ?? null }),
  indexes: [['live', 'kind']],
  sparse: [],
};
