/**
 * The market at this node. It is home to the proposals that were made here, and decides them: by what somebody at any node says, and by what follows
 * from the log by itself. One word at a time is written about a proposal, so of two that exclude one another the second is refused.
 */
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import { nodeIdOf } from '#core/brand.ts';
import type { AtHome } from '#core/market/deal.ts';
import { actDrafts, DEAL_MIN_AGE_MS, followDrafts, proposalDrafts } from '#core/market/deal.ts';
import { madeNotices, untold } from '#core/market/notice.ts';
import { rate, receiptsIn } from '#core/market/ratings.ts';
import type { DealAct, DealDone, ProposalWanted, Trading } from '#core/market/trading.ts';
import type { Draft } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { opIdSchema, principalSchema } from '#core/schema/ids.ts';
import { stakeSchema } from '#core/schema/market-body.ts';
import type { KnownProposal } from '#core/view/proposal.ts';
import { homeOfProposal, isKnownProposal, proposalState } from '#core/view/proposal.ts';
import type { Arrival, OpStore } from '#ports.ts';
import type { Closers } from './parts.ts';
import type { Remote } from './remote.ts';
import { isRefusal } from './remote.ts';
import type { HostedNode } from './swarm-node.ts';

const METHOD = 'proposal.act';
const CALL_DEADLINE_MS = 10_000;
/** Longer timers than the system takes are set again. */
const TIMER_MAX_MS = 3_600_000;
/** Open proposals of this node that are looked at together. */
const OPEN_MAX = 10_000;

const words = z.string().max(4_000).nullable();
const about = { proposal: opIdSchema, by: principalSchema, sig: z.string().max(200).nullable() };
const actSchema: z.ZodType<DealAct> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('accept'), stake: stakeSchema, paymentCode: z.string().max(500).nullable(), ...about }),
  z.object({ kind: z.literal('reject'), reason: words, ...about }),
  z.object({ kind: z.literal('complete'), proof: words, ...about }),
  z.object({ kind: z.literal('dispute'), reason: z.string().min(1).max(4_000), ...about }),
]);
const STATES = ['unknown', 'pending', 'accepted', 'rejected', 'expired', 'completed', 'disputed', 'settled'] as const;
const doneSchema: z.ZodType<DealDone> = z.object({ state: z.enum(STATES) });

export type DealsOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get' | 'list' | 'count'>;
  remote: Pick<Remote, 'serve' | 'ask'>;
  append: (drafts: readonly Draft[]) => Promise<readonly Arrival[] | Refusal>;
  whenOpen: () => Promise<void>;
  nowMs: () => number;
  /** How old a deal is at the least when its payer completes it; AgentChat's minute without it. */
  minAgeMs?: number | undefined;
  log: (line: string) => void;
};

export class Deals implements Trading {
  readonly #o: DealsOptions;
  /** What is being written about a proposal; whatever comes waits for it. */
  readonly #writing = new Map<OpId, Promise<unknown>>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(o: DealsOptions) {
    this.#o = o;
    o.remote.serve(METHOD, actSchema, (act) => this.#actHere(act));
  }

  /** Goes on with what was open at the last stop, and listens. */
  start(node: Pick<HostedNode, 'onArrivals'>, closers: Closers): void {
    const stop = node.onArrivals((arrivals) => this.#arrived(arrivals));
    closers.add(() => {
      stop();
      this.#closed = true;
      clearTimeout(this.#timer);
    });
    // What is here now was made before this start, so whoever makes one from now on announces it.
    const lost = untold(this.#pending(), { views: this.#o.store, self: this.#o.self });
    void this.#o.whenOpen().then(async () => {
      for (const row of lost) await this.#announce(row);
      this.#followOpen();
    });
  }

  #pending(): KnownProposal[] {
    const { store, self } = this.#o;
    const where = { state: 'pending' } as const;
    const rows = store.list('proposal', { where, order: [['created', 'asc']], limit: OPEN_MAX });
    return rows.filter(isKnownProposal).filter(({ made }) => made.home === self);
  }

