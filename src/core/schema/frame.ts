/**
 * Frames of the mesh: JSON objects with an integer `type`, behind a 4-byte big-endian length. Codes below 0x40 are the seed's.
 * Unknown types are counted and ignored: newer nodes exist.
 */
import { z } from 'zod';
import { agentBeatSchema } from './agent-beat.ts';
import type { HeadsFrame } from './heads-frame.ts';
import { HEADS_FRAME, headsFrameSchema } from './heads-frame.ts';
import { count, nodeIdSchema, opIdSchema } from './ids.ts';
import type { SignalFrame } from './signal-frame.ts';
import { SIGNAL_FRAME, signalSchema } from './signal-frame.ts';
import type { Graft, Have, Prune } from './tree-frame.ts';
import { graftSchema, haveSchema, hops, pruneSchema, TREE_FRAME } from './tree-frame.ts';

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
  ...TREE_FRAME,
  probe: 0x26,
  probeAnswer: 0x27,
  agentScreen: 0x28,
  signal: SIGNAL_FRAME,
  heads: HEADS_FRAME,
  ops: 0x31,
  op: 0x40,
  call: 0x50,
  reply: 0x51,
} as const;

/** A screen of 120 × 40, each character in a colour of its own, has some 200,000. */
export const SCREEN_MAX_CHARS = 262_144;

/** The seed's own names for HEADS and OPS: read as those, never sent. */
export const SEED_FRAME = { syncRequest: 0x03, syncResponse: 0x04 } as const;

