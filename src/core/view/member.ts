/** Who is in which channel, and what was said of them there: one row for each channel and member. Of each thing the newest word counts. */
import type { NodeId, Principal } from '../brand.ts';
import { parsedPrincipal } from '../brand.ts';
import type { KnownOp } from '../op.ts';
import { stampOf } from '../op.ts';
import type { Stamped } from './newest.ts';
import { newest } from './newest.ts';
import type { ViewSpec } from './view.ts';

/** `node`: the door through which it is in; `name`: what it is called there. */
export type Joined = { in: boolean; node: NodeId; name: string };

export type MemberRow = {
  id: string;
  channel: string;
  member: Principal;
  joined: Stamped<Joined> | undefined;
  invited: Stamped<boolean> | undefined;
  banned: Stamped<boolean> | undefined;
  muted: Stamped<boolean> | undefined;
  role: Stamped<'operator' | 'member'> | undefined;
};

export const memberId = (o: { channel: string; member: Principal }): string => `${o.channel} ${o.member}`;

const keyOf = ({ body, header }: KnownOp): string =>
  'channel' in body && 'member' in body ? memberId(body) : header.entity;

const nobody = (id: string): MemberRow => {
  const [channel = '', member = ''] = id.split(' ');
  const none = undefined;
  return {
    id,
    channel,
    member: parsedPrincipal(member),
    joined: none,
    invited: none,
    banned: none,
    muted: none,
    role: none,
  };
};

function fold(row: MemberRow | undefined, op: KnownOp): MemberRow {
  const { body, header } = op;
  const known = row ?? nobody(keyOf(op));
  const at = { stamp: stampOf(op), wallMs: header.wallMs };
  const out = { value: { in: false, node: header.node, name: '' }, ...at };
  switch (body.type) {
    case 'channel.joined':
      return {
        ...known,
        joined: newest(known.joined, { value: { in: true, node: header.node, name: body.name }, ...at }),
      };
    case 'channel.left':
      return { ...known, joined: newest(known.joined, out) };
    case 'channel.invited':
      return { ...known, invited: newest(known.invited, { value: true, ...at }) };
    case 'channel.kicked':
      return {
        ...known,
        joined: newest(known.joined, out),
        invited: newest(known.invited, { value: false, ...at }),
      };
    case 'channel.banned': {
      const banned = newest(known.banned, { value: body.banned, ...at });
      return body.banned ? { ...known, banned, joined: newest(known.joined, out) } : { ...known, banned };
    }
    case 'channel.muted':
      return { ...known, muted: newest(known.muted, { value: body.muted, ...at }) };
    case 'channel.roleSet':
      return { ...known, role: newest(known.role, { value: body.role, ...at }) };
    default:
      return known;
  }
}

export const memberView: ViewSpec<MemberRow> = {
  name: 'member',
  version: 2,
  types: [
    'channel.joined',
    'channel.left',
    'channel.invited',
    'channel.kicked',
    'channel.banned',
    'channel.muted',
    'channel.roleSet',
  ],
  key: keyOf,
  fold,
  columnNames: ['channel', 'joined', 'node', 'member'],
  columns: (row) => ({
    channel: row.channel,
    joined: row.joined?.value.in === true ? 1 : 0,
    node: row.joined?.value.node ?? null,
    member: row.member,
  }),
  indexes: [
    ['channel', 'joined'],
    ['node', 'joined'],
    ['member', 'joined'],
  ],
  sparse: [],
};
