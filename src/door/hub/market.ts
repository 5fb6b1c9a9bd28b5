/** Skills and deals as clients of the hub say them. What becomes of a deal is told to both when its op arrives, at whichever hub they are. */
import { hash } from 'node:crypto';
import { parsedOpId } from '#core/brand.ts';
import { RESULTS_MAX, searchSkills } from '#core/market/skills.ts';
import { speakerId } from '#core/market/speaker.ts';
import type { DealAct } from '#core/market/trading.ts';
import type { Refusal } from '#core/refusal.ts';
import { isKnownProposal } from '#core/view/proposal.ts';
import { proposalJson } from '../json/proposal.ts';
import * as desk from '../market/desk.ts';
import { ratingsAt } from '../market/reputation.ts';
import { isRefusal } from '../refusal.ts';
import type { At } from './channels.ts';
import { isKnownTo } from './channels.ts';
import type { ErrorCode, FrameOf, Refused } from './frames.ts';
import { bad } from './frames.ts';
import { isSigned, speakerOf, isVerified } from './key.ts';
import { signedTexts, skillTexts } from './market-frames.ts';

type Answer = Promise<Refused | undefined>;

/** Words that AgentChat has as codes; a transition that is not possible is INVALID_PROPOSAL, and the word is its message. */
const CODES: ReadonlySet<string> = new Set(['RATE_LIMITED', 'INSUFFICIENT_REPUTATION', 'INVALID_MSG']);
const isCode = (word: string): word is ErrorCode => CODES.has(word);

/** `PROPOSAL_NOT_PENDING: it is accepted` in AgentChat's form. */
function told({ code, message }: Refusal): Refused {
  const [word = '', ...why] = message.split(': ');
  if (isCode(word)) return bad(word, why.join(': '));
  if (code === 'forbidden' && !/^[A-Z_]+$/.test(word)) return bad('NOT_ALLOWED', message);
  return bad('INVALID_PROPOSAL', /^(NOT_)?PROPOSAL_[A-Z_]+$/.test(word) ? word : why.join(': ') || message);
}

/** Why what it said does not count as its word; undefined where it does. */
function signatureBar({ member, hub }: At, texts: readonly string[], signature: string): Refused | undefined {
  const publicKey = hub.door.node.store.get('identity', member.id.slice(1))?.key?.value.publicKey;
  if (!member.verified || publicKey === undefined)
    return bad('SIGNATURE_REQUIRED', 'the market is for agents with a key');
  const isRight = texts.some((text) => isSigned({ publicKey, text, signature }));
  return isRight ? undefined : bad('VERIFICATION_FAILED', 'Invalid signature');
}

export async function registerSkills(frame: FrameOf<'REGISTER_SKILLS'>, at: At): Answer {
  const { skills, sig } = frame;
  const texts = skillTexts(skills.text, (text) => hash('sha256', text));
  const barred = signatureBar(at, texts, sig);
  if (barred !== undefined) return barred;
  const { member, hub, session } = at;
  const body = { type: 'skills.registered', skills: skills.kept, sig } as const;
  const written = await hub.door.node.append([{ entity: undefined, by: member.by, body }]);
  if (isRefusal(written)) return bad('RATE_LIMITED', written.message);
  const registered_at = written[0]?.op.header.wallMs;
  session.send('SKILLS_REGISTERED', { agent_id: member.id, skills_count: skills.kept.length, registered_at });
  return undefined;
}

export async function search({ query, query_id }: FrameOf<'SEARCH_SKILLS'>, { hub, session }: At): Answer {
  const { store } = hub.door.node;
  const { results, total } = searchSkills(store, ratingsAt(store), {
    capability: query.capability ?? undefined,
    maxRate: query.max_rate ?? undefined,
    currency: query.currency ?? undefined,
    limit: query.limit ?? RESULTS_MAX,
  });
  const found = results.map(({ who, rating, skillRating, registeredMs, ...skill }) => ({
    agent_id: speakerId(who),
    ...skill,
    agent_rating: rating.rating,
    agent_transactions: rating.transactions,
    skill_rating: skillRating.rating,
    skill_transactions: skillRating.transactions,
    skill_updated: registeredMs,
  }));
  session.send('SEARCH_RESULTS', { query_id: query_id ?? null, query, results: found, total });
  return undefined;
}

