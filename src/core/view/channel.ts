/** Channels by their names. One that everybody has from the start has a row only where somebody said something about it. */
import type { Principal } from '../brand.ts';
import type { KnownOp } from '../op.ts';
import { stampOf } from '../op.ts';
import type { Stamped } from './newest.ts';
import { newest, oldest } from './newest.ts';
import type { ViewSpec } from './view.ts';

export type ChannelRow = {
  id: string;
  /** Who made it; undefined for one that nobody made, or whose making has not arrived. */
  created: Stamped<Principal> | undefined;
  inviteOnly: boolean;
  verifiedOnly: boolean;
  topic: Stamped<string> | undefined;
  slowSeconds: Stamped<number> | undefined;
};

export const emptyChannel = (id: string): ChannelRow => ({
  id,
  created: undefined,
  inviteOnly: false,
  verifiedOnly: false,
  topic: undefined,
  slowSeconds: undefined,
});

const keyOf = ({ body, header }: KnownOp): string =>
  body.type === 'channel.created' || body.type === 'channel.topicSet' || body.type === 'channel.slowSet'
    ? body.channel
    : header.entity;

function fold(row: ChannelRow | undefined, op: KnownOp): ChannelRow {
  const { body, header } = op;
  const known = row ?? emptyChannel(keyOf(op));
  const at = { stamp: stampOf(op), wallMs: header.wallMs };
  switch (body.type) {
    case 'channel.created':
      return {
        ...known,
        created: oldest(known.created, { value: header.by, ...at }),
        inviteOnly: known.inviteOnly || body.inviteOnly,
        verifiedOnly: known.verifiedOnly || body.verifiedOnly,
      };
    case 'channel.topicSet':
      return { ...known, topic: newest(known.topic, { value: body.topic, ...at }) };
    case 'channel.slowSet':
      return { ...known, slowSeconds: newest(known.slowSeconds, { value: body.seconds, ...at }) };
    default:
      return known;
  }
}

export const channelView: ViewSpec<ChannelRow> = {
  name: 'channel',
  version: 1,
  types: ['channel.created', 'channel.topicSet', 'channel.slowSet'],
  key: keyOf,
  fold,
  columnNames: ['created', 'public'],
  columns: (row) => ({ created: row.created === undefined ? 0 : 1, public: row.inviteOnly ? 0 : 1 }),
  indexes: [['created', 'public']],
  sparse: [],
};
