/** A proposal, a rating, and a skill, in JSON. */
import { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import type { Rating, Ratings } from '#core/market/ratings.ts';
import { speakerId, speakerName } from '#core/market/speaker.ts';
import type { KnownProposal } from '#core/view/proposal.ts';
import { proposalState, workerOf } from '#core/view/proposal.ts';
import { ratingsAt } from '../market/reputation.ts';
import type { Door } from '../door.ts';
import { dateText } from './text.ts';

export const PROPOSAL_STATES = [
  'pending',
  'accepted',
  'rejected',
  'expired',
  'completed',
  'disputed',
  'settled',
] as const;

const maybe = z.string().nullable();
const party = z.object({ id: z.string().describe('@id, or @operator'), name: z.string(), stake: z.number().int() });
const moved = z.object({ id: z.string(), before: z.number().int(), rating: z.number().int() });

export const proposalJsonSchema = z
  .object({
    id: z.string(),
    state: z.enum(PROPOSAL_STATES),
    payer: party,
    worker: party.nullable().describe('Null of a task that is offered, and that nobody has won'),
    task: z.string(),
    amount: z.number().nullable(),
    currency: maybe,
    terms: maybe,
    capability: maybe,
    offers: maybe.describe('The task that is offered'),
    expires_at: maybe,
    created_at: z.string(),
    ended_at: maybe,
    reason: maybe.describe('Why it was rejected, or is disputed'),
    proof: maybe.describe('What the worker says shows that it is done'),
    evidence: z.record(z.string(), z.unknown()).nullable().describe('What completed it'),
    at_fault: maybe,
    note: maybe.describe('Of the operator who settled it'),
    rating_changes: z.array(moved),
  })
  .meta({ id: 'Proposal' });
export type ProposalJson = z.output<typeof proposalJsonSchema>;

export function proposalJson(row: KnownProposal, door: Door): ProposalJson {
  const { made, accepted, rejected, delivered, completed, disputed, settled } = row;
  const { store } = door.node;
  const state = proposalState(row);
  const worker = workerOf(row);
  const of = (who: Principal, stake: number) => ({ id: speakerId(who), name: speakerName(store, who), stake });
  const ended = state === 'completed' ? completed : state === 'settled' ? settled : undefined;
  const changes = ratingsAt(store).changes.get(row.id);
  return {
    id: row.id,
    state: state === 'unknown' ? 'pending' : state,
    payer: of(made.by, made.stake),
    worker: worker === null ? null : of(worker, accepted?.value.stake ?? 0),
    task: made.task,
    amount: made.amount,
    currency: made.currency,
    terms: made.terms,
    capability: made.capability,
    offers: made.offers,
    expires_at: made.expiresMs === null ? null : dateText(made.expiresMs),
    created_at: dateText(made.wallMs),
    ended_at: ended === undefined ? null : dateText(ended.wallMs),
    reason: (state === 'rejected' ? rejected?.value.reason : disputed?.value.reason) ?? null,
    proof: completed?.value.proof ?? delivered?.value.proof ?? null,
    evidence: state === 'completed' && completed !== undefined ? { ...completed.value.evidence } : null,
    at_fault: state === 'settled' ? (settled?.value.fault ?? null) : null,
    note: settled?.value.note ?? null,
    rating_changes: [...(changes ?? [])].map(([who, one]) => ({
      id: speakerId(who),
      before: one.before,
      rating: one.rating,
    })),
  };
}

export const ratingJsonSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    rating: z.number().int(),
    transactions: z.number().int(),
    skills: z.array(z.object({ capability: z.string(), rating: z.number().int(), transactions: z.number().int() })),
  })
  .meta({ id: 'Rating' });

export function ratingJson(o: Rating & { who: Principal }, ratings: Ratings, door: Door) {
  const { who, rating, transactions } = o;
  const skills = [...ratings.skills].flatMap(([capability, of]) => {
    const one = of.get(who);
    return one === undefined ? [] : [{ capability, ...one }];
  });
  return { id: speakerId(who), name: speakerName(door.node.store, who), rating, transactions, skills };
}

export type RatingJson = z.output<typeof ratingJsonSchema>;

/** Who says that it can do something. */
export const skillJsonSchema = z
  .object({
    agent_id: z.string(),
    name: z.string(),
    capability: z.string(),
    description: maybe,
    rate: z.number().nullable(),
    currency: maybe,
    rating: z.number().int(),
    transactions: z.number().int(),
    skill_rating: z.number().int(),
    skill_transactions: z.number().int(),
  })
  .meta({ id: 'Skill' });
export type SkillJson = z.output<typeof skillJsonSchema>;
