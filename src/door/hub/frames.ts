/**
 * What a client of the hub may say, in AgentChat's words: one schema a type. This table parses; who may say it and what follows stands beside each
 * name in `handlers.ts`. What is skep's own (`invite`, `after`, MODERATE, SEARCH_MESSAGES) is left out by clients that do not know them.
 */
import { z } from 'zod';
import { channelNameSchema } from '#core/schema/channel-body.ts';
import { nickSchema } from '#core/schema/identity-body.ts';
import { SEARCH_INPUT } from '../message/search-desk.ts';
import { agent, FRAME_MAX_BYTES } from './fields.ts';
import { MARKET_FRAMES, NOT_HERE } from './market-frames.ts';

const channel = channelNameSchema;
const content = z.string().min(1, 'Content is empty').max(FRAME_MAX_BYTES, 'Content too long (max 2MB)');
const reason = z.string().max(200).optional();
const admin = { admin_key: z.string().min(1).max(200) };
const pem = z.string().min(1).max(1_000);

export const FRAMES = {
  IDENTIFY: z.object({ name: nickSchema, pubkey: pem.nullish(), invite: z.string().max(100).nullish() }),
  VERIFY_IDENTITY: z.object({
    challenge_id: z.string().max(64),
    signature: z.string().max(200),
    timestamp: z.number(),
    /** A cursor: direct messages after it are sent again. */
    after: z.string().max(65_536).optional(),
  }),
  PING: z.object({}),
  /** `after`: a cursor, in the place of the last messages. */
  JOIN: z.object({ channel, after: z.string().max(65_536).optional() }),
  LEAVE: z.object({ channel }),
  LIST_AGENTS: z.object({ channel }),
  LIST_CHANNELS: z.object({}),
  CREATE_CHANNEL: z.object({
    channel,
    invite_only: z.boolean().default(false),
    verified_only: z.boolean().default(false),
  }),
  INVITE: z.object({ channel, agent }),
  MSG: z.object({
    to: z.string().regex(/^[#@]/, 'Invalid target (must start with # or @)').max(65),
    content,
    sig: z.string().max(200).nullish(),
    in_reply_to: z.string().max(64).nullish(),
    /** The first message of a thread; without `in_reply_to` it is the one that is answered. */
    thread_id: z.string().max(64).nullish(),
  }),
  TYPING: z.object({ channel }),
  /** `started_at` is the client's, and not believed. */
  RESPONDING_TO: z.object({ msg_id: z.string().max(64), channel, started_at: z.number().optional() }),
  SET_PRESENCE: z.object({
    status: z.enum(['online', 'away', 'busy', 'offline', 'listening'], 'Invalid presence status'),
    status_text: z.string().max(100, 'Status text too long (max 100)').nullish(),
  }),
  SET_NICK: z.object({ nick: nickSchema.max(24) }),
  VERIFY_REQUEST: z.object({ target: agent, nonce: z.string().min(16).max(128) }),
  VERIFY_RESPONSE: z.object({ request_id: z.string().max(64), nonce: z.string().max(128), sig: z.string().max(200) }),
  MODERATE: z.object({
    channel,
    action: z.enum(['kick', 'ban', 'unban', 'mute', 'unmute', 'promote', 'demote', 'topic', 'slow']),
    agent: agent.optional(),
    reason,
    topic: z.string().max(300).optional(),
    seconds: z.number().int().min(0).max(86_400).optional(),
  }),
  SEARCH_MESSAGES: SEARCH_INPUT.extend({ query_id: z.string().max(64).nullish() }),
  ADMIN_APPROVE: z.object({ ...admin, pubkey: pem, note: z.string().max(200).default('') }),
  ADMIN_REVOKE: z.object({ ...admin, pubkey: pem.optional(), agent_id: agent.optional() }),
  ADMIN_LIST: z.object(admin),
  ADMIN_KICK: z.object({ ...admin, agent_id: agent, reason }),
  ADMIN_BAN: z.object({ ...admin, agent_id: agent, reason }),
  ADMIN_UNBAN: z.object({ ...admin, agent_id: agent }),
  ...MARKET_FRAMES,
} as const;

export type FrameName = keyof typeof FRAMES;
export type FrameOf<N extends FrameName> = z.output<(typeof FRAMES)[N]>;

export const isFrameName = (name: string): name is FrameName => Object.hasOwn(FRAMES, name);

export type Refused = { code: ErrorCode; message: string };

/** Of AgentChat's list, those that this hub gives. */
export type ErrorCode =
  | 'AUTH_REQUIRED'
  | 'CHANNEL_NOT_FOUND'
  | 'NOT_INVITED'
  | 'INVALID_MSG'
  | 'RATE_LIMITED'
  | 'AGENT_NOT_FOUND'
  | 'CHANNEL_EXISTS'
  | 'INVALID_NAME'
  | 'VERIFICATION_FAILED'
  | 'VERIFICATION_EXPIRED'
  | 'NO_PUBKEY'
  | 'NOT_ALLOWED'
  | 'BANNED'
  | 'SIGNATURE_REQUIRED'
  | 'INVALID_PROPOSAL'
  | 'INSUFFICIENT_REPUTATION';

export const bad = (code: ErrorCode, message: string): Refused => ({ code, message });
export const isRefused = (value: unknown): value is Refused =>
  typeof value === 'object' && value !== null && 'code' in value && 'message' in value;

/** The type of a frame and what stands beside it, not looked at yet. */
export type Said = { name: FrameName; json: unknown };

/** What is said; or what is wrong. */
export function nameOf(text: string): Said | Refused {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return bad('INVALID_MSG', 'Invalid JSON');
  }
  const type = typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined;
  if (typeof type !== 'string') return bad('INVALID_MSG', 'Missing message type');
  if (isFrameName(type)) return { name: type, json };
  return bad('INVALID_MSG', NOT_HERE.get(type) ?? `Unknown message type: ${type.slice(0, 40)}`);
}

/** The frame; or what is wrong with it first, in AgentChat's codes. */
export function parseFrame<T>(schema: z.ZodType<T>, json: unknown): T | Refused {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = (issue?.path ?? []).map(String).join('.');
  if (field === 'channel') return bad('INVALID_NAME', 'Invalid channel name');
  if (field === 'name' || field === 'nick') return bad('INVALID_NAME', `Invalid ${field}`);
  const message = issue?.message ?? 'Invalid message';
  return bad('INVALID_MSG', /^(Invalid input|Too|Unrecognized)/.test(message) ? `${field}: ${message}` : message);
}
