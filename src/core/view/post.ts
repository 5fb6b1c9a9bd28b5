/** Posts of the graffiti wall: one op, one row. */
import type { NodeId, OpId } from '../brand.ts';
import type { KnownOp } from '../op.ts';
import { opId } from '../op.ts';
import type { ViewSpec } from './view.ts';

export type PostRow = { id: OpId; content: string; author: string; node: NodeId; lamport: number; wallMs: number };

function fold(row: PostRow | undefined, op: KnownOp): PostRow {
  if (row !== undefined) return row;
  const text = op.body.type === 'post.created' ? op.body : { content: '', author: '' };
  return {
    id: opId(op),
    content: text.content,
    author: text.author,
    node: op.header.node,
    lamport: op.header.lamport,
    wallMs: op.header.wallMs,
  };
}

export const postView: ViewSpec<PostRow> = {
  name: 'post',
  version: 1,
  types: ['post.created'],
  key: (op) => opId(op),
  fold,
  columnNames: ['lamport', 'created'],
  columns: (row) => ({ lamport: row.lamport, created: row.wallMs }),
  indexes: [['lamport']],
  sparse: [],
};
