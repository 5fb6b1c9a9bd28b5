/** What somebody may find: what he may read. From the views alone, as in `channel/rules.ts`. */
import type { Principal } from '../brand.ts';
import { channelOf, isMember, isOpenToAll, joinBar } from '../channel/rules.ts';
import type { KnownMessage } from '../view/message.ts';
import type { Views } from '../view/views.ts';

/** `operator`: all. `viewer`: what is said where anybody may come in. Else one who speaks, with the mailbox that is its own. */
export type Reader = 'operator' | 'viewer' | { by: Principal; mailbox: string; isVerified: boolean };

/** Channels by invitation in which one may be. */
const CLOSED_MAX = 1_000;

/** What an index looks at for a reader; `undefined`: everything. What it finds there {@link mayRead} has to let through. */
export type Reach = { channels: readonly string[]; by: Principal | undefined } | undefined;

export function reachOf(views: Views, reader: Reader): Reach {
  if (reader === 'operator') return undefined;
  if (reader === 'viewer') return { channels: [], by: undefined };
  const { by, mailbox } = reader;
  const rows = views.list('member', { where: { member: by, joined: 1 }, limit: CLOSED_MAX });
  const closed = rows.map(({ channel }) => channel).filter((channel) => !isOpenToAll(views, channel));
  return { channels: [mailbox, ...closed], by };
}

export function mayRead(views: Views, reader: Reader, { sent: { channel, from } }: KnownMessage): boolean {
  if (reader === 'operator') return true;
  if (reader === 'viewer') return channel.startsWith('#') && isOpenToAll(views, channel);
  return from === reader.by || channel === reader.mailbox || mayReadChannel(views, reader, channel);
}

/** An open one that it is not banned from, or one in which it is. */
export function mayReadChannel(views: Views, reader: Reader, channel: string): boolean {
  const row = channel.startsWith('#') ? channelOf(views, channel) : undefined;
  if (row === undefined) return false;
  if (reader === 'operator') return true;
  if (reader === 'viewer') return !row.inviteOnly;
  const { by: member, isVerified } = reader;
  if (row.inviteOnly) return isMember(views, { channel, member });
  return joinBar(views, { channel, member, isVerified }) === undefined;
}
