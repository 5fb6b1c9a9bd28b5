/** What one does on the market, whichever door it came by. Who it is comes from the door. */
import { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import { agentPrincipal, parsedPrincipal, userPrincipal } from '#core/brand.ts';
import { leaderboard, ratingOf, receiptsIn } from '#core/market/ratings.ts';
import { RESULTS_MAX, searchSkills } from '#core/market/skills.ts';
import { speakerId, speakerName } from '#core/market/speaker.ts';
import type { DealAct, DealDone } from '#core/market/trading.ts';
import { capabilitySchema, stakeSchema } from '#core/schema/market-body.ts';
import { isKnownProposal } from '#core/view/proposal.ts';
import type { Door } from '../door.ts';
import type { ProposalJson } from '../json/proposal.ts';
import { proposalJson, ratingJson } from '../json/proposal.ts';
import { findAgent, findProposal, findTask } from '../lookup.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import { ratingsAt } from './reputation.ts';

const words = z.string().max(4_000);
const currency = z.string().min(1).max(16).nullish();
const amount = z.number().nonnegative().max(1e12).nullish();
const EXPIRES_MAX_S = 31_536_000;

/** The arguments, by what is done, in AgentChat's words. */
export const INPUT = {
  register: z.object({
    skills: z
      .array(
        z.object({
          capability: capabilitySchema,
          description: z.string().max(500).nullish(),
          rate: amount,
          currency,
        }),
      )
      .min(1)
      .max(64)
      .describe('All that you can do: it takes the place of what you said before'),
  }),
  search: z.object({
    capability: z.string().max(64).nullish().describe('Part of its name'),
    text: z.string().max(200).nullish().describe('Words in its name or in what is said of it'),
    max_rate: z.number().nonnegative().nullish(),
    currency,
    limit: z.number().int().min(1).max(RESULTS_MAX).default(10),
  }),
  propose: z.object({
    to: z
      .string()
      .min(1)
      .max(200)
      .nullish()
      .describe('An agent by name, @id, or operator; left out where task_id is offered'),
    task: words.min(1).describe('What is to be done'),
    amount,
    currency,
    terms: words.nullish(),
    capability: capabilitySchema.nullish().describe('The skill that it is about: its rating moves, too'),
    payment_code: z.string().min(1).max(500).nullish(),
    expires: z.number().positive().max(EXPIRES_MAX_S).nullish().describe('In seconds from now'),
    elo_stake: stakeSchema.nullish().describe('Points of your rating'),
    task_id: z.string().min(1).max(200).nullish().describe('A task of skep that is offered to whoever wins it'),
  }),
  accept: z.object({
    proposal_id: z.string().min(1).max(200),
    elo_stake: stakeSchema.nullish(),
    payment_code: z.string().min(1).max(500).nullish(),
  }),
  reject: z.object({ proposal_id: z.string().min(1).max(200), reason: words.nullish() }),
  complete: z.object({
    proposal_id: z.string().min(1).max(200),
    proof: words.nullish().describe('Of the worker: what shows that it is done'),
    task_id: z.string().min(1).max(200).nullish().describe('Of the worker: its task of skep whose merge shows it'),
  }),
  dispute: z.object({ proposal_id: z.string().min(1).max(200), reason: words.min(1) }),
  list: z.object({
    state: z.enum(['pending', 'accepted', 'rejected', 'expired', 'completed', 'disputed', 'settled']).nullish(),
    limit: z.number().int().min(1).max(100).default(20),
  }),
  rating: z.object({ agent_id: z.string().min(1).max(200).describe('An agent by name, @id, or operator') }),
  leaderboard: z.object({
    capability: capabilitySchema.nullish(),
    limit: z.number().int().min(1).max(100).default(10),
  }),
};
type Input<N extends keyof typeof INPUT> = z.output<(typeof INPUT)[N]>;

/** Who acts, and where. */
export type AtMarket = { by: Principal; door: Door };

/** Whom a name means: `operator`, an agent of the swarm, an `@id`. */
export function partyOf(ref: string, door: Door): Principal | DoorRefusal {
  if (ref === 'operator' || ref === '@operator') return userPrincipal('operator');
  const id = ref.startsWith('@') ? ref.slice(1) : ref;
  if (/^[0-9a-f]{16}$/.test(id)) {
    if (door.node.store.get('identity', id)?.key !== undefined) return parsedPrincipal(`user:@${id}`);
    return refused('not_found', 'there is no such identity', { got: shown(ref) });
  }
  const agent = findAgent(id, door);
  return isRefusal(agent) ? agent : agentPrincipal(agent.id);
}

export async function register({ skills }: Input<'register'>, { by, door }: AtMarket): Promise<number | DoorRefusal> {
  const kept = skills.map((one) => ({
    capability: one.capability,
    description: one.description ?? null,
    rate: one.rate ?? null,
    currency: one.currency ?? null,
  }));
  const body = { type: 'skills.registered', skills: kept, sig: null } as const;
  const written = await door.node.append([{ entity: undefined, by, body }]);
  return isRefusal(written) ? written : kept.length;
}

export function search(input: Input<'search'>, { door }: Pick<AtMarket, 'door'>) {
  const { store } = door.node;
  const query = {
    capability: input.capability ?? undefined,
    text: input.text ?? undefined,
    maxRate: input.max_rate ?? undefined,
    currency: input.currency ?? undefined,
    limit: input.limit,
  };
  return searchSkills(store, ratingsAt(store), query).results.map(({ who, rating, skillRating, ...skill }) => ({
    agent_id: speakerId(who),
    name: speakerName(store, who),
    capability: skill.capability,
    description: skill.description,
    rate: skill.rate,
    currency: skill.currency,
    rating: rating.rating,
    transactions: rating.transactions,
    skill_rating: skillRating.rating,
    skill_transactions: skillRating.transactions,
  }));
}

export async function propose(input: Input<'propose'>, { by, door }: AtMarket): Promise<ProposalJson | DoorRefusal> {
  const to = typeof input.to === 'string' ? partyOf(input.to, door) : null;
  if (isRefusal(to)) return to;
  const offers = typeof input.task_id === 'string' ? findTask(input.task_id, door) : null;
  if (isRefusal(offers)) return offers;
  const made = await door.node.market.propose({
    by,
    to,
    task: input.task,
    amount: input.amount ?? null,
    currency: input.currency ?? null,
    paymentCode: input.payment_code ?? null,
    terms: input.terms ?? null,
    capability: input.capability ?? null,
    stake: input.elo_stake ?? 0,
    expiresMs: typeof input.expires === 'number' ? Math.round(door.now() + input.expires * 1_000) : null,
    offers: offers?.id ?? null,
    sig: null,
  });
  return isRefusal(made) ? made : proposalJson(made, door);
}

type Act = DealAct extends infer A ? (A extends DealAct ? Omit<A, 'proposal' | 'by' | 'sig'> : never) : never;

async function act(ref: string, rest: Act, { by, door }: AtMarket): Promise<DealDone | DoorRefusal> {
  const row = findProposal(ref, door);
  return isRefusal(row) ? row : door.node.market.act({ proposal: row.id, by, sig: null, ...rest });
}

export const accept = ({ proposal_id, elo_stake, payment_code }: Input<'accept'>, at: AtMarket) =>
  act(proposal_id, { kind: 'accept', stake: elo_stake ?? 0, paymentCode: payment_code ?? null }, at);

export const reject = ({ proposal_id, reason }: Input<'reject'>, at: AtMarket) =>
  act(proposal_id, { kind: 'reject', reason: reason ?? null }, at);

export function complete(input: Input<'complete'>, at: AtMarket): Promise<DealDone | DoorRefusal> | DoorRefusal {
  const task = typeof input.task_id === 'string' ? findTask(input.task_id, at.door) : undefined;
  if (isRefusal(task)) return task;
  const parts = [...(task === undefined ? [] : [`task ${task.id}`]), ...(input.proof ? [input.proof] : [])];
  return act(input.proposal_id, { kind: 'complete', proof: parts.length === 0 ? null : parts.join('; ') }, at);
}

export const dispute = ({ proposal_id, reason }: Input<'dispute'>, at: AtMarket) =>
  act(proposal_id, { kind: 'dispute', reason }, at);

export function list(
  o: { state?: ProposalJson['state'] | null | undefined; limit: number; offset?: number },
  { door }: Pick<AtMarket, 'door'>,
): ProposalJson[] {
  const where: Record<string, string> = typeof o.state === 'string' ? { state: o.state } : {};
  const { limit, offset = 0 } = o;
  const rows = door.node.store.list('proposal', { where, order: [['created', 'desc']], limit, offset });
  return rows.filter(isKnownProposal).map((row) => proposalJson(row, door));
}

/** What waits for somebody: disputed, then accepted, then pending; of each the newest first. */
export function open(o: { limit: number; offset: number }, at: Pick<AtMarket, 'door'>): ProposalJson[] {
  const end = o.offset + o.limit;
  const states = ['disputed', 'accepted', 'pending'] as const;
  return states.flatMap((state) => list({ state, limit: end }, at)).slice(o.offset, end);
}

/** Deals that ended so that ratings may have moved, newest first. */
export function receipts(limit: number, { door }: Pick<AtMarket, 'door'>): ProposalJson[] {
  const { store } = door.node;
  const rows = receiptsIn(store, limit).map(({ id }) => store.get('proposal', id));
  return rows.filter(isKnownProposal).map((row) => proposalJson(row, door));
}

export function rating(ref: string | Principal, { door }: Pick<AtMarket, 'door'>) {
  const who = /^(user|agent):/.test(ref) ? parsedPrincipal(ref) : partyOf(ref, door);
  if (isRefusal(who)) return who;
  const ratings = ratingsAt(door.node.store);
  return ratingJson({ who, ...ratingOf(ratings, who) }, ratings, door);
}

export function best(input: Input<'leaderboard'>, { door }: Pick<AtMarket, 'door'>) {
  const ratings = ratingsAt(door.node.store);
  const rows = leaderboard(ratings, { capability: input.capability ?? undefined, limit: input.limit });
  return rows.map((row) => ratingJson(row, ratings, door));
}
