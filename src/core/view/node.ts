/** Nodes: the newest registration of each, where its log was found to fork, and which node was made from its backup. */
import type { NodeId, OpId } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { compareStamps, opId, stampOf } from '../op.ts';
import type { ViewSpec } from './view.ts';

/** An operator took the node out of the swarm; its log counts up to `lastSeq`. */
export type Excluded = { how: 'revoked' | 'retired'; lastSeq: number };

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
  /** Made from a backup of this node, with this one's log up to `lastSeq`; of several the newest. Shown, and no new task is voted on by a node gone so. */
  replacedBy: { node: NodeId; lastSeq: number; stamp: Stamp } | undefined;
  excluded: Excluded | undefined;
};

/** Its place was taken by a node made from its backup, its log was signed twice, or an operator took it out: nobody waits for it. */
export const isGoneForGood = ({ replacedBy, forkedAt, excluded }: NodeRow): boolean =>
  replacedBy !== undefined || forkedAt !== undefined || excluded !== undefined;

/** Part of the swarm, as far as the log says. */
export const isMember = (row: NodeRow): boolean => row.stamp !== undefined && !isGoneForGood(row);

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
  replacedBy: undefined,
  excluded: undefined,
});

/** The number from which on the node's log counts nowhere; undefined while all of it does. */
export function cutAt({ forkedAt, excluded }: NodeRow): number | undefined {
  if (excluded === undefined) return forkedAt;
  return Math.min(forkedAt ?? excluded.lastSeq + 1, excluded.lastSeq + 1);
}

function fold(row: NodeRow | undefined, op: KnownOp): NodeRow {
  const { body } = op;
  if (body.type === 'log.forked') {
    const known = row ?? unseen(body.node);
    return { ...known, forkedAt: Math.min(known.forkedAt ?? body.seq, body.seq) };
  }
  if (body.type === 'node.revoked' || body.type === 'node.retired') {
    const known = row ?? unseen(body.node);
    const revoked = body.type === 'node.revoked' || known.excluded?.how === 'revoked';
    const lastSeq = Math.min(known.excluded?.lastSeq ?? body.lastSeq, body.lastSeq);
    return { ...known, excluded: { how: revoked ? 'revoked' : 'retired', lastSeq } };
  }
  if (body.type === 'node.replaced') {
    const known = row ?? unseen(body.old);
    const stamp = stampOf(op);
    const newer = known.replacedBy === undefined || compareStamps(known.replacedBy.stamp, stamp) < 0;
    return newer ? { ...known, replacedBy: { node: op.header.node, lastSeq: body.lastSeq, stamp } } : known;
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

/** The node that an op speaks of: its author, unless it says so itself. */
function key({ body, header }: KnownOp): NodeId {
  if (body.type === 'log.forked' || body.type === 'node.revoked' || body.type === 'node.retired') return body.node;
  return body.type === 'node.replaced' ? body.old : header.node;
}

export const nodeView: ViewSpec<NodeRow> = {
  name: 'node',
  version: 3,
  types: ['node.registered', 'node.replaced', 'node.revoked', 'node.retired', 'log.forked'],
  key,
  fold,
  columnNames: ['name'],
  columns: (row) => ({ name: row.name }),
  indexes: [],
  sparse: [],
};
