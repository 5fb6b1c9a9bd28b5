/** Bodies of ops about files that are handed over. */
import { z } from 'zod';
import { hashSchema } from './ids.ts';

/** Somebody has a file for a reader (`@<id>` or `@operator`). Its bytes are the blob of that hash, at the node that wrote this and wherever it was fetched since. */
export const fileOffered = z.object({
  type: z.literal('file.offered'),
  to: z.string().min(2).max(64),
  name: z.string().min(1).max(255),
  sha256: hashSchema,
  sizeBytes: z.number().int().nonnegative(),
});
/** The reader has all of it, and its hash is right; or why not. About the offer. Of several words of one reader the newest counts. */
export const fileTaken = z.object({ type: z.literal('file.taken'), error: z.string().max(200).nullable() });
