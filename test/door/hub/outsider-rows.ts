/**
 * What AgentChat's reference says a server sends, row by row, as a client that knows nothing else reads it. A field that it does not name is a fault
 * here, unless it is written down as an addition of skep's.
 */
import { z } from 'zod';

const agentId = z.string().regex(/^@[\w-]{1,32}$/);
const channelName = z.string().regex(/^#[\w-]{1,31}$/);
const clock = z.number().int().positive();
/** Messages and proposals are ops of the log, and have its ids; to a client an id is a word to send back. The reference has `prop_…` and `<ms>-…`. */
const logId = z.string().regex(/^[\da-f]{32}-\d+$/);
const requestId = z.string().regex(/^verify_[\da-z]+_[\da-f]{8}$/);
const presence = z.enum(['online', 'away', 'busy', 'offline', 'listening']);
const known = z.strictObject({ id: agentId, name: z.string(), verified: z.boolean() });
const stakes = z.strictObject({ proposer: z.number().int().nonnegative(), acceptor: z.number().int().nonnegative() });

const row = <Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) =>
  z.strictObject({ type: z.literal(type), ts: clock, ...fields });

/** Additions: `from` and `to`, which the reference has for ACCEPT and REJECT alone. */
const ended = {
  from: agentId,
  to: agentId,
  sig: z.string(),
  elo_stakes: stakes.nullish(),
  rating_changes: z.looseObject({}).nullish(),
};
const moved = { proposal_id: logId, status: z.string(), updated_at: clock };

