/**
 * Ratings, by AgentChat's rule, from receipts alone. A receipt is worth more or less by the ratings that it finds, so receipts are taken in the
 * order of their stamps, which is the same everywhere: whoever holds the same receipts has the same ratings, in whatever order they came. The time
 * between two deals of one pair is read from what their homes wrote down, never from a clock.
 */
import type { OpId, Principal } from '../brand.ts';
import type { Stamp } from '../op.ts';
import { compareStamps } from '../op.ts';
import type { Fault } from '../schema/market-body.ts';
import type { ProposalRow } from '../view/proposal.ts';
import { isKnownProposal, proposalState, workerOf } from '../view/proposal.ts';
import type { Views } from '../view/views.ts';

/** As in AgentChat. */
export const RATING_START = 1_200;
export const RATING_FLOOR = 100;
const DIVISOR = 400;
const PAIR_COOLDOWN_MS = 3_600_000;
/** Receipts that are read; a swarm that has more rates by the oldest ones, and should be a new one. */
const RECEIPTS_MAX = 1_000_000;

/** A deal that ended: `fault` null for one that was completed, else whose fault an operator found it to be. */
export type Receipt = {
  id: OpId;
  stamp: Stamp;
  payer: Principal;
  worker: Principal;
  amount: number;
  capability: string | null;
  stakes: { payer: number; worker: number };
  atMs: number;
  fault: Fault | null;
};

export type Rating = { rating: number; transactions: number };
export type RatingChange = Rating & { before: number };

export type Ratings = {
  /** Who is in no receipt has {@link RATING_START}. */
  overall: ReadonlyMap<Principal, Rating>;
  /** By capability. */
  skills: ReadonlyMap<string, ReadonlyMap<Principal, Rating>>;
  /** What each receipt moved; a pair's second deal within an hour moves nothing, and is not here. */
  changes: ReadonlyMap<OpId, ReadonlyMap<Principal, RatingChange>>;
};

/** The receipt of a proposal that ended; undefined for any other. */
export function receiptOf(row: ProposalRow): Receipt | undefined {
  if (!isKnownProposal(row)) return undefined;
  const state = proposalState(row);
  const end = state === 'completed' ? row.completed : state === 'settled' ? row.settled : undefined;
  const worker = workerOf(row);
  if (end === undefined || worker === null) return undefined;
  return {
    id: row.id,
    stamp: end.stamp,
    payer: row.made.by,
    worker,
    amount: row.made.amount ?? 0,
    capability: row.made.capability,
    stakes: { payer: row.made.stake, worker: row.accepted?.value.stake ?? 0 },
    atMs: end.value.atMs,
    fault: state === 'settled' ? (row.settled?.value.fault ?? null) : null,
  };
}

/** The chance that a rating gives its holder against another. */
export const expected = (self: number, other: number): number => 1 / (1 + 10 ** ((other - self) / DIVISOR));

/** How much a deal weighs for somebody: the more it has behind it the less, the more was paid the more. */
export function weight(transactions: number, amount: number): number {
  const k = transactions < 30 ? 32 : transactions < 100 ? 24 : 16;
  return k * Math.min(1 + Math.log10(amount + 1), 3);
}

type Pair = { completions: number; lastMs: number };

class Ledger {
  readonly overall = new Map<Principal, Rating>();
  readonly skills = new Map<string, Map<Principal, Rating>>();
  readonly changes = new Map<OpId, Map<Principal, RatingChange>>();
  private readonly pairs = new Map<string, Pair>();

  take(receipt: Receipt): void {
    const { payer, worker, fault } = receipt;
    // Nobody deals with itself; a home that let it through moves nothing by it.
    if (payer === worker || fault === 'nobody') return;
    if (fault === null) this.complete(receipt);
    else this.blame(receipt, fault);
  }

  private of(who: Principal): Rating {
    return this.overall.get(who) ?? { rating: RATING_START, transactions: 0 };
  }

