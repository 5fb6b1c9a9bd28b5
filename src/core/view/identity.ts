/** Keys that come to the hub from outside. The first key of an id stands; of what was said about it since, the newest. */
import type { NodeId, OpId, Principal } from '../brand.ts';
import type { KnownOp } from '../op.ts';
import { stampOf } from '../op.ts';
import type { Stamped } from './newest.ts';
import { newest, oldest } from './newest.ts';
import type { ViewSpec } from './view.ts';

export type IdentityKey = { publicKey: string; name: string; invite: OpId | null; by: Principal };

export type IdentityRow = {
  id: string;
  key: Stamped<IdentityKey> | undefined;
  allowed: Stamped<{ allowed: boolean; note: string }> | undefined;
  banned: Stamped<{ banned: boolean; reason: string }> | undefined;
  nick: Stamped<string> | undefined;
  /** Where it logged in last: an older session is over. */
  session: Stamped<NodeId> | undefined;
};

const keyOf = ({ body, header }: KnownOp): string => ('identity' in body ? body.identity : header.entity);

function fold(row: IdentityRow | undefined, op: KnownOp): IdentityRow {
  const { body, header } = op;
  const none = undefined;
  const known: IdentityRow = row ?? {
    id: keyOf(op),
    key: none,
    allowed: none,
    banned: none,
    nick: none,
    session: none,
  };
  const at = { stamp: stampOf(op), wallMs: header.wallMs };
  switch (body.type) {
    case 'identity.registered': {
      const { publicKey, name, invite } = body;
      return { ...known, key: oldest(known.key, { value: { publicKey, name, invite, by: header.by }, ...at }) };
    }
    case 'identity.allowed': {
      const { allowed, note } = body;
      return { ...known, allowed: newest(known.allowed, { value: { allowed, note }, ...at }) };
    }
    case 'identity.banned': {
      const { banned, reason } = body;
      return { ...known, banned: newest(known.banned, { value: { banned, reason }, ...at }) };
    }
    case 'identity.nickSet':
      return { ...known, nick: newest(known.nick, { value: body.nick, ...at }) };
    case 'identity.opened':
      return { ...known, session: newest(known.session, { value: header.node, ...at }) };
    default:
      return known;
  }
}

export const identityView: ViewSpec<IdentityRow> = {
  name: 'identity',
  version: 2,
  types: ['identity.registered', 'identity.allowed', 'identity.banned', 'identity.nickSet', 'identity.opened'],
  key: keyOf,
  fold,
  columnNames: ['known', 'invite', 'name'],
  columns: (row) => ({
    known: row.key === undefined ? 0 : 1,
    invite: row.key?.value.invite ?? null,
    /** What it is called now: names are compared in small letters. */
    name: row.key === undefined ? null : (row.nick?.value ?? row.key.value.name).toLowerCase(),
  }),
  indexes: [['known']],
  sparse: ['invite', 'name'],
};
