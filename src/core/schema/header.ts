/** Reading the two texts of an op. What does not parse here is dropped, and the relay that sent it is counted. */
import { z } from 'zod';
import { hashSchema, nodeIdSchema, opIdSchema, principalSchema } from './ids.ts';
import type { Header } from '../op.ts';
import type { Body, UnknownBody } from './body.ts';
import { bodySchema } from './body.ts';

const positive = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

export const headerSchema: z.ZodType<Header> = z.object({
  node: nodeIdSchema,
  seq: positive,
  lamport: positive,
  entity: opIdSchema,
  prev: hashSchema,
  bodyHash: hashSchema,
  wallMs: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  by: principalSchema,
});

/** JSON.parse as a value: undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function parseHeader(text: string): Header | undefined {
  const parsed = headerSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

/** A body of an unknown type, or of a known type in a shape this version does not understand, is `unknown`; what is no object with a `type` is no body. */
export function parseBody(text: string): Body | UnknownBody | undefined {
  const json = parseJson(text);
  const known = bodySchema.safeParse(json);
  if (known.success) return known.data;
  const named = z.object({ type: z.string().min(1).max(64) }).safeParse(json);
  return named.success ? { type: 'unknown', typeName: named.data.type } : undefined;
}
