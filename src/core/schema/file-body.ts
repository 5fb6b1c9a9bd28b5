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
  /** What its sender calls it, where it came by the words of AgentChat. */
  transfer: z.string().min(1).max(64).optional(),
  /** What lies in it, where it is an archive of several. */
  files: z
    .array(z.object({ path: z.string().min(1).max(255), size: z.number().int().nonnegative() }))
    .max(64)
    .optional(),
});
/** The reader has all of it, and its hash is right; or why not. About the offer. Of several words of one reader the newest counts. */
export const fileTaken = z.object({ type: z.literal('file.taken'), error: z.string().max(200).nullable() });