/** First frame of both ends. `proof` is an HMAC of the cluster secret over this TLS channel's exported key and both node ids. */
export const helloSchema = z.object({
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

/**
 * Why the sender closes the link; the last frame on it. `duplicate`: one node id runs twice; `second_link`: these two nodes are linked already;
 * `full`: the sender has as many links as it can; `idle`: in a large swarm not all are linked, and it needs this link no more.
 */
const goodbyeCodes = z.enum([
  'wrong_secret',
  'wrong_protocol',
  'duplicate',
  'second_link',
  'full',
  'self',
  'forked',
  'revoked',
  'bad_frame',
  'idle',
  'shutdown',
  'other',
]);

export const goodbyeSchema = z.object({
  type: z.literal(FRAME.goodbye),
  /** A newer node may have a reason that this one has no word for: its message says it. */
  code: z.union([
    goodbyeCodes,
    z
      .string()
      .max(32)
      .transform((): 'other' => 'other'),
  ]),
  message: z.string().max(500),
});
export type Goodbye = z.output<typeof goodbyeSchema>;

export const peersSchema = z.object({
  type: z.literal(FRAME.peers),
  peers: z
    .array(z.object({ host: z.string().max(255), port: z.number().int().min(1).max(65_535), node_id: nodeIdSchema }))
    .max(256),
});
export type Peers = z.output<typeof peersSchema>;

export const pingSchema = z.object({ type: z.literal(FRAME.ping), node_id: nodeIdSchema, timestamp: z.number() });
export type Ping = z.output<typeof pingSchema>;
export const pongSchema = z.object({ type: z.literal(FRAME.pong), node_id: nodeIdSchema, timestamp: z.number() });
export type Pong = z.output<typeof pongSchema>;

const opTexts = z.tuple([z.string(), z.string()]);

/** One op; the code is the seed's for its body, 0x40 for bodies the seed does not know. */
export const opFrameSchema = z.object({
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
  hops,
});
export type OpFrame = z.output<typeof opFrameSchema>;

/** Consecutive ops of one author, ending on a signed one. `more`: an answer ends here, and the sender goes on when it is told what is held now. */
export const opsFrameSchema = z.object({
  type: z.literal(FRAME.ops),
  ops: z.array(opTexts).min(1).max(256),
  sig: z.string().max(128),
  more: z.boolean().optional(),
  hops,
});
export type OpsFrame = z.output<typeof opsFrameSchema>;

/** Presence: every 15 s and at a change, to every linked node. It is the heartbeat and renews the leases of the attempts it lists. */
export const heartbeatSchema = z.object({
  type: z.literal(FRAME.agentHeartbeat),
  node_id: nodeIdSchema,
  /** Counts up at the sender; an older one than held is ignored. */
  beat: count,
  lamport_ts: count,
  /** How often the sender voted, proposed and started. */
  count: count.optional(),
  /** Nodes the sender is linked with. */
  links: z.array(nodeIdSchema).max(1024),
  agents: z.array(agentBeatSchema).max(1024),
});
export type Heartbeat = z.output<typeof heartbeatSchema>;

/** A glimpse of work in progress; only to nodes that watch. `output` is what the agent printed since the last one, `progress` its last line. */
export const taskUpdateSchema = z.object({
  type: z.literal(FRAME.taskUpdate),
  task_id: opIdSchema,
  agent_id: opIdSchema,
  attempt: count,
  status: z.string().max(32),
  progress: z.string().max(2000).nullable(),
  output: z.string().max(65_536).optional(),
  /** How far its transcript has come: what is new is asked for. */
  transcript: count.optional(),
});
export type TaskUpdate = z.output<typeof taskUpdateSchema>;

/** What the terminal of an agent shows now; only to nodes that watch. Whole each time: one that is lost is made good by the next. */
export const agentScreenSchema = z.object({
  type: z.literal(FRAME.agentScreen),
  agent_id: opIdSchema,
  text: z.string().max(SCREEN_MAX_CHARS),
  columns: count,
  rows: count,
  cursor: z.tuple([count, count]).nullable(),
});
export type AgentScreenFrame = z.output<typeof agentScreenSchema>;

/** The sender has a watcher: `*` for progress of all tasks, a task id for its output, an agent id for its terminal, or `hub` for what hubs tell in passing. Lapses after 30 s, renewed every 10 s. */
export const watchSchema = z.object({ type: z.literal(FRAME.watch), topics: z.array(z.string().max(64)).max(256) });
export type Watch = z.output<typeof watchSchema>;

/** `left` says so itself, when it stops. */
export const memberStateSchema = z.enum(['alive', 'suspect', 'dead', 'left']);
export type MemberState = z.output<typeof memberStateSchema>;

/** What somebody knows of a member. `incarnation` is counted by that member alone: it raises it to contradict what is said of it. */
export const rumourSchema = z.object({ node: nodeIdSchema, state: memberStateSchema, incarnation: count });
export type Rumour = z.output<typeof rumourSchema>;

const probeFields = {
  /** Of the node that probes; 0 in an answer that nobody asked for: news, or a last word. */
  id: count,
  from: nodeIdSchema,
  to: nodeIdSchema,
  /** Of `from`. */
  incarnation: count,
  news: z.array(rumourSchema).max(32),
};

/** "Are you there?" With another `to` than the receiver: asked on behalf of `from`, passed on one hop, as is the answer. */
export const probeSchema = z.object({ type: z.literal(FRAME.probe), ...probeFields });
export type Probe = z.output<typeof probeSchema>;
export const probeAnswerSchema = z.object({ type: z.literal(FRAME.probeAnswer), ...probeFields });
export type ProbeAnswer = z.output<typeof probeAnswerSchema>;

/** One request to a named node. `to` other than the receiver: relayed one hop. Calls carry and raise the Lamport clock. */
export const callSchema = z.object({
  type: z.literal(FRAME.call),
  id: z.string().max(64),
  from: nodeIdSchema,
  to: nodeIdSchema,
  method: z.string().max(64),
  lamport: count,
  /** How often the sender voted, proposed and started; calls carry and tell it as they do the Lamport clock. */
  count: count.optional(),
  deadline_ms: count,
  params: z.unknown(),
});
export type CallFrame = z.output<typeof callSchema>;

/** The one answer to a call: `result`, or `error`. */
export const replySchema = z.object({
  type: z.literal(FRAME.reply),
  id: z.string().max(64),
  from: nodeIdSchema,
  to: nodeIdSchema,
  lamport: count,
  count: count.optional(),
  result: z.unknown().optional(),
  error: z.object({ code: z.string().max(64), message: z.string().max(2000) }).optional(),
});
export type ReplyFrame = z.output<typeof replySchema>;

export type Frame =
  | OpFrame
  | OpsFrame
  | HeadsFrame
  | Heartbeat
  | TaskUpdate
  | Watch
  | AgentScreenFrame
  | SignalFrame
  | Have
  | Graft
  | Prune
  | Probe
  | ProbeAnswer
  | CallFrame
  | ReplyFrame
  | Peers
  | Ping
  | Pong
  | Goodbye
  | Hello;

/** The same frame under a code of the seed. */
function renamed(code: number, schema: typeof headsFrameSchema | typeof opsFrameSchema): z.ZodType<Frame> {
  const to = schema.shape.type.value;
  return z
    .looseObject({ type: z.literal(code) })
    .transform((frame) => ({ ...frame, type: to }))
    .pipe(schema);
}

/** The schema of each code: a decoder looks the code up, so a frame is parsed once. */
export const frameSchemas: ReadonlyMap<number, z.ZodType<Frame>> = new Map<number, z.ZodType<Frame>>([
  [FRAME.post, opFrameSchema],
  [FRAME.taskCreate, opFrameSchema],
  [FRAME.taskClaim, opFrameSchema],
  [FRAME.taskComplete, opFrameSchema],
  [FRAME.taskFail, opFrameSchema],
  [FRAME.taskCancel, opFrameSchema],
  [FRAME.agentRegister, opFrameSchema],
  [FRAME.op, opFrameSchema],
  [FRAME.ops, opsFrameSchema],
  [SEED_FRAME.syncRequest, renamed(SEED_FRAME.syncRequest, headsFrameSchema)],
  [SEED_FRAME.syncResponse, renamed(SEED_FRAME.syncResponse, opsFrameSchema)],
  [FRAME.heads, headsFrameSchema],
  [FRAME.agentHeartbeat, heartbeatSchema],
  [FRAME.taskUpdate, taskUpdateSchema],
  [FRAME.watch, watchSchema],
  [FRAME.agentScreen, agentScreenSchema],
  [FRAME.signal, signalSchema],
  [FRAME.have, haveSchema],
  [FRAME.graft, graftSchema],
  [FRAME.prune, pruneSchema],
  [FRAME.probe, probeSchema],
  [FRAME.probeAnswer, probeAnswerSchema],
  [FRAME.call, callSchema],
  [FRAME.reply, replySchema],
  [FRAME.peers, peersSchema],
  [FRAME.ping, pingSchema],
  [FRAME.pong, pongSchema],
  [FRAME.goodbye, goodbyeSchema],
  [FRAME.hello, helloSchema],
]);