  async #announce(row: KnownProposal): Promise<void> {
    const { store, self, append, log } = this.#o;
    const told = await append(madeNotices(row, { views: store, self }));
    if (isRefusal(told)) log(`proposal ${row.id} was not announced: ${told.message}`);
  }

  async propose(wanted: ProposalWanted): Promise<KnownProposal | Refusal> {
    const drafts = proposalDrafts(wanted, this.#at());
    const arrivals = isRefusal(drafts) ? drafts : await this.#o.append(drafts);
    if (isRefusal(arrivals)) return arrivals;
    const [arrival] = arrivals;
    const row = arrival === undefined ? undefined : this.#o.store.get('proposal', opId(arrival.op));
    if (!isKnownProposal(row)) throw new Error('a proposal that was just written is not there');
    // Its id is known only now. A node that is killed in between announces it at its next start.
    await this.#announce(row);
    this.#schedule();
    return row;
  }

  async act(act: DealAct): Promise<DealDone | Refusal> {
    const row = this.#o.store.get('proposal', act.proposal);
    if (!isKnownProposal(row)) return unknown(act.proposal);
    const home = nodeIdOf(homeOfProposal(act.proposal));
    if (home === this.#o.self) return this.#actHere(act);
    const reply = await this.#o.remote.ask({
      to: home,
      method: METHOD,
      params: act,
      deadlineMs: CALL_DEADLINE_MS,
      answer: doneSchema,
    });
    if (!isRefusal(reply) || reply.code !== 'node_unreachable') return reply;
    const message = 'only the node where the proposal was made can decide it, and that is away: nothing was stored';
    return { ...reply, code: 'home_unreachable', message };
  }

  #actHere(act: DealAct): Promise<DealDone | Refusal> {
    return this.#alone(act.proposal, async () => {
      const drafts = actDrafts(act, this.#at());
      const stored = isRefusal(drafts) ? drafts : await this.#o.append(drafts);
      if (isRefusal(stored)) return stored;
      const row = this.#o.store.get('proposal', act.proposal);
      return { state: row === undefined ? 'unknown' : proposalState(row) };
    });
  }

  /** A row that changed may have made the next step possible. */
  #arrived(arrivals: readonly Arrival[]): void {
    const { store, self } = this.#o;
    for (const { op } of arrivals) {
      const { body, header } = op;
      if (body.type === 'proposal.delivered' && header.node === self) void this.#follow(header.entity);
      if (body.type === 'approval.decided' && header.node === self) {
        const dispute = store.get('approval', header.entity)?.requested?.dispute;
        if (dispute !== undefined) void this.#follow(dispute.proposal);
      }
    }
    if (arrivals.some(({ op }) => op.body.type === 'task.ended' || op.body.type === 'work.merged')) this.#followOpen();
  }

  #followOpen(): void {
    const { store, self } = this.#o;
    for (const state of ['pending', 'accepted', 'disputed'] as const) {
      const rows = store.list('proposal', { where: { state }, order: [['created', 'asc']], limit: OPEN_MAX });
      for (const { id, made } of rows) if (made?.home === self) void this.#follow(id);
    }
    this.#schedule();
  }

  async #follow(id: OpId): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#alone(id, async () => {
        const row = this.#o.store.get('proposal', id);
        const drafts = isKnownProposal(row) ? followDrafts(row, this.#at()) : [];
        const stored = drafts.length === 0 ? [] : await this.#o.append(drafts);
        if (isRefusal(stored)) this.#o.log(`proposal ${id} waits: ${stored.message}`);
      });
    } catch (error) {
      this.#o.log(`following proposal ${id} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** One timer, for the proposal that is over first. */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const { nowMs } = this.#o;
    const times = this.#pending().flatMap(({ made }) => made.expiresMs ?? []);
    const next = times.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
    if (next === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(TIMER_MAX_MS, Math.max(0, next - nowMs()));
    this.#timer = setTimeout(() => this.#followOpen(), waitMs).unref();
  }

  async #alone<T>(id: OpId, run: () => Promise<T>): Promise<T> {
    const before = this.#writing.get(id);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return run();
    })();
    this.#writing.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#writing.get(id) === mine) this.#writing.delete(id);
    }
  }

  #at(): AtHome {
    const { store, self, nowMs, minAgeMs } = this.#o;
    const ratings = () => rate(receiptsIn(store));
    return { views: store, self, nowMs: nowMs(), minAgeMs: minAgeMs ?? DEAL_MIN_AGE_MS, ratings };
  }
}

const unknown = (id: OpId): Refusal => refusal('not_found', `PROPOSAL_NOT_FOUND: there is no proposal ${id}`);
