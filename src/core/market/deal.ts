/** What becomes of a proposal: from the views and the home's clock alone, as the drafts that its home appends together, or why not. */
import { masked } from '../approval/mask.ts';
import type { NodeId, Principal } from '../brand.ts';
import { agentPrincipal, nodePrincipal } from '../brand.ts';
import { addressBar } from '../message/leave.ts';
import type { Draft } from '../op.ts';
import type { Refusal } from '../refusal.ts';
import { refusal } from '../refusal.ts';
import type { Body } from '../schema/body.ts';
import { holderOf, taskChain } from '../view/chain.ts';
import type { KnownProposal } from '../view/proposal.ts';
import { isKnownProposal, proposalState, workerOf } from '../view/proposal.ts';
import type { TaskRow } from '../view/task.ts';
import type { Views } from '../view/views.ts';
import { disputeDraft, faultIn } from './dispute.ts';
import { evidenceFor } from './evidence.ts';
import { noticesOf } from './notice.ts';
import type { Ratings } from './ratings.ts';
import { RATING_FLOOR, ratingOf } from './ratings.ts';
import { isSameSpeaker, speakerId } from './speaker.ts';
import type { DealAct, ProposalWanted } from './trading.ts';

/** As in AgentChat: a deal is older than this before its payer may complete it. */
export const DEAL_MIN_AGE_MS = 60_000;
/** Proposals of one speaker that nobody answered. */
export const PENDING_MAX = 200;
/** Open deals of one speaker whose stakes are added up. */
const OPEN_MAX = 10_000;

/** `nowMs`: the clock of the home. `ratings` is asked only where somebody stakes something. */
export type AtHome = { views: Views; self: NodeId; nowMs: number; minAgeMs: number; ratings: () => Ratings };

const no = (code: Refusal['code'], word: string, why: string): Refusal => refusal(code, `${word}: ${why}`);

/** What looks like a secret does not enter the log, and what was signed is not changed: so it is refused. */
function secretIn(texts: readonly (string | null)[]): Refusal | undefined {
  const isClean = texts.every((text) => text === null || masked(text) === text);
  return isClean ? undefined : no('invalid', 'INVALID_MSG', 'something in it has the shape of a secret');
}

export function proposalDrafts(wanted: ProposalWanted, at: AtHome): Draft[] | Refusal {
  const { views, nowMs } = at;
  const { by, ...fields } = wanted;
  if (wanted.to !== null && isSameSpeaker(wanted.to, by))
    return no('invalid', 'INVALID_PROPOSAL', 'nobody makes a proposal to itself');
  if ((wanted.to === null) !== (wanted.offers !== null))
    return no('invalid', 'INVALID_PROPOSAL', 'it goes to somebody, or offers a task');
  if (wanted.expiresMs !== null && wanted.expiresMs <= nowMs)
    return no('invalid', 'PROPOSAL_EXPIRED', 'its time is over already');
  const closed = wanted.to === null ? undefined : addressBar(views, by, speakerId(wanted.to));
  if (closed !== undefined) return closed;
  if (wanted.offers !== null) {
    const refused = offerBar(wanted, at);
    if (refused !== undefined) return refused;
  }
  if (views.count('proposal', { payer: by, state: 'pending' }) >= PENDING_MAX)
    return no('too_many', 'RATE_LIMITED', `${PENDING_MAX} proposals of yours wait for an answer`);
  const refused = secretIn([wanted.task, wanted.terms]) ?? stakeBar(by, wanted.stake, at);
  if (refused !== undefined) return refused;
  return [{ entity: undefined, by, body: { type: 'proposal.made', ...fields, atMs: nowMs } }];
}

function offerBar({ offers }: ProposalWanted, { views }: AtHome): Refusal | undefined {
  const task = offers === null ? undefined : views.get('task', offers);
  if (task?.created === undefined) return no('not_found', 'INVALID_PROPOSAL', 'there is no such task');
  if (taskChain(task).status !== 'pending') return no('conflict', 'INVALID_PROPOSAL', 'the task is not open any more');
  if (views.count('proposal', { offers, state: 'pending' }) > 0)
    return no('conflict', 'INVALID_PROPOSAL', 'the task is offered already');
  return undefined;
}

