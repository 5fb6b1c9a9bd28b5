/** Bodies of ops about channels and those who meet in them. Each names its channel and, where it is about one, the member. */
import { z } from 'zod';
import { nodeIdSchema, principalSchema } from './ids.ts';

export const channelNameSchema = z
  .string()
  .regex(/^#[A-Za-z0-9_-]{1,31}$/, 'a channel is # and 1 to 31 letters, digits, dashes or underscores');

const one = { channel: channelNameSchema, member: principalSchema };
const reason = z.string().max(200);

/**
 * Somebody made it; who did owns it. Of several makers of one name (two nodes at once) the first by stamp owns it, and it is as closed as any of
 * them wanted: what was said in the belief that only invited ones read stays with them.
 */
export const channelCreated = z.object({
  type: z.literal('channel.created'),
  channel: channelNameSchema,
  inviteOnly: z.boolean(),
  verifiedOnly: z.boolean(),
});

/** In it from now on, through the node that wrote this, under that name. Of several words on one member the newest counts. */
export const channelJoined = z.object({ type: z.literal('channel.joined'), ...one, name: z.string().min(1).max(64) });
export const channelLeft = z.object({ type: z.literal('channel.left'), ...one });

/** May join a channel that only invited ones may. */
export const channelInvited = z.object({ type: z.literal('channel.invited'), ...one });

/** Out of it, and not invited any more; may come back where anybody may. */
export const channelKicked = z.object({ type: z.literal('channel.kicked'), ...one, reason });
/** Out of it, and may not come back until somebody says so (`banned: false`). */
export const channelBanned = z.object({ type: z.literal('channel.banned'), ...one, banned: z.boolean(), reason });
/** Reads, and may not speak. */
export const channelMuted = z.object({ type: z.literal('channel.muted'), ...one, muted: z.boolean() });
/** An operator of a channel may kick, ban, mute, invite and set its topic and pace, as its owner may. */
export const channelRoleSet = z.object({
  type: z.literal('channel.roleSet'),
  ...one,
  role: z.enum(['operator', 'member']),
});

export const channelTopicSet = z.object({
  type: z.literal('channel.topicSet'),
  channel: channelNameSchema,
  topic: z.string().max(300),
});
/** Slow mode: between two messages of one member; 0 for none. Its operators may speak at once. */
export const channelSlowSet = z.object({
  type: z.literal('channel.slowSet'),
  channel: channelNameSchema,
  seconds: z.number().int().min(0).max(86_400),
});

/**
 * The reader was given all messages of the channel, or of its mailbox, up to these numbers of these nodes' logs. Of several words the highest number
 * of each node counts: what was read stays read.
 */
export const readAdvanced = z.object({
  type: z.literal('read.advanced'),
  channel: z.string().min(2).max(64),
  reader: principalSchema,
  upTo: z.record(nodeIdSchema, z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)),
});
