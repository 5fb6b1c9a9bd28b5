/** Bodies of ops about those who come to the hub from outside, known by a key of their own. */
import { z } from 'zod';
import { hashSchema, opIdSchema } from './ids.ts';

/** The first 16 hex digits of the SHA-256 of the public key's PEM text, as in AgentChat. */
export const identityIdSchema = z.string().regex(/^[0-9a-f]{16}$/, 'an identity is 16 hex digits');

const identity = identityIdSchema;
export const nickSchema = z.string().regex(/^[A-Za-z0-9_-]{1,32}$/);

/** An Ed25519 key that may log in. Its door has seen to it that the id belongs to the key. The first key of an id stands. */
export const identityRegistered = z.object({
  type: z.literal('identity.registered'),
  identity,
  /** SPKI as PEM, as its owner wrote it: the id is made of this text. */
  publicKey: z.string().min(1).max(1_000),
  name: nickSchema,
  /** The invitation by which it came; null when an operator let it in, or the hub is open to all. */
  invite: opIdSchema.nullable(),
});
/** An operator's word on whether it may log in; a registered one may until somebody says otherwise. The newest counts. */
export const identityAllowed = z.object({
  type: z.literal('identity.allowed'),
  identity,
  allowed: z.boolean(),
  note: z.string().max(200),
});
export const identityBanned = z.object({
  type: z.literal('identity.banned'),
  identity,
  banned: z.boolean(),
  reason: z.string().max(200),
});
export const identityNickSet = z.object({ type: z.literal('identity.nickSet'), identity, nick: nickSchema });
/** It logged in at the node that wrote this. The newest is its one live session; the Lamport stamp is the epoch, and an older session ends. */
export const identityOpened = z.object({ type: z.literal('identity.opened'), identity });

/** A code that lets unknown keys in, so many of them, until then. Only its hash is here. */
export const inviteCreated = z.object({
  type: z.literal('invite.created'),
  sha256: hashSchema,
  usesMax: z.number().int().min(1).max(10_000),
  /** By the clock of the node where it is used. */
  expiresMs: z.number().int().nonnegative(),
});