/** What one may still stake: what is above the floor and not at stake elsewhere. Homes that decide at the same time may each let a stake in. */
function stakeBar(who: Principal, stake: number, { views, ratings }: AtHome): Refusal | undefined {
  if (stake === 0) return undefined;
  const held = (where: 'payer' | 'worker', state: string): number =>
    views
      .list('proposal', { where: { [where]: who, state }, limit: OPEN_MAX })
      .reduce((sum, row) => sum + (where === 'payer' ? (row.made?.stake ?? 0) : (row.accepted?.value.stake ?? 0)), 0);
  const states = ['accepted', 'disputed'];
  const staked = held('payer', 'pending') + states.reduce((n, one) => n + held('payer', one) + held('worker', one), 0);
  const { rating } = ratingOf(ratings(), who);
  const available = rating - staked - RATING_FLOOR;
  if (stake <= available) return undefined;
  return no('conflict', 'INSUFFICIENT_REPUTATION', `${Math.max(0, available)} points can be staked, not ${stake}`);
}

/** What the act makes of the proposal, with the news for the other side. A proposal whose time is over gives the word for that. */
export function actDrafts(act: DealAct, at: AtHome): Draft[] | Refusal {
  const row = at.views.get('proposal', act.proposal);
  if (!isKnownProposal(row) || row.made.home !== at.self)
    return no('not_found', 'PROPOSAL_NOT_FOUND', `there is no proposal ${act.proposal}`);
  const refused = act.kind === 'accept' || act.kind === 'reject' ? answerBar(row, act, at) : endBar(row, act);
  if (refused !== undefined) return refused;
  const body = bodyOf(row, act, at);
  if ('refused' in body) return body;
  const drafts: Draft[] = [{ entity: row.id, by: act.by, body }];
  if (body.type === 'proposal.disputed') drafts.push(disputeDraft(row, { ...body, by: act.by }, at));
  return [...drafts, ...noticesOf(row, { body, by: act.by }, at)];
}

function answerBar(row: KnownProposal, { by }: DealAct, at: AtHome): Refusal | undefined {
  const state = proposalState(row);
  if (row.made.offers !== null)
    return no('forbidden', 'NOT_PROPOSAL_RECIPIENT', 'an offered task is won by a claim on it');
  if (row.made.to === null || !isSameSpeaker(row.made.to, by))
    return no('forbidden', 'NOT_PROPOSAL_RECIPIENT', 'it is not addressed to you');
  if (state === 'expired' || isOverdue(row, at.nowMs)) return no('conflict', 'PROPOSAL_EXPIRED', 'its time is over');
  return state === 'pending' ? undefined : no('conflict', 'PROPOSAL_NOT_PENDING', `it is ${state}`);
}

/** Nobody answered, and by its home's clock nobody can any more. */
export const isOverdue = (row: KnownProposal, nowMs: number): boolean =>
  row.made.expiresMs !== null && row.made.expiresMs <= nowMs && proposalState(row) === 'pending';

function endBar(row: KnownProposal, { by }: DealAct): Refusal | undefined {
  const isParty = [row.made.by, workerOf(row)].some(
    (one) => one !== null && one !== undefined && isSameSpeaker(one, by),
  );
  if (!isParty) return no('forbidden', 'NOT_PROPOSAL_PARTY', 'it is between two others');
  const state = proposalState(row);
  return state === 'accepted' ? undefined : no('conflict', 'PROPOSAL_NOT_ACCEPTED', `it is ${state}`);
}

type Word = Extract<Body, { type: `proposal.${string}` }>;

function bodyOf(row: KnownProposal, act: DealAct, at: AtHome): Word | Refusal {
  const { sig } = act;
  const { nowMs } = at;
  switch (act.kind) {
    case 'accept': {
      const { stake, paymentCode } = act;
      const refused = stakeBar(act.by, stake, at);
      return refused ?? { type: 'proposal.accepted', stake, paymentCode, atMs: nowMs, sig };
    }
    case 'reject':
      return secretIn([act.reason]) ?? { type: 'proposal.rejected', reason: act.reason, sig };
    case 'dispute':
      return secretIn([act.reason]) ?? { type: 'proposal.disputed', reason: act.reason, atMs: nowMs, sig };
    case 'complete':
      return secretIn([act.proof]) ?? completion(row, act, at);
  }
}

