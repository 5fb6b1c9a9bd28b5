/** Frames about the trees along which ops spread in a large swarm (`core/tree.ts`). */
import { z } from 'zod';
import { count, nodeIdSchema } from './ids.ts';

export const TREE_FRAME = { have: 0x23, graft: 0x24, prune: 0x25 } as const;

/** Authors in one frame about the trees: 1,024 of them have some 50 KB. */
export const TREE_AUTHORS_MAX = 1024;

/** Ops that the sender has and does not push to the receiver: author, number of the last one, and how many links it had passed. */
export const haveSchema = z.object({
  type: z.literal(TREE_FRAME.have),
  have: z.array(z.tuple([nodeIdSchema, count, z.number().int().min(0).max(255)])).max(TREE_AUTHORS_MAX),
});
export type Have = z.output<typeof haveSchema>;

/** "Push the ops of these authors to me from now on", and those after the number at once. */
export const graftSchema = z.object({
  type: z.literal(TREE_FRAME.graft),
  want: z.array(z.tuple([nodeIdSchema, count])).max(TREE_AUTHORS_MAX),
});
export type Graft = z.output<typeof graftSchema>;

/** "I get the ops of these authors sooner from others: only tell me of them." */
export const pruneSchema = z.object({
  type: z.literal(TREE_FRAME.prune),
  authors: z.array(nodeIdSchema).max(TREE_AUTHORS_MAX),
});
export type Prune = z.output<typeof pruneSchema>;

/**
 * How many links a pushed op has passed, this one included; set where ops spread along trees (`core/push.ts`). A frame without it answers a
 * question, or comes from a node that is linked with all.
 */
export const hops = z.number().int().min(1).max(255).optional();
