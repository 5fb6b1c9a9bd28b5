/** Bodies of ops about nodes and their logs. */
import { z } from 'zod';
import { longTextSchema, nodeIdSchema } from './ids.ts';

/** First op of every log (it carries the key by which the log is verified), and again whenever addresses or version change. */
export const nodeRegistered = z.object({
  type: z.literal('node.registered'),
  /** SPKI in DER, base64. SHA-256 of it begins with the node id. */
  publicKey: z.string().max(256),
  name: z.string().max(64),
  /** `host:port` at which the mesh can be dialled; empty for a node that only dials. */
  addresses: z.array(z.string().max(260)).max(16),
  version: z.string().max(32),
});

/**
 * The author was made from a backup of `old` and stands in its place; about the node row of `old`. Nothing is taken over by it: what `old` had
 * of tasks and agents stays its own. `lastSeq` is what the backup held of its log, which may have gone on after it.
 */
export const nodeReplaced = z.object({
  type: z.literal('node.replaced'),
  old: nodeIdSchema,
  lastSeq: z.number().int().nonnegative(),
});

/**
 * An operator's word that a node is out of the swarm for good: its key is no longer trusted (`revoked`), or its machine is gone (`retired`). Its log
 * counts up to `lastSeq` everywhere; of several words the lowest number holds. About the node row of `node`.
 */
export const nodeRevoked = z.object({
  type: z.literal('node.revoked'),
  node: nodeIdSchema,
  lastSeq: z.number().int().nonnegative(),
});
export const nodeRetired = z.object({
  type: z.literal('node.retired'),
  node: nodeIdSchema,
  lastSeq: z.number().int().nonnegative(),
});

/** Proof that a node signed two histories: its log counts up to `seq - 1` everywhere. */
export const logForked = z.object({
  type: z.literal('log.forked'),
  node: nodeIdSchema,
  seq: z.number().int().min(1),
  /** JSON of both header chains from `seq` to a signed header each, with the signatures. */
  proof: longTextSchema,
});
