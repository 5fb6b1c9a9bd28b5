/**
 * Frames of the mesh: JSON objects with an integer `type`, behind a 4-byte big-endian length. Codes below 0x40 are the seed's.
 * Unknown types are counted and ignored: newer nodes exist.
 */
import { z } from 'zod';
import { hashSchema, nodeIdSchema, opIdSchema } from './ids.ts';

export const FRAME = {
  hello: 0x01,
  post: 0x02,
  peers: 0x05,
  ping: 0x06,
  pong: 0x07,
  goodbye: 0x08,
  taskCreate: 0x10,
  taskClaim: 0x11,
  taskUpdate: 0x12,
  taskComplete: 0x13,
  taskFail: 0x14,
  taskCancel: 0x15,
  agentRegister: 0x20,
  agentHeartbeat: 0x21,
  watch: 0x22,
  heads: 0x30,
  ops: 0x31,
  op: 0x40,
  call: 0x50,
  reply: 0x51,
} as const;

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/** First frame of both ends. `proof` is an HMAC of the cluster secret over this TLS channel's exported key and both node ids. */
export const helloSchema = z.looseObject({
  type: z.literal(FRAME.hello),
  node_id: nodeIdSchema,
  /** Port at which the sender's mesh can be dialled; 0 when it only dials. */
  p2p_port: z.number().int().min(0).max(65_535),
  http_port: z.number().int().min(0).max(65_535),
  /** Lowest and highest protocol version the sender speaks. */
  protocol: z.tuple([count, count]),
  /** Random at each start of the sender: two values at once mean that a copied directory runs twice. */
  boot: z.string().regex(/^[0-9a-f]{32}$/),
  proof: z.string().max(128),
});
export type Hello = z.output<typeof helloSchema>;

/** Why the sender closes the link; the last frame on it. */
export const goodbyeSchema = z.looseObject({
  type: z.literal(FRAME.goodbye),
  code: z.enum(['wrong_secret', 'wrong_protocol', 'duplicate', 'self', 'forked', 'bad_frame', 'shutdown']),
  message: z.string().max(500),
});
export type Goodbye = z.output<typeof goodbyeSchema>;

export const peersSchema = z.looseObject({
  type: z.literal(FRAME.peers),
  peers: z.array(z.looseObject({ host: z.string().max(255), port: z.number().int().min(1).max(65_535), node_id: nodeIdSchema })).max(256),
});

export const pingSchema = z.looseObject({ type: z.literal(FRAME.ping), node_id: nodeIdSchema, timestamp: z.number() });
export const pongSchema = z.looseObject({ type: z.literal(FRAME.pong), node_id: nodeIdSchema, timestamp: z.number() });

const opTexts = z.tuple([z.string(), z.string()]);

/** One op; the code is the seed's for its body, 0x40 for bodies the seed does not know. */
export const opFrameSchema = z.looseObject({
  type: z.union([
    z.literal(FRAME.post),
    z.literal(FRAME.taskCreate),
    z.literal(FRAME.taskClaim),
    z.literal(FRAME.taskComplete),
    z.literal(FRAME.taskFail),
    z.literal(FRAME.taskCancel),
    z.literal(FRAME.agentRegister),
    z.literal(FRAME.op),
  ]),
  op: opTexts,
  sig: z.string().max(128),
});

/** Consecutive ops of one author, ending on a signed one. `more`: the sender holds further ops of this author. */
export const opsFrameSchema = z.looseObject({
  type: z.literal(FRAME.ops),
  ops: z.array(opTexts).min(1).max(256),
  sig: z.string().max(128),
  more: z.boolean().optional(),
});

/**
 * What the sender holds. `digest` is over all heads; with `heads` the receiver answers each author of which it holds more.
 * Without `heads` it is a question: equal digest, no answer; else the receiver sends its own heads.
 */
export const headsFrameSchema = z.looseObject({
  type: z.literal(FRAME.heads),
  digest: z.string().regex(/^[0-9a-f]{32}$/),
  heads: z.record(z.string(), count).optional(),
  /** True when `heads` names every author the sender knows, so that a missing author means "I hold nothing of it". */
  whole: z.boolean().optional(),
});

/** Presence: every 15 s and at a change, to every linked node. It is the heartbeat and renews the leases of the attempts it lists. */
export const heartbeatSchema = z.looseObject({
  type: z.literal(FRAME.agentHeartbeat),
  node_id: nodeIdSchema,
  /** Counts up at the sender; an older one than held is ignored. */
  beat: count,
  lamport_ts: count,
  /** Nodes the sender is linked with. */
  links: z.array(nodeIdSchema).max(1024),
  agents: z
    .array(
      z.looseObject({
        agent_id: opIdSchema,
        status: z.string().max(32),
        current_task_id: opIdSchema.nullable(),
        attempt: count.nullable(),
      }),
    )
    .max(1024),
});
export type Heartbeat = z.output<typeof heartbeatSchema>;

/** A glimpse of work in progress; only to nodes that watch. `output` is what the agent printed since the last one, `progress` its last line. */
export const taskUpdateSchema = z.looseObject({
  type: z.literal(FRAME.taskUpdate),
  task_id: opIdSchema,
  agent_id: opIdSchema,
  attempt: count,
  status: z.string().max(32),
  progress: z.string().max(2000).nullable(),
  output: z.string().max(65_536).optional(),
});
export type TaskUpdate = z.output<typeof taskUpdateSchema>;

/** The sender has a watcher: `*` for progress of all tasks, or a task id for its output. Lapses after 30 s, renewed every 10 s. */
export const watchSchema = z.looseObject({ type: z.literal(FRAME.watch), topics: z.array(z.string().max(64)).max(256) });

/** One request to a named node. `to` other than the receiver: relayed one hop. Calls carry and raise the Lamport clock. */
export const callSchema = z.looseObject({
  type: z.literal(FRAME.call),
  id: z.string().max(64),
  from: nodeIdSchema,
  to: nodeIdSchema,
  method: z.string().max(64),
  lamport: count,
  deadline_ms: count,
  params: z.unknown(),
});
export type CallFrame = z.output<typeof callSchema>;

/** The one answer to a call: `result`, or `error`. */
export const replySchema = z.looseObject({
  type: z.literal(FRAME.reply),
  id: z.string().max(64),
  from: nodeIdSchema,
  to: nodeIdSchema,
  lamport: count,
  result: z.unknown().optional(),
  error: z.looseObject({ code: z.string().max(64), message: z.string().max(2000) }).optional(),
});
export type ReplyFrame = z.output<typeof replySchema>;

export const frameSchema = z.union([
  opFrameSchema,
  opsFrameSchema,
  headsFrameSchema,
  heartbeatSchema,
  taskUpdateSchema,
  watchSchema,
  callSchema,
  replySchema,
  peersSchema,
  pingSchema,
  pongSchema,
  goodbyeSchema,
  helloSchema,
]);
export type Frame = z.output<typeof frameSchema>;

/** Bodies of the votes; `hashSchema` names blobs in the blob calls. */
export const blobGetSchema = z.looseObject({ blob: hashSchema, offset: count });
