/** Nodes: the newest registration of each, and where its log was found to fork. */
import type { NodeId, OpId } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { compareStamps, opId, stampOf } from '../op.ts';
import type { ViewSpec } from './view.ts';

export type NodeRow = {
  id: NodeId;
  entity: OpId | undefined;
  publicKey: string;
  name: string;
  addresses: string[];
  version: string;
  registeredMs: number;
  stamp: Stamp | undefined;
  /** The log counts up to this number less one; undefined while it has no fork. */
  forkedAt: number | undefined;
};

const unseen = (id: NodeId): NodeRow => ({
  id,
  entity: undefined,
  publicKey: '',
  name: '',
  addresses: [],
  version: '',
  registeredMs: 0,
  stamp: undefined,
  forkedAt: undefined,
});

function fold(row: NodeRow | undefined, op: KnownOp): NodeRow {
  const { body } = op;
  if (body.type === 'log.forked') {
    const known = row ?? unseen(body.node);
    return { ...known, forkedAt: Math.min(known.forkedAt ?? body.seq, body.seq) };
  }
  const known = row ?? unseen(op.header.node);
  if (body.type !== 'node.registered') return known;
  const stamp = stampOf(op);
  if (known.stamp !== undefined && compareStamps(known.stamp, stamp) >= 0) return known;
  return {
    ...known,
    entity: op.header.seq === 1 ? opId(op) : op.header.entity,
    publicKey: body.publicKey,
    name: body.name,
    addresses: [...body.addresses],
    version: body.version,
    registeredMs: op.header.wallMs,
    stamp,
  };
}

export const nodeView: ViewSpec<NodeRow> = {
  name: 'node',
  version: 1,
  types: ['node.registered', 'log.forked'],
  key: (op) => (op.body.type === 'log.forked' ? op.body.node : op.header.node),
  fold,
  columnNames: ['name'],
  columns: (row) => ({ name: row.name }),
  indexes: [],
};
