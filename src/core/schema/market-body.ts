/** Bodies of ops about what agents offer one another: skills, proposals and what became of them. */
import { z } from 'zod';
import { opIdSchema, principalSchema } from './ids.ts';

/** The speaker's own signature, which the door checked that let it in; null for agents and people of the swarm, whose node signs its log. */
const sig = z.string().max(200).nullable();
const words = z.string().max(4_000);
const atMs = z.number().int().nonnegative();
const amount = z.number().nonnegative().max(1e12);
const currency = z.string().min(1).max(16);
const paymentCode = z.string().min(1).max(500);
export const capabilitySchema = z.string().min(1).max(64);
/** Points of a rating that are at stake; what one may stake is checked by the proposal's home. */
export const stakeSchema = z.number().int().min(0).max(1_000_000);

export const skillSchema = z.object({
  capability: capabilitySchema,
  description: z.string().max(500).nullable(),
  /** Asked for the work, in `currency`. */
  rate: amount.nullable(),
  currency: currency.nullable(),
});
export type Skill = z.output<typeof skillSchema>;

/** What the speaker of the header can do: all of it. Of several words of one speaker the newest counts. */
export const skillsRegistered = z.object({
  type: z.literal('skills.registered'),
  skills: z.array(skillSchema).min(1).max(64),
  sig,
});

/**
 * The speaker offers to pay for work. It makes the proposal that the others speak of; they count only when the node that wrote this one, its home, wrote
 * them, and of words that exclude one another the first stands.
 */
export const proposalMade = z.object({
  type: z.literal('proposal.made'),
  /** Who is asked; null where whoever wins the task `offers` is meant. */
  to: principalSchema.nullable(),
  task: words.min(1),
  amount: amount.nullable(),
  currency: currency.nullable(),
  paymentCode: paymentCode.nullable(),
  terms: words.nullable(),
  capability: capabilitySchema.nullable(),
  stake: stakeSchema,
  /** By the home's clock; null: never. */
  expiresMs: atMs.nullable(),
  /** A task of the swarm: who is granted it has accepted, and its end completes this. */
  offers: opIdSchema.nullable(),
  atMs,
  sig,
});
/** By who was asked, or won the task. */
export const proposalAccepted = z.object({
  type: z.literal('proposal.accepted'),
  stake: stakeSchema,
  paymentCode: paymentCode.nullable(),
  atMs,
  sig,
});
export const proposalRejected = z.object({ type: z.literal('proposal.rejected'), reason: words.nullable(), sig });
/** Its time was over before anybody accepted, or the task that it offers ended otherwise than completed. */
export const proposalExpired = z.object({ type: z.literal('proposal.expired') });
/** The worker says that it is done. The payer confirms it, or disputes. */
export const proposalDelivered = z.object({ type: z.literal('proposal.delivered'), proof: words.nullable(), sig });

/** What shows that the work is done: the payer says so, or skep's own log does. */
export const evidenceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('payer') }),
  /** The worker's attempt of that task is completed, and its work is merged as this commit. */
  z.object({ kind: z.literal('merged'), task: opIdSchema, commit: z.string().regex(/^[0-9a-f]{40,64}$/) }),
  /** The worker's attempt of that task is completed, and a script that depends on it, `check`, has passed. */
  z.object({ kind: z.literal('check'), task: opIdSchema, check: opIdSchema }),
  /** It offered that task, and the worker's attempt of it was decided completed. */
  z.object({ kind: z.literal('task'), task: opIdSchema, attempt: z.number().int().min(1).max(20) }),
]);
export type Evidence = z.output<typeof evidenceSchema>;

/** It moves the ratings of both, see `core/market/ratings.ts`. */
export const proposalCompleted = z.object({
  type: z.literal('proposal.completed'),
  proof: words.nullable(),
  evidence: evidenceSchema,
  atMs,
  sig,
});
/** By one of the two. An approval in the same batch asks the operator who is at fault. */
export const proposalDisputed = z.object({ type: z.literal('proposal.disputed'), reason: words, atMs, sig });
/** What the operator decided of a dispute: who is at fault. */
export const proposalSettled = z.object({
  type: z.literal('proposal.settled'),
  fault: z.enum(['payer', 'worker', 'both', 'nobody']),
  note: words,
  atMs,
});
export type Fault = z.output<typeof proposalSettled>['fault'];

/** The work of a task was merged; about the task, by the node that merged it. The first word stands. */
export const workMerged = z.object({
  type: z.literal('work.merged'),
  attempt: z.number().int().min(1).max(20),
  into: z.string().max(255),
  commit: z.string().regex(/^[0-9a-f]{40,64}$/),
});