  private complete(receipt: Receipt): void {
    const { payer, worker, amount, atMs } = receipt;
    const key = [payer, worker].toSorted().join(' ');
    const pair = this.pairs.get(key);
    if (pair !== undefined && atMs - pair.lastMs < PAIR_COOLDOWN_MS) return;
    const completions = (pair?.completions ?? 0) + 1;
    this.pairs.set(key, { completions, lastMs: atMs });
    const gain = (self: Rating, other: Rating): number => {
      const k = weight(self.transactions, amount);
      const full = Math.max(1, Math.round(k * (1 - expected(self.rating, other.rating))));
      return Math.max(1, Math.round(full / 2 / completions));
    };
    const [one, two] = [this.of(payer), this.of(worker)];
    this.move(receipt, { payer: gain(one, two), worker: gain(two, one) });
  }

  private blame(receipt: Receipt, fault: Exclude<Fault, 'nobody'>): void {
    const { payer, worker, amount, stakes } = receipt;
    const [one, two] = [this.of(payer), this.of(worker)];
    const loss = (self: Rating, other: Rating): number =>
      Math.max(1, Math.round(weight(self.transactions, amount) * expected(self.rating, other.rating)));
    const [ofPayer, ofWorker] = [loss(one, two), loss(two, one)];
    if (fault === 'both') this.move(receipt, { payer: -ofPayer - stakes.payer, worker: -ofWorker - stakes.worker });
    else if (fault === 'payer')
      this.move(receipt, { payer: -ofPayer - stakes.payer, worker: Math.round(ofPayer / 2) + stakes.payer });
    else this.move(receipt, { payer: Math.round(ofWorker / 2) + stakes.worker, worker: -ofWorker - stakes.worker });
  }

  private move({ id, payer, worker, capability }: Receipt, by: { payer: number; worker: number }): void {
    const changes = new Map<Principal, RatingChange>();
    for (const [who, change] of [[payer, by.payer] as const, [worker, by.worker] as const]) {
      const before = this.of(who);
      const after = moved(before, change);
      this.overall.set(who, after);
      changes.set(who, { ...after, before: before.rating });
      if (capability === null) continue;
      const skill = this.skills.get(capability) ?? new Map<Principal, Rating>();
      skill.set(who, moved(skill.get(who) ?? { rating: RATING_START, transactions: 0 }, change));
      this.skills.set(capability, skill);
    }
    this.changes.set(id, changes);
  }
}

const moved = ({ rating, transactions }: Rating, change: number): Rating => ({
  rating: Math.max(RATING_FLOOR, rating + change),
  transactions: transactions + 1,
});

/** The ratings that follow from these receipts; a receipt that is there twice counts once. */
export function rate(receipts: Iterable<Receipt>): Ratings {
  const byId = new Map([...receipts].map((receipt) => [receipt.id, receipt]));
  const ledger = new Ledger();
  for (const receipt of [...byId.values()].toSorted((a, b) => compareStamps(a.stamp, b.stamp))) ledger.take(receipt);
  return ledger;
}

/** All receipts that these views hold, newest first. */
export function receiptsIn(views: Views, limit = RECEIPTS_MAX): Receipt[] {
  const rows = (['completed', 'settled'] as const).flatMap((state) =>
    views.list('proposal', { where: { state }, order: [['created', 'desc']], limit }),
  );
  const receipts = rows.flatMap((row) => receiptOf(row) ?? []);
  return receipts.toSorted((a, b) => compareStamps(b.stamp, a.stamp)).slice(0, limit);
}

export const ratingOf = ({ overall }: Pick<Ratings, 'overall'>, who: Principal): Rating =>
  overall.get(who) ?? { rating: RATING_START, transactions: 0 };

/** Who is rated, best first; of one capability, or overall. */
export function leaderboard(
  ratings: Ratings,
  o: { capability?: string | undefined; limit: number },
): (Rating & { who: Principal })[] {
  const of = o.capability === undefined ? ratings.overall : ratings.skills.get(o.capability);
  return [...(of ?? [])]
    .map(([who, rating]) => ({ who, ...rating }))
    .toSorted((a, b) => b.rating - a.rating || b.transactions - a.transactions || (a.who < b.who ? -1 : 1))
    .slice(0, o.limit);
}
