/**
 * Bodies of ops, one schema a type, `noun.pastVerb`. Unknown fields and unknown types are
 * stored and forwarded with the op's text and change no view; the values of slots keep theirs, because a vote must repeat a value as it came.
 * Names are the field's words in camelCase; the HTTP door shows the seed's snake_case.
 */
import { z } from 'zod';
import {
  agentBudgeted,
  agentDeregistered,
  agentPaused,
  agentRecipientsSet,
  agentOutsidersSet,
  agentRegistered,
  agentStatusSet,
  attemptOfAgent,
  capabilities,
  dollars,
} from './agent-body.ts';
import { approvalClosed, approvalDecided, approvalRequested, ruleAdded, ruleRemoved } from './approval-body.ts';
import { boxDeclared, boxKindSchema } from './box-body.ts';
import {
  channelBanned,
  channelCreated,
  channelInvited,
  channelJoined,
  channelKicked,
  channelLeft,
  channelMuted,
  channelRoleSet,
  channelSlowSet,
  channelTopicSet,
  readAdvanced,
} from './channel-body.ts';
import {
  identityAllowed,
  identityBanned,
  identityNickSet,
  identityOpened,
  identityRegistered,
  inviteCreated,
} from './identity-body.ts';
import {
  proposalAccepted,
  proposalCompleted,
  proposalDelivered,
  proposalDisputed,
  proposalExpired,
  proposalMade,
  proposalRejected,
  proposalSettled,
  skillsRegistered,
  workMerged,
} from './market-body.ts';
import { fileOffered, fileTaken } from './file-body.ts';
import { hashSchema, longTextSchema, nodeIdSchema, opIdSchema } from './ids.ts';
import { messageAcknowledged, messageBounced, messageSent, questionClosed } from './message-body.ts';
import { logForked, nodeRegistered, nodeReplaced, nodeRetired, nodeRevoked } from './node-body.ts';

const slotNumber = z.number().int().min(1).max(10_000);

const projectRegistered = z.object({
  type: z.literal('project.registered'),
  name: z.string().min(1).max(64),
  /** A URL that `git clone` takes, or a path on the registering node. */
  origin: z.string().min(1).max(4096),
  /** Branch that work starts from and is merged into; null means the origin's HEAD. */
  base: z.string().max(255).nullable(),
  /** Shell command run in each new worktree before the agent, or null. */
  setup: z.string().max(4096).nullable(),
});
const projectRemoved = z.object({ type: z.literal('project.removed') });

const taskCreated = z.object({
  type: z.literal('task.created'),
  title: z.string().min(1).max(1000),
  description: longTextSchema,
  context: longTextSchema,
  priority: z.number().int().min(-1_000_000).max(1_000_000),
  requiredCapabilities: capabilities,
  project: opIdSchema.nullable(),
  projectPath: z.string().max(4096).nullable(),
  base: z.string().max(255).nullable(),
  createdBy: z.string().max(200),
  dependsOn: z.array(opIdSchema).max(64),
  attemptsMax: z.number().int().min(1).max(20),
  /** A turn longer than this is ended with reason `timed_out`; null means the node's own limit. */
  timeLimitSeconds: z.number().int().min(1).max(604_800).nullable(),
  /** Nodes that decide this task's slots, home first: 1, 3 or 5. */
  voters: z.array(nodeIdSchema).min(1).max(5),
  claims: z.enum(['decided', 'optimistic']),
  /** An explicit id that an outside protocol demanded. Only a name: slots, votes and fences use the op id. */
  alias: z.string().max(128).nullable(),
  supersedes: opIdSchema.nullable(),
  /** All its attempts together may cost so much, in US dollars; absent: as much as it is. */
  budgetUsd: dollars.nullish(),
  /** An agent in such a box made it, said by the door that knew the agent: only an agent in a box may work it. */
  fromBox: boxKindSchema.optional(),
  /** Its agent begins with a copy of the conversation of that attempt: only the agent that had it may work it. */
  fork: attemptOfAgent.optional(),
});

/** An operator's word that a task which an agent made may be worked. Of no meaning for others. */
const taskAllowed = z.object({ type: z.literal('task.allowed') });

const taskClaimed = z.object({ type: z.literal('task.claimed'), slot: slotNumber, agent: opIdSchema });
const taskClaimWithdrawn = z.object({ type: z.literal('task.claimWithdrawn'), claim: opIdSchema });
/** Appended by the grantee in the commit that lets the attempt start. */
const taskStarted = z.object({ type: z.literal('task.started'), slot: slotNumber });

/** Work as a git bundle base..head, stored as a blob on the grantee and on home before the end is proposed. */
export const workSchema = z.looseObject({
  project: opIdSchema.nullable(),
  branch: z.string().max(512),
  base: z.string().regex(/^[0-9a-f]{40,64}$/),
  head: z.string().regex(/^[0-9a-f]{40,64}$/),
  commits: z.number().int().nonnegative(),
  bundle: hashSchema,
  sizeBytes: z.number().int().nonnegative(),
});
export type Work = z.output<typeof workSchema>;

export const grantValueSchema = z.looseObject({
  kind: z.literal('granted'),
  attempt: z.number().int().min(1).max(20),
  claim: opIdSchema,
  node: nodeIdSchema,
  agent: opIdSchema,
});
export type GrantValue = z.output<typeof grantValueSchema>;

