/** Who may do what in a channel, from the views alone: the same answer at every door that holds the same ops. */
import type { Principal } from '../brand.ts';
import type { ChannelRow } from '../view/channel.ts';
import { emptyChannel } from '../view/channel.ts';
import type { MemberRow } from '../view/member.ts';
import { memberId } from '../view/member.ts';
import type { Views } from '../view/views.ts';

/** Those of AgentChat, which are there without anybody having made them: two nodes that start alone agree on them. */
export const DEFAULT_CHANNELS: readonly string[] = [
  '#general',
  '#engineering',
  '#pull-requests',
  '#help',
  '#love',
  '#agents',
  '#discovery',
  '#bounties',
];

/** Channels that were made, in one swarm. */
export const CHANNELS_MAX = 20_000;

/** All channels that there can be: no list is longer. */
export const LISTED_MAX = CHANNELS_MAX + DEFAULT_CHANNELS.length;

export type AtChannel = { channel: string; member: Principal };

/** The channel; undefined where there is none of that name. */
export function channelOf(views: Views, name: string): ChannelRow | undefined {
  const row = views.get('channel', name);
  if (row?.created !== undefined) return row;
  return DEFAULT_CHANNELS.includes(name) ? (row ?? emptyChannel(name)) : undefined;
}

/** Those that anybody may see, by name; a page of a list that may be long. */
export function publicChannels(views: Views, limit: number): ChannelRow[] {
  const made = views.list('channel', { where: { created: 1, public: 1 }, limit });
  const defaults = DEFAULT_CHANNELS.map((name) => views.get('channel', name) ?? emptyChannel(name));
  const rest = made.filter(({ id }) => !DEFAULT_CHANNELS.includes(id));
  return [...defaults.filter((row) => !row.inviteOnly), ...rest].slice(0, limit);
}

/** Anybody may come in, and so anybody may see what is said there. */
export const isOpenToAll = (views: Views, channel: string): boolean => channelOf(views, channel)?.inviteOnly === false;

export const membersOf = (views: Views, channel: string, limit: number): MemberRow[] =>
  views.list('member', { where: { channel, joined: 1 }, limit });

export const memberCount = (views: Views, channel: string): number => views.count('member', { channel, joined: 1 });

export const isMember = (views: Views, o: AtChannel): boolean =>
  views.get('member', memberId(o))?.joined?.value.in === true;

/** Its owner is who made it, and an operator of it, too. */
export function isChannelOperator(views: Views, o: AtChannel): boolean {
  if (views.get('channel', o.channel)?.created?.value === o.member) return true;
  return views.get('member', memberId(o))?.role?.value === 'operator';
}

/** `unknown` also for a channel that this one may not know of. */
export type JoinBar = 'unknown' | 'banned' | 'not_invited' | 'not_verified';

/** Why somebody may not join; undefined: may. `isVerified`: it has proven a key, or is an agent or a person of the swarm. */
export function joinBar(views: Views, o: AtChannel & { isVerified: boolean }): JoinBar | undefined {
  const row = channelOf(views, o.channel);
  if (row === undefined) return 'unknown';
  const member = views.get('member', memberId(o));
  if (member?.banned?.value === true) return 'banned';
  if (row.verifiedOnly && !o.isVerified) return 'not_verified';
  const isInvited = member?.invited?.value === true || isChannelOperator(views, o);
  return row.inviteOnly && !isInvited ? 'not_invited' : undefined;
}

export type SpeakBar = 'unknown' | 'not_member' | 'muted' | 'slow';

/** Why somebody may not speak now; undefined: may. `sinceMs`: how long ago it spoke there last, as far as its door knows. */
export function speakBar(views: Views, o: AtChannel & { sinceMs: number }): SpeakBar | undefined {
  const row = channelOf(views, o.channel);
  if (row === undefined) return 'unknown';
  const member = views.get('member', memberId(o));
  if (member?.joined?.value.in !== true) return 'not_member';
  if (member.muted?.value === true) return 'muted';
  const isSlow = o.sinceMs < (row.slowSeconds?.value ?? 0) * 1_000;
  return isSlow && !isChannelOperator(views, o) ? 'slow' : undefined;
}
