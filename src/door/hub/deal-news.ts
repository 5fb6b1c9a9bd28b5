/** What becomes of a deal, as the frames that both of its sides are sent. */
import type { Ratings } from '#core/market/ratings.ts';
import { speakerId } from '#core/market/speaker.ts';
import type { Op } from '#core/op.ts';
import type { KnownProposal } from '#core/view/proposal.ts';
import { isKnownProposal, proposalState, workerOf } from '#core/view/proposal.ts';
import { ratingsAt } from '../market/reputation.ts';
import type { Hub } from './hub.ts';
import type { Session } from './session.ts';

/** Proposals that wait for one who logs in. */
const WAITING_MAX = 200;

type News = { type: string; fields: Record<string, unknown> };

/** The proposal itself. `to` of one that offers a task is where it is announced. */
function proposalFields(row: KnownProposal): Record<string, unknown> {
  const { made } = row;
  return {
    id: row.id,
    from: speakerId(made.by),
    to: made.to === null ? '#bounties' : speakerId(made.to),
    task: made.task,
    amount: made.amount,
    currency: made.currency,
    payment_code: made.paymentCode,
    terms: made.terms,
    capability: made.capability,
    expires: made.expiresMs,
    status: proposalState(row),
    created_at: made.wallMs,
    sig: made.sig,
    elo_stake: made.stake,
  };
}

/** By the id of each side: what it was, what it is, and the difference; null where nothing moved. */
function ratingChanges({ id }: KnownProposal, { changes }: Ratings): Record<string, unknown> | null {
  const of = changes.get(id);
  if (of === undefined) return null;
  return Object.fromEntries(
    [...of].map(([who, { before, rating, transactions }]) => [
      speakerId(who),
      { oldRating: before, newRating: rating, change: rating - before, transactions },
    ]),
  );
}

function newsOf(row: KnownProposal, { body, header }: Op, ratings: () => Ratings): News | undefined {
  const worker = workerOf(row);
  const about = {
    proposal_id: row.id,
    status: proposalState(row),
    updated_at: header.wallMs,
    from: speakerId(row.made.by),
    to: worker === null ? '#bounties' : speakerId(worker),
  };
  const stakes = { proposer: row.made.stake, acceptor: row.accepted?.value.stake ?? 0 };
  const by = speakerId(header.by);
  switch (body.type) {
    case 'proposal.made':
    case 'proposal.expired':
      return { type: 'PROPOSAL', fields: proposalFields(row) };
    case 'proposal.accepted': {
      const { paymentCode: payment_code, sig, stake } = body;
      const fields = { ...about, payment_code, sig, proposer_stake: row.made.stake, acceptor_stake: stake };
      return { type: 'ACCEPT', fields };
    }
    case 'proposal.rejected':
      return { type: 'REJECT', fields: { ...about, reason: body.reason, sig: body.sig } };
    // The worker's own word moves nothing: the payer is asked.
    case 'proposal.delivered': {
      const { proof, sig } = body;
      const fields = { ...about, completed_by: null, completed_at: null, delivered_by: by, proof, sig };
      return { type: 'COMPLETE', fields: { ...fields, waits_for: 'payer', elo_stakes: stakes, rating_changes: null } };
    }
    case 'proposal.completed': {
      const { proof, sig, evidence } = body;
      const fields = { ...about, completed_by: by, completed_at: body.atMs, proof, evidence, sig };
      return {
        type: 'COMPLETE',
        fields: { ...fields, elo_stakes: stakes, rating_changes: ratingChanges(row, ratings()) },
      };
    }
    case 'proposal.disputed': {
      const { reason, sig } = body;
      const fields = { ...about, disputed_by: by, disputed_at: body.atMs, reason, sig };
      return { type: 'DISPUTE', fields: { ...fields, elo_stakes: stakes, rating_changes: null } };
    }
    case 'proposal.settled': {
      const said = row.disputed?.value;
      const fields = {
        ...about,
        disputed_by: said === undefined ? null : speakerId(said.by),
        disputed_at: said?.atMs ?? null,
        reason: said?.reason ?? null,
        sig: said?.sig ?? null,
        at_fault: body.fault,
        note: body.note,
      };
      return {
        type: 'DISPUTE',
        fields: { ...fields, elo_stakes: stakes, rating_changes: ratingChanges(row, ratings()) },
      };
    }
    default:
      return undefined;
  }
}

/** To both sides that are here. */
export function tellDeal(op: Op, hub: Hub): void {
  const { store } = hub.door.node;
  const row = store.get('proposal', op.header.entity);
  if (!isKnownProposal(row)) return;
  const news = newsOf(row, op, () => ratingsAt(store));
  if (news === undefined) return;
  const worker = workerOf(row);
  for (const id of new Set([speakerId(row.made.by), ...(worker === null ? [] : [speakerId(worker)])]))
    hub.session(id)?.send(news.type, news.fields);
}

/** What was proposed to it while it was away, and still waits. */
export function replayDeals(session: Session, hub: Hub): void {
  const { member } = session;
  if (member === undefined) return;
  const where = { worker: member.by, state: 'pending' };
  for (const row of hub.door.node.store.list('proposal', { where, limit: WAITING_MAX }).filter(isKnownProposal))
    session.send('PROPOSAL', { ...proposalFields(row), replay: true });
}

/** For `/health`. */
export function dealCounts({ door }: Hub): { total: number; byStatus: Record<string, number>; agents: number } {
  const { store } = door.node;
  const states = ['pending', 'accepted', 'rejected', 'expired', 'completed', 'disputed', 'settled'];
  const counts = states.map((state) => [state, store.count('proposal', { state })] as const);
  const byStatus = Object.fromEntries(counts.filter(([, count]) => count > 0));
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return { total, byStatus, agents: ratingsAt(store).overall.size };
}
