/**
 * Maelstrom's messages, one JSON object a line on stdin and stdout (its `doc/protocol.md` and `doc/workloads.md`), and the two kinds that skep's
 * nodes send one another over its network.
 *
 *     {"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}
 *     {"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":1000}}
 *     {"src":"n1","dest":"n2","body":{"type":"skep_hello","node":"0123…","life":"4k2","sent":0,"answer":false}}
 *     {"src":"n1","dest":"n2","body":{"type":"skep_frames","life":"4k2","n":1,"frames":[{"type":2,"op":["…","…"],"sig":"…"}]}}
 */
import { z } from 'zod';
import { nodeIdSchema } from '#core/schema/ids.ts';

const name = z.string().min(1).max(64);
/** Present in a request that wants an answer. */
const msg_id = z.number().int().nonnegative().optional();
const anything = z.json();

export const requestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('init'), msg_id, node_id: name, node_ids: z.array(name).min(1).max(1_000) }),
  z.object({ type: z.literal('echo'), msg_id, echo: anything }),
  /** Who should be whose neighbour. skep chooses its links itself. */
  z.object({ type: z.literal('topology'), msg_id, topology: z.record(z.string(), z.array(z.string())) }),
  z.object({ type: z.literal('broadcast'), msg_id, message: anything }),
  z.object({ type: z.literal('add'), msg_id, element: anything }),
  /** Of broadcast and g-set without a key, of lin-kv with one. */
  z.object({ type: z.literal('read'), msg_id, key: anything.optional() }),
  z.object({ type: z.literal('write'), msg_id, key: anything, value: anything }),
  z.object({
    type: z.literal('cas'),
    msg_id,
    key: anything,
    from: anything,
    to: anything,
    create_if_not_exists: z.boolean().optional(),
  }),
]);
export type Request = z.output<typeof requestSchema>;

const life = z.string().min(1).max(32);

/** Offers a link. `life` names what its sender sends over it, `sent` how many messages that were so far; `answer`: the other end asked. */
export const helloSchema = z.object({
  type: z.literal('skep_hello'),
  node: nodeIdSchema,
  life,
  sent: z.number().int().nonnegative(),
  answer: z.boolean(),
});
export type HelloBody = z.output<typeof helloSchema>;

/** Frames of the mesh, the `n`-th such message of this life of the link. */
export const framesSchema = z.object({
  type: z.literal('skep_frames'),
  life,
  n: z.number().int().min(1),
  frames: z.array(z.looseObject({ type: z.number().int() })).max(10_000),
});
export type FramesBody = z.output<typeof framesSchema>;

export const envelopeSchema = z.object({
  src: name,
  dest: name,
  body: z.looseObject({ type: z.string(), msg_id, in_reply_to: z.number().int().optional() }),
});
export type Envelope = z.output<typeof envelopeSchema>;

/** Maelstrom's error codes, those that are used here. A definite one says that nothing happened, and nothing will. */
export const ERROR = {
  notSupported: 10,
  temporarilyUnavailable: 11,
  malformedRequest: 12,
  keyDoesNotExist: 20,
  preconditionFailed: 22,
} as const;

/** An answer's body without `in_reply_to`. */
export type Answer = { type: string; [field: string]: unknown };

export const errorAnswer = (code: (typeof ERROR)[keyof typeof ERROR], text: string): Answer => ({
  type: 'error',
  code,
  text,
});