export function listProposals({ state, limit }: FrameOf<'LIST_PROPOSALS'>, { hub, session, member }: At): undefined {
  const { store } = hub.door.node;
  const sides = (['payer', 'worker'] as const).flatMap((side) => {
    const where = { [side]: member.by, ...(typeof state === 'string' ? { state } : {}) };
    return store.list('proposal', { where, order: [['created', 'desc']], limit }).filter(isKnownProposal);
  });
  const rows = sides.toSorted((a, b) => b.made.stamp.lamport - a.made.stamp.lamport).slice(0, limit);
  session.send('PROPOSALS', { list: rows.map((row) => proposalJson(row, hub.door)) });
}

export function listRatings(frame: FrameOf<'LIST_RATINGS'>, { hub, session }: At): Refused | undefined {
  const { agent_id: id, capability, limit } = frame;
  const list = typeof id === 'string' ? desk.rating(id, hub) : desk.best({ capability, limit }, hub);
  if (isRefusal(list)) return bad('AGENT_NOT_FOUND', list.message);
  session.send('RATINGS', { list: Array.isArray(list) ? list : [list] });
  return undefined;
}

export async function propose(frame: FrameOf<'PROPOSAL'>, at: At): Answer {
  const { sig, ...fields } = frame;
  const barred = signatureBar(at, signedTexts('PROPOSAL', fields), sig);
  if (barred !== undefined) return barred;
  const { hub, member } = at;
  const to = speakerOf(frame.to);
  if (to === undefined || !isKnownTo(hub, frame.to, to)) return bad('AGENT_NOT_FOUND', `Agent ${frame.to} not found`);
  if (!isVerified(to)) return bad('NOT_ALLOWED', `${frame.to} has no key, and could neither accept nor reject`);
  const { expires } = frame;
  const made = await hub.door.node.market.propose({
    by: member.by,
    to,
    task: frame.task,
    amount: frame.amount ?? null,
    currency: frame.currency ?? null,
    paymentCode: frame.payment_code ?? null,
    terms: frame.terms ?? null,
    capability: frame.capability ?? null,
    stake: frame.elo_stake ?? 0,
    expiresMs: typeof expires === 'number' ? Math.round(hub.door.now() + expires * 1_000) : null,
    offers: null,
    sig,
  });
  return isRefusal(made) ? told(made) : undefined;
}

type Rest = DealAct extends infer A ? (A extends DealAct ? Omit<A, 'proposal' | 'by' | 'sig'> : never) : never;

async function act(at: At, frame: { proposal_id: string; sig: string; texts: readonly string[] }, rest: Rest): Answer {
  const barred = signatureBar(at, frame.texts, frame.sig);
  if (barred !== undefined) return barred;
  if (!/^[0-9a-f]{32}-[1-9][0-9]{0,15}$/.test(frame.proposal_id)) return bad('INVALID_PROPOSAL', 'PROPOSAL_NOT_FOUND');
  const about = { proposal: parsedOpId(frame.proposal_id), by: at.member.by, sig: frame.sig };
  const done = await at.hub.door.node.market.act({ ...about, ...rest });
  return isRefusal(done) ? told(done) : undefined;
}

export function accept({ sig, ...fields }: FrameOf<'ACCEPT'>, at: At): Answer {
  const { proposal_id, elo_stake, payment_code } = fields;
  const rest = { kind: 'accept', stake: elo_stake ?? 0, paymentCode: payment_code ?? null } as const;
  return act(at, { proposal_id, sig, texts: signedTexts('ACCEPT', fields) }, rest);
}

export function reject({ sig, ...fields }: FrameOf<'REJECT'>, at: At): Answer {
  const { proposal_id, reason } = fields;
  return act(
    at,
    { proposal_id, sig, texts: signedTexts('REJECT', fields) },
    { kind: 'reject', reason: reason ?? null },
  );
}

export function complete({ sig, ...fields }: FrameOf<'COMPLETE'>, at: At): Answer {
  const { proposal_id, proof } = fields;
  return act(
    at,
    { proposal_id, sig, texts: signedTexts('COMPLETE', fields) },
    { kind: 'complete', proof: proof ?? null },
  );
}

export function dispute({ sig, ...fields }: FrameOf<'DISPUTE'>, at: At): Answer {
  const { proposal_id, reason } = fields;
  return act(at, { proposal_id, sig, texts: signedTexts('DISPUTE', fields) }, { kind: 'dispute', reason });
}
