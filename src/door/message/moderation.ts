/** What operators of a channel do to it and to who is in it, as ops. The same whichever door they come by. */
import type { Principal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';

export const MODERATIONS = ['kick', 'ban', 'unban', 'mute', 'unmute', 'promote', 'demote', 'topic', 'slow'] as const;
export type Moderation = {
  channel: string;
  action: (typeof MODERATIONS)[number];
  member: Principal | undefined;
  reason?: string | undefined;
  topic?: string | undefined;
  seconds?: number | undefined;
};

/** Undefined where it does not say whom, what or how long. */
export function moderationBody(o: Moderation): Draft['body'] | undefined {
  const { channel, action, topic, seconds, member, reason = '' } = o;
  if (action === 'topic') return topic === undefined ? undefined : { type: 'channel.topicSet', channel, topic };
  if (action === 'slow') return seconds === undefined ? undefined : { type: 'channel.slowSet', channel, seconds };
  if (member === undefined) return undefined;
  switch (action) {
    case 'kick':
      return { type: 'channel.kicked', channel, member, reason };
    case 'ban':
    case 'unban':
      return { type: 'channel.banned', channel, member, banned: action === 'ban', reason };
    case 'mute':
    case 'unmute':
      return { type: 'channel.muted', channel, member, muted: action === 'mute' };
    case 'promote':
    case 'demote':
      return { type: 'channel.roleSet', channel, member, role: action === 'promote' ? 'operator' : 'member' };
  }
}