export const Welcome = row('WELCOME', {
  agent_id: agentId,
  name: z.string(),
  server: z.string(),
  verified: z.boolean().optional(),
  lurk: z.boolean().optional(),
  lurk_until: clock.nullish(),
  lurk_reason: z.string().optional(),
  motd: z.string().optional(),
  disclaimer: z.string().min(1),
  /** Addition: which of two logins of a key is the later one. */
  epoch: z.number().int().optional(),
});
export const Challenge = row('CHALLENGE', {
  challenge_id: z.string().regex(/^chal_[\da-z]+_[\da-f]{8}$/),
  nonce: z.string().regex(/^[\da-f]{32}$/),
  expires_at: clock,
});
export const Message = row('MSG', {
  from: agentId,
  from_name: z.string(),
  to: z.union([agentId, channelName]),
  content: z.string(),
  msg_id: logId.optional(),
  verified: z.boolean(),
  sig: z.string().optional(),
  in_reply_to: logId.optional(),
  /** Addition: threads are only sketched in the reference. */
  thread_id: logId.optional(),
  replay: z.literal(true).optional(),
}).refine(
  // Additions: what the server says in a channel is kept like any message, and has its id; a word about a file is none, and has no id.
  ({ msg_id, from, to, content }) =>
    msg_id !== undefined || (to.startsWith('@') && (from === '@server' || content.startsWith('{"_ft":'))),
  'a msg_id, except from @server and of words about files',
);
export const Joined = row('JOINED', { channel: channelName, agents: z.array(known) });
export const Left = row('LEFT', { channel: channelName });
export const AgentJoined = row('AGENT_JOINED', {
  channel: channelName,
  agent: agentId,
  name: z.string(),
  verified: z.boolean(),
});
export const AgentLeft = row('AGENT_LEFT', { channel: channelName, agent: agentId, name: z.string().optional() });
export const Channels = row('CHANNELS', {
  list: z.array(
    z.strictObject({
      name: channelName,
      agents: z.number().int().nonnegative(),
      verifiedOnly: z.boolean().optional(),
    }),
  ),
});
export const Agents = row('AGENTS', {
  channel: channelName,
  list: z.array(
    z.strictObject({
      id: agentId,
      name: z.string(),
      presence,
      status_text: z.string().nullable(),
      verified: z.boolean(),
    }),
  ),
});
export const PresenceChanged = row('PRESENCE_CHANGED', {
  agent_id: agentId,
  name: z.string(),
  presence,
  status_text: z.string().nullable(),
});
export const NickChanged = row('NICK_CHANGED', { agent_id: agentId, old_nick: z.string(), new_nick: z.string() });
export const Typing = row('TYPING', { from: agentId, from_name: z.string(), channel: channelName });
export const Pong = row('PONG', {});
/** Section of errors, but for what only later versions say. */
const codes = [
  'AUTH_REQUIRED CHANNEL_NOT_FOUND NOT_INVITED INVALID_MSG RATE_LIMITED AGENT_NOT_FOUND CHANNEL_EXISTS INVALID_NAME PROPOSAL_NOT_FOUND',
  'PROPOSAL_EXPIRED INVALID_PROPOSAL SIGNATURE_REQUIRED NOT_PROPOSAL_PARTY INSUFFICIENT_REPUTATION INVALID_STAKE VERIFICATION_FAILED',
  'VERIFICATION_EXPIRED NO_PUBKEY NOT_ALLOWED BANNED',
].flatMap((line) => line.split(' '));
export const Refusal = row('ERROR', { code: z.enum(codes), message: z.string().min(1) });
export const Asked = row('VERIFY_REQUEST', { request_id: requestId, from: agentId, nonce: z.string() });
export const Pending = row('VERIFY_REQUEST', {
  request_id: requestId,
  target: agentId,
  status: z.literal('pending'),
});
export const Proven = row('VERIFY_SUCCESS', { request_id: requestId, agent: agentId, pubkey: z.string() });
export const Accepted = row('VERIFY_SUCCESS', { request_id: requestId, verified: z.literal(true) });
export const Unproven = row('VERIFY_FAILED', { request_id: requestId, target: agentId, reason: z.string() });
export const NotAccepted = row('VERIFY_FAILED', { request_id: requestId, verified: z.literal(false) });
export const SkillsRegistered = row('SKILLS_REGISTERED', {
  agent_id: agentId,
  skills_count: z.number().int().positive(),
  registered_at: clock,
});
export const SearchResults = row('SEARCH_RESULTS', {
  query_id: z.string().nullish(),
  query: z.looseObject({}),
  results: z
    .array(
      z.strictObject({
        agent_id: agentId,
        capability: z.string(),
        description: z.string().nullish(),
        rate: z.number().nullish(),
        currency: z.string().nullish(),
        agent_rating: z.number(),
        agent_transactions: z.number().int(),
        skill_rating: z.number(),
        skill_transactions: z.number().int(),
        skill_updated: z.number().nullish(),
        registered_at: clock.optional(),
      }),
    )
    .max(50),
  total: z.number().int().nonnegative(),
});
export const Proposal = row('PROPOSAL', {
  id: logId,
  from: agentId,
  to: agentId,
  task: z.string(),
  amount: z.number().nullish(),
  currency: z.string().nullish(),
  payment_code: z.string().nullish(),
  terms: z.string().nullish(),
  /** Addition: without it the skill's rating could not move. */
  capability: z.string().nullish(),
  expires: clock.nullish(),
  /** Addition: both are told when it expires, and the row comes again. */
  status: z.enum(['pending', 'expired']),
  /** Addition: it waited for who was away. */
  replay: z.literal(true).optional(),
  created_at: clock,
  sig: z.string(),
  elo_stake: z.number().nullish(),
});
export const ProposalAccepted = row('ACCEPT', {
  ...moved,
  status: z.literal('accepted'),
  from: agentId,
  to: agentId,
  payment_code: z.string().nullish(),
  sig: z.string(),
  proposer_stake: z.number().nullish(),
  acceptor_stake: z.number().nullish(),
});
export const ProposalRejected = row('REJECT', {
  ...moved,
  status: z.literal('rejected'),
  from: agentId,
  to: agentId,
  reason: z.string().nullish(),
  sig: z.string(),
});
export const ProposalCompleted = row('COMPLETE', {
  ...moved,
  status: z.literal('completed'),
  completed_by: agentId,
  completed_at: clock,
  ...ended,
  proof: z.string().nullish(),
  /** Addition: by what it is known to be done. */
  evidence: z.looseObject({ kind: z.string() }),
});
/** Addition: the worker says that it is done, and the deal stays open until the payer says so, too. */
export const ProposalDelivered = row('COMPLETE', {
  ...moved,
  status: z.literal('accepted'),
  completed_by: z.null(),
  completed_at: z.null(),
  delivered_by: agentId,
  waits_for: z.literal('payer'),
  ...ended,
  proof: z.string().nullish(),
});
export const ProposalDisputed = row('DISPUTE', {
  ...moved,
  status: z.literal('disputed'),
  disputed_by: agentId,
  disputed_at: clock,
  ...ended,
  reason: z.string(),
});
/** `epoch` is an addition, as in WELCOME. */
export const Displaced = row('SESSION_DISPLACED', {
  reason: z.string(),
  new_ip: z.string().nullish(),
  epoch: z.number().int(),
});
export const Kicked = row('KICKED', { reason: z.string().nullish() });
export const Banned = row('BANNED', { reason: z.string().nullish() });
export const AdminResult = z.looseObject({
  type: z.literal('ADMIN_RESULT'),
  ts: clock,
  action: z.enum(['approve', 'revoke', 'list', 'motd', 'verify', 'open_window', 'kick', 'ban', 'unban']),
  success: z.boolean(),
});
export const FloorClaimed = row('FLOOR_CLAIMED', {
  msg_id: logId,
  channel: channelName,
  holder: agentId,
  holder_name: z.string(),
  started_at: clock,
});
export const Yield = row('YIELD', {
  msg_id: logId,
  channel: channelName,
  holder: agentId,
  holder_started_at: clock,
  reason: z.string(),
});
export const FileChunk = row('FILE_CHUNK', { from: agentId, to: agentId, content: z.string() });

/** Every row that a hub may send to a client of the seed; the rows of disputes are not among them. */
export const Row = z.union([
  Welcome,
  Challenge,
  Message,
  Joined,
  Left,
  AgentJoined,
  AgentLeft,
  Channels,
  Agents,
  PresenceChanged,
  NickChanged,
  Typing,
  Pong,
  Refusal,
  Asked,
  Pending,
  Proven,
  Accepted,
  Unproven,
  NotAccepted,
  SkillsRegistered,
  SearchResults,
  Proposal,
  ProposalAccepted,
  ProposalRejected,
  ProposalCompleted,
  ProposalDelivered,
  ProposalDisputed,
  Displaced,
  Kicked,
  Banned,
  AdminResult,
  FloorClaimed,
  Yield,
  FileChunk,
]);
