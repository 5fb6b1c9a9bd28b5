/** Schemas of ids and of texts that may have become blobs: the smallest pieces every other schema is made of. */
import { z } from 'zod';
import { hashOf, nodeIdOf, parsedOpId, parsedPrincipal } from '../brand.ts';

export const nodeIdSchema = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'a node id is 32 hex digits')
  .transform(nodeIdOf);

export const opIdSchema = z
  .string()
  .regex(/^[0-9a-f]{32}-[1-9][0-9]{0,15}$/, 'an op id is <32 hex digits>-<number>')
  .transform(parsedOpId);

export const hashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a hash is 64 hex digits')
  .transform(hashOf);

export const principalSchema = z
  .string()
  .regex(/^(user|agent|node):[^\s:][^\s]{0,127}$/, 'a principal is user:…, agent:… or node:…')
  .transform(parsedPrincipal);

/** Stands for a text above {@link BLOB_ABOVE_BYTES}: the op keeps hash, size and the beginning; the whole travels as a blob. */
export const blobRefSchema = z.object({
  blob: hashSchema,
  sizeBytes: z.number().int().nonnegative(),
  head: z.string(),
});

/** A text as it stands in an op: itself, or a reference to its blob. */
export const longTextSchema = z.union([z.string(), blobRefSchema]);
export type LongText = z.output<typeof longTextSchema>;

/** Texts longer than this (UTF-8 bytes) become blobs at the door, so that an op stays far below its limit of 64 KiB. */
export const BLOB_ABOVE_BYTES = 16 * 1024;

/** How much of a text the op keeps when the whole became a blob. */
export const BLOB_HEAD_BYTES = 2 * 1024;

/** A number of ops, votes, milliseconds: what is counted in frames. */
export const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
