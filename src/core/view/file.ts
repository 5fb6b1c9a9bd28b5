/** Files that were offered, and who took them. */
import type { NodeId, OpId, Principal } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { createsEntity, stampOf } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { Stamped } from './newest.ts';
import { newest } from './newest.ts';
import type { ViewSpec } from './view.ts';

export type FileOffered = Omit<BodyOf<'file.offered'>, 'type'> & {
  from: Principal;
  /** Where its bytes are. */
  node: NodeId;
  stamp: Stamp;
  wallMs: number;
};

export type FileRow = {
  id: OpId;
  offered: FileOffered | undefined;
  /** By reader: null where it took the file, else why not. */
  taken: Record<Principal, Stamped<string | null>>;
};

export type KnownFile = FileRow & { offered: FileOffered };

export const isKnownFile = (row: FileRow | undefined): row is KnownFile => row?.offered !== undefined;

function fold(row: FileRow | undefined, op: KnownOp): FileRow {
  const { body, header } = op;
  const known: FileRow = row ?? { id: header.entity, offered: undefined, taken: {} };
  const at = { stamp: stampOf(op), wallMs: header.wallMs };
  if (body.type === 'file.taken') {
    const said = newest(known.taken[header.by], { value: body.error, ...at });
    return { ...known, taken: { ...known.taken, [header.by]: said } };
  }
  if (body.type !== 'file.offered' || !createsEntity(op)) return known;
  const { type: _type, ...fields } = body;
  return { ...known, offered: { ...fields, from: header.by, node: header.node, ...at } };
}

export const fileView: ViewSpec<FileRow> = {
  name: 'file',
  version: 2,
  types: ['file.offered', 'file.taken'],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['to', 'from', 'sha256', 'created'],
  columns: ({ offered }) => ({
    to: offered?.to ?? null,
    from: offered?.from ?? null,
    sha256: offered?.sha256 ?? null,
    created: offered?.stamp.lamport ?? null,
  }),
  indexes: [['to', ['created', 'desc']], ['from', ['created', 'desc']], ['sha256', 'created'], [['created', 'desc']]],
  sparse: [],
};