/** By the payer, whose word is enough; by the worker only with evidence, else its word that it is done, once. */
function completion(row: KnownProposal, act: DealAct & { kind: 'complete' }, at: AtHome): Word | Refusal {
  const { proof, sig } = act;
  if (!isSameSpeaker(act.by, row.made.by)) {
    const evidence = evidenceFor(at.views, row, proof);
    if (evidence !== undefined) return { type: 'proposal.completed', proof, evidence, atMs: at.nowMs, sig };
    if (row.delivered === undefined) return { type: 'proposal.delivered', proof, sig };
    return no('conflict', 'INVALID_PROPOSAL', 'you said so already: the payer confirms it, or a merge or a check does');
  }
  const ageMs = at.nowMs - row.made.atMs;
  if (ageMs < at.minAgeMs)
    return no(
      'too_many',
      'RATE_LIMITED',
      `a deal is completed after ${Math.ceil(at.minAgeMs / 1_000)} s at the earliest`,
    );
  return { type: 'proposal.completed', proof, evidence: { kind: 'payer' }, atMs: at.nowMs, sig };
}

/** What follows by itself: an overdue proposal expires; work that was said to be done is, once a merge or a check shows it; an offered task ended. */
export function followDrafts(row: KnownProposal, at: AtHome): Draft[] {
  const by = nodePrincipal(at.self);
  const state = proposalState(row);
  if (isOverdue(row, at.nowMs)) return [{ entity: row.id, by, body: { type: 'proposal.expired' } }];
  if (state === 'pending' && row.made.offers !== null) return offeredDrafts(row, at);
  if (state === 'disputed') return settledDrafts(row, at);
  const evidence = state === 'accepted' ? evidenceFor(at.views, row, row.delivered?.value.proof ?? null) : undefined;
  if (evidence === undefined || row.accepted === undefined) return [];
  const { by: worker } = row.accepted.value;
  const proof = row.delivered?.value.proof ?? null;
  const body = { type: 'proposal.completed', proof, evidence, atMs: at.nowMs, sig: null } as const;
  return [{ entity: row.id, by: worker, body }, ...noticesOf(row, { body, by: worker }, at)];
}

/** The operator decided the dispute; who denies it finds nobody at fault. */
function settledDrafts(row: KnownProposal, at: AtHome): Draft[] {
  const asked = at.views.list('approval', { where: { task: row.id }, order: [['created', 'asc']], limit: 1 });
  const outcome = asked[0]?.outcome;
  if (outcome?.kind !== 'decided') return [];
  const { decision, note, by } = outcome;
  const found = decision === 'allow' ? faultIn(note) : { fault: 'nobody' as const, note };
  if (found === undefined) return [];
  const body: Word = { type: 'proposal.settled', ...found, atMs: at.nowMs };
  return [{ entity: row.id, by, body }, ...noticesOf(row, { body, by }, at)];
}

/** An offered task that ended: who completed it has won the offer and done the work; ended otherwise, nobody did. */
function offeredDrafts(row: KnownProposal, at: AtHome): Draft[] {
  const { offers } = row.made;
  const task = offers === null ? undefined : at.views.get('task', offers);
  const ended = task === undefined ? undefined : taskChain(task).ended?.value;
  if (task === undefined || offers === null || ended === undefined) return [];
  const worker = ended.kind === 'completed' ? holderPrincipal(task, ended.attempt) : undefined;
  if (worker === undefined || worker === row.made.by)
    return [{ entity: row.id, by: nodePrincipal(at.self), body: { type: 'proposal.expired' } }];
  const { nowMs: atMs } = at;
  const none = { proof: null, sig: null };
  const evidence = { kind: 'task', task: offers, attempt: ended.attempt } as const;
  const accepted: Body = { type: 'proposal.accepted', stake: 0, paymentCode: null, atMs, sig: null };
  const completed: Word = { type: 'proposal.completed', ...none, evidence, atMs };
  return [
    { entity: row.id, by: worker, body: accepted },
    { entity: row.id, by: worker, body: completed },
    ...noticesOf(row, { body: completed, by: worker }, at),
  ];
}

function holderPrincipal(task: TaskRow, attempt: number): Principal | undefined {
  const holder = holderOf(task, attempt);
  return holder === undefined ? undefined : agentPrincipal(holder.value.agent);
}
