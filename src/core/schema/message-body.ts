/** Bodies of ops about messages. */
import { z } from 'zod';
import { longTextSchema, opIdSchema } from './ids.ts';

/**
 * `@<agent's op id>`: the mailbox of that agent, which alone reads it. `@operator`: of the people. `@` and 16 hex digits: of an identity of the hub,
 * or 8 characters, one of them a digit: of a guest without a key. `#name`: a channel, for all who are in it.
 */
const channel = z
  .string()
  .regex(
    /^(@(operator|[0-9a-f]{32}-[1-9][0-9]{0,15}|[0-9a-f]{16}|(?=[a-z]*[0-9])[a-z0-9]{8})|#[A-Za-z0-9_-]{1,31})$/,
    'a channel is @operator, @<agent id>, @<identity> or #<name>',
  );

/**
 * A message to one reader, or to a channel; who speaks is `by` of the header. To many agents it is sent once each, in one batch: each reader
 * acknowledges for itself. Those in a channel have one message, and a cursor each.
 * Whoever lets it in has checked the sender's allow-list and budget.
 */
export const messageSent = z.object({
  type: z.literal('message.sent'),
  channel,
  /** `reminder`: an agent's own, due later. `event`: something outside happened. */
  kind: z.enum(['text', 'reminder', 'question', 'answer', 'event']),
  text: longTextSchema,
  /** The message that this one answers. */
  replyTo: opIdSchema.nullable(),
  /** The first message of the conversation; null for one that begins it. */
  thread: opIdSchema.nullable(),
  /** How many messages led to this one, each sent while the one before was being handled. */
  hops: z.number().int().nonnegative().max(1_000),
  /** Of an `event`: where it happened, in the words of whoever told it. */
  source: z.string().max(64).nullable(),
  /** Not handed out before this moment, by the clock of the reader's node; null: at once. */
  dueMs: z.number().int().nonnegative().nullable(),
  /** Of a `question`: choices, which are only advice; whether several may be taken; until when an answer counts, by the clock of the asker's node. */
  options: z.array(z.string().min(1).max(200)).max(16).optional(),
  multi: z.boolean().optional(),
  expiresMs: z.number().int().nonnegative().optional(),
  /** The speaker's own signature of the text, for whoever wants to check it: nobody here does. */
  sig: z.string().max(200).optional(),
});

/** The reader has handled it: the turn it was given to succeeded. About the message; counts only when written by the node of that reader. */
export const messageAcknowledged = z.object({ type: z.literal('message.acknowledged'), agent: opIdSchema });

/** It is handed out no more, and was not handled. About the message; counts only when written by the node of that reader. */
export const messageBounced = z.object({
  type: z.literal('message.bounced'),
  agent: opIdSchema,
  reason: z.enum(['recipient_gone', 'mailbox_full', 'undeliverable', 'cancelled']),
});

/** About a question; counts only when written by the node of the asker, which alone decides it. An answer is a message in the same batch. */
export const questionClosed = z.object({
  type: z.literal('question.closed'),
  how: z.enum(['answered', 'expired', 'cancelled']),
});
