/** Frames of files, skills and deals: one schema a type. Who may say them and what follows stands in `market-handlers.ts`. */
import { z } from 'zod';
import { canonicalJson } from '#core/canonical.ts';
import { capabilitySchema, skillSchema, stakeSchema } from '#core/schema/market-body.ts';
import { PROPOSAL_STATES } from '../json/proposal.ts';
import { agent, FRAME_MAX_BYTES } from './fields.ts';

const sig = (what: string) => z.string(`${what} must be signed`).min(1, `${what} must be signed`).max(200);
const proposal_id = z.string().min(1).max(64);
const words = z.string().max(4_000);
const payment_code = z.string().min(1).max(500).nullish();
const currency = z.string().min(1).max(16).nullish();
const amount = z.number().nonnegative().max(1e12).nullish();
const elo_stake = stakeSchema.nullish();

const limit = (max: number) => z.number().int().min(1).max(max).default(20);

const skill = z.object({
  capability: capabilitySchema,
  description: z.string().max(500).nullish(),
  rate: amount,
  currency,
});

/** As they were sent, which is what was signed, and as they are kept. */
const skills = z.unknown().transform((raw, context) => {
  const parsed = z.array(skill).min(1, 'At least one skill is expected').max(64).safeParse(raw);
  if (parsed.success) {
    const kept = parsed.data.map((one) =>
      skillSchema.parse({
        capability: one.capability,
        description: one.description ?? null,
        rate: one.rate ?? null,
        currency: one.currency ?? null,
      }),
    );
    return { text: JSON.stringify(raw), kept };
  }
  context.addIssue({ code: 'custom', message: `Invalid skills: ${parsed.error.issues[0]?.message ?? ''}` });
  return z.NEVER;
});

export const MARKET_FRAMES = {
  REGISTER_SKILLS: z.object({ skills, sig: sig('Skills') }),
  SEARCH_SKILLS: z.object({
    query: z
      .object({
        capability: z.string().max(64).nullish(),
        max_rate: z.number().nullish(),
        currency,
        limit: z.number().int().min(1).nullish(),
      })
      .default({}),
    query_id: z.string().max(64).nullish(),
  }),
  PROPOSAL: z.object({
    to: agent,
    task: words.min(1, 'Proposals must say what is to be done'),
    amount,
    currency,
    payment_code,
    terms: words.nullish(),
    /** In seconds from now. */
    expires: z.number().positive().max(31_536_000).nullish(),
    elo_stake,
    capability: capabilitySchema.nullish(),
    sig: sig('Proposals'),
  }),
  ACCEPT: z.object({ proposal_id, elo_stake, payment_code, sig: sig('Acceptances') }),
  REJECT: z.object({ proposal_id, reason: words.nullish(), sig: sig('Rejections') }),
  COMPLETE: z.object({ proposal_id, proof: words.nullish(), sig: sig('Completions') }),
  DISPUTE: z.object({ proposal_id, reason: words.min(1, 'Disputes must say why'), sig: sig('Disputes') }),
  /** Skep's own, as the next: those that this one has part in, newest first. */
  LIST_PROPOSALS: z.object({ state: z.enum(PROPOSAL_STATES).nullish(), limit: limit(100) }),
  /** Of one, or of the best, overall or in one capability. */
  LIST_RATINGS: z.object({
    agent_id: agent.nullish(),
    capability: z.string().min(1).max(64).nullish(),
    limit: limit(100),
  }),
  FILE_CHUNK: z.object({ to: agent, content: z.string().min(1).max(FRAME_MAX_BYTES) }),
} as const;

type Signed = keyof typeof MARKET_FRAMES & ('PROPOSAL' | 'ACCEPT' | 'REJECT' | 'COMPLETE' | 'DISPUTE');
type Fields<N extends Signed> = Omit<z.output<(typeof MARKET_FRAMES)[N]>, 'sig'>;

type Signable = string | number | null | undefined;

/** What is empty or nothing counts as an empty text, as in AgentChat. */
const joined = (...parts: readonly Signable[]): string => parts.map((part) => (part ? `${part}` : '')).join('|');

/**
 * The texts of which one must be signed: all fields in one canonical form, under a name that no other text bears; or, for clients that know only
 * AgentChat, its own, which leaves out some of them.
 */
export function signedTexts<N extends Signed>(type: N, fields: Fields<N>): readonly string[] {
  return [ownText(type, fields), agentchatText({ type, ...fields })];
}

/** All fields in one canonical form, under a name that no other text bears: what clients of skep sign. */
export const ownText = (type: string, fields: object): string =>
  `skep market 1\n${type}\n${canonicalJson(present(fields))}`;

export const skillTexts = (text: string, sha256: (text: string) => string): readonly string[] => [
  ownText('REGISTER_SKILLS', { skills: JSON.parse(text) }),
  `REGISTER_SKILLS|${sha256(text)}`,
];

const present = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));

function agentchatText(frame: { type: Signed } & Record<string, Signable>): string {
  const { type, proposal_id: id } = frame;
  switch (type) {
    case 'PROPOSAL': {
      const { to, task, amount: sum, currency: unit, payment_code: code, expires, elo_stake: stake } = frame;
      return joined(to, task, sum, unit, code, expires, stake);
    }
    case 'ACCEPT':
      return joined(type, id, frame['payment_code'], frame['elo_stake']);
    case 'COMPLETE':
      return joined(type, id, frame['proof']);
    case 'REJECT':
    case 'DISPUTE':
      return joined(type, id, frame['reason']);
  }
}

const COURT = 'disputes go to the operator';

/** Known by name, and answered with a reason: AgentChat's court of agents. A DISPUTE itself is an approval for the operator. */
export const NOT_HERE: ReadonlyMap<string, string> = new Map(
  ['DISPUTE_INTENT', 'DISPUTE_REVEAL', 'EVIDENCE', 'ARBITER_ACCEPT', 'ARBITER_DECLINE', 'ARBITER_VOTE'].map((name) => [
    name,
    COURT,
  ]),
);
