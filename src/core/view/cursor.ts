/** How far a reader was given a channel: for each node, the highest number of its log. Cursors of two doors join to the higher of both. */
import type { Principal } from '../brand.ts';
import { nodeIdOf } from '../brand.ts';
import type { Heads, KnownOp } from '../op.ts';
import type { ViewSpec } from './view.ts';

export type CursorRow = { id: string; upTo: Heads };

export const cursorId = (o: { reader: Principal; channel: string }): string => `${o.reader} ${o.channel}`;

const keyOf = ({ body, header }: KnownOp): string => (body.type === 'read.advanced' ? cursorId(body) : header.entity);

/** What both cursors cover. */
export function joined(a: Heads, b: Heads): Heads {
  const both: Heads = { ...a };
  for (const [name, seq] of Object.entries(b)) {
    const node = nodeIdOf(name);
    both[node] = Math.max(both[node] ?? 0, seq);
  }
  return both;
}

export const cursorView: ViewSpec<CursorRow> = {
  name: 'cursor',
  version: 1,
  types: ['read.advanced'],
  key: keyOf,
  fold: (row, op) => {
    const known: CursorRow = row ?? { id: keyOf(op), upTo: {} };
    return op.body.type === 'read.advanced' ? { ...known, upTo: joined(known.upTo, op.body.upTo) } : known;
  },
  columnNames: [],
  columns: () => ({}),
  indexes: [],
  sparse: [],
};
