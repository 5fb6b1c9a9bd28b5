/** Codes that let unknown keys into the hub. How often one was used is counted in the view of identities. */
import type { KnownOp } from '../op.ts';
import { createsEntity } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { ViewSpec } from './view.ts';

/** `created` undefined: an op that named another entity, which makes nothing. */
export type InviteRow = { id: string; created: Omit<BodyOf<'invite.created'>, 'type'> | undefined };

function fold(row: InviteRow | undefined, op: KnownOp): InviteRow {
  const { body, header } = op;
  const known: InviteRow = row ?? { id: header.entity, created: undefined };
  if (body.type !== 'invite.created' || !createsEntity(op)) return known;
  const { type: _type, ...created } = body;
  return { ...known, created };
}

export const inviteView: ViewSpec<InviteRow> = {
  name: 'invite',
  version: 1,
  types: ['invite.created'],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['sha256'],
  columns: (row) => ({ sha256: row.created?.sha256 ?? null }),
  indexes: [['sha256']],
  sparse: [],
};
