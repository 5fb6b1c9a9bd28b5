/** The frame in which heads of logs are compared. */
import { z } from 'zod';
import { count } from './ids.ts';

export const HEADS_FRAME = 0x30;

const digest = z.string().regex(/^[0-9a-f]{32}$/);
/** The beginning of node ids: a part of all logs. */
const part = z.string().regex(/^[0-9a-f]{1,2}$/);

/**
 * What the sender holds. `digest` is over all heads, or those of `part`; with `heads` the receiver answers each author of which it holds more.
 * Without `heads` it is a question: equal digest, no answer; else the receiver sends its own heads.
 */
export const headsFrameSchema = z.object({
  type: z.literal(HEADS_FRAME),
  digest,
  heads: z.record(z.string(), count).optional(),
  /** True when `heads` names every author the sender knows, so that a missing author means "I hold nothing of it". */
  whole: z.boolean().optional(),
  /** `heads` names every author the sender knows whose id begins so. */
  part: part.optional(),
  /** In place of `heads` where they are many: the digest of each part. The receiver names its heads of those that differ. */
  parts: z.record(part, digest).optional(),
  /** False: the sender tells what it holds and needs no answer now, as another peer is answering it. */
  asks: z.boolean().optional(),
  /** How often the sender voted, proposed and started; and the highest such number that it heard of the receiver. */
  count: count.optional(),
  yours: count.optional(),
});
export type HeadsFrame = z.output<typeof headsFrameSchema>;