/** Why an attempt ended; a closed list. */
export const endReasonSchema = z.enum([
  'script_failed',
  'setup_failed',
  'interrupted',
  'refused',
  'timed_out',
  'limit',
  'walltime',
  'lost',
  'dependency',
  'cancelled',
]);
export type EndReason = z.output<typeof endReasonSchema>;

export const endValueSchema = z.looseObject({
  kind: z.enum(['completed', 'failed', 'released', 'lost', 'cancelled']),
  /** The attempt it ends; 0 when a task is cancelled while no attempt is granted. */
  attempt: z.number().int().min(0).max(20),
  reason: endReasonSchema.nullable(),
  result: longTextSchema.nullable(),
  error: longTextSchema.nullable(),
  work: workSchema.nullable(),
  /** Who asked for a cancellation, else null. */
  by: z.string().max(200).nullable(),
  /** Of an optimistic task, where nobody decides who works it: whose attempt this ends. */
  grant: grantValueSchema.optional(),
});
export type EndValue = z.output<typeof endValueSchema>;

/** What a slot may be decided as: odd slots a grant (or a cancellation), even slots the end of that attempt. */
export const slotValueSchema = z.union([grantValueSchema, endValueSchema]);
export type SlotValue = z.output<typeof slotValueSchema>;

const taskGranted = z.object({ type: z.literal('task.granted'), slot: slotNumber, value: grantValueSchema });
const taskEnded = z.object({ type: z.literal('task.ended'), slot: slotNumber, value: endValueSchema });

/** The grantee's word on how its attempt ended, when no majority could decide it in time or had decided otherwise (then it is late). */
const taskReported = z.object({ type: z.literal('task.reported'), slot: slotNumber, value: endValueSchema });

/**
 * What an agent used in one turn, of one model, by its node; about the task. The sum over a task's records is what the task used. `ids`: which words
 * of the tool are in it, so that the node counts none twice.
 */
const usageRecorded = z.object({
  type: z.literal('usage.recorded'),
  attempt: z.number().int().min(1).max(20),
  agent: opIdSchema,
  model: z.string().max(200).nullable(),
  ids: z.array(z.string().max(64)).max(256),
  /** Read from no cache. */
  inputTokens: z.number().int().nonnegative(),
  cachedTokens: z.number().int().nonnegative(),
  /** Reasoning included. */
  outputTokens: z.number().int().nonnegative(),
  reasoningTokens: z.number().int().nonnegative(),
  /** Null: nobody knows, which is not nothing. */
  costUsd: z.number().nonnegative().nullable(),
  /** By the tool itself, or by the node's table of prices. */
  pricedBy: z.enum(['tool', 'table']).nullable(),
  /** Turns that ended with it, and how long they took, the waits for people included; absent: told by another record, or by none. */
  turns: z.number().int().min(0).optional(),
  timeMs: z.number().int().nonnegative().optional(),
});

const postCreated = z.object({
  type: z.literal('post.created'),
  content: z.string().min(1).max(1000),
  author: z.string().min(1).max(64),
});

/** What a cap speaks of: a node (its id), a tool, an account. */
export const capKindSchema = z.enum(['node', 'tool', 'account']);
export type CapKind = z.output<typeof capKindSchema>;

/** An operator's word on how many attempts of it run at once in the swarm; null: as many as there are agents. Of several words the newest counts. */
const capSet = z.object({
  type: z.literal('cap.set'),
  kind: capKindSchema,
  name: z.string().min(1).max(64),
  max: z.number().int().min(0).max(100_000).nullable(),
});

export const bodySchema = z.discriminatedUnion('type', [
  nodeRegistered,
  nodeReplaced,
  nodeRevoked,
  nodeRetired,
  logForked,
  agentRegistered,
  agentDeregistered,
  agentPaused,
  agentBudgeted,
  boxDeclared,
  agentRecipientsSet,
  agentOutsidersSet,
  agentStatusSet,
  projectRegistered,
  projectRemoved,
  taskCreated,
  taskAllowed,
  taskClaimed,
  taskClaimWithdrawn,
  taskStarted,
  taskGranted,
  taskEnded,
  taskReported,
  usageRecorded,
  postCreated,
  approvalRequested,
  approvalDecided,
  approvalClosed,
  ruleAdded,
  ruleRemoved,
  capSet,
  messageSent,
  messageAcknowledged,
  messageBounced,
  questionClosed,
  channelCreated,
  channelJoined,
  channelLeft,
  channelInvited,
  channelKicked,
  channelBanned,
  channelMuted,
  channelRoleSet,
  channelTopicSet,
  channelSlowSet,
  readAdvanced,
  identityRegistered,
  identityAllowed,
  identityBanned,
  identityNickSet,
  identityOpened,
  inviteCreated,
  skillsRegistered,
  proposalMade,
  proposalAccepted,
  proposalRejected,
  proposalExpired,
  proposalDelivered,
  proposalCompleted,
  proposalDisputed,
  proposalSettled,
  workMerged,
  fileOffered,
  fileTaken,
]);
/** A body this version understands. */
export type Body = z.output<typeof bodySchema>;
export type BodyType = Body['type'];
export type BodyOf<T extends BodyType> = Extract<Body, { type: T }>;

/** A body of a newer version: kept and forwarded, folded by nobody here. */
export type UnknownBody = { type: 'unknown'; typeName: string };
