/** The market of the fake node: the real decisions, over its own views and clock. */
import { hash } from 'node:crypto';
import { hashOf } from '#core/brand.ts';
import type { Filing } from '#core/file/filing.ts';
import type { AtHome } from '#core/market/deal.ts';
import { actDrafts, DEAL_MIN_AGE_MS, followDrafts, proposalDrafts } from '#core/market/deal.ts';
import { madeNotices } from '#core/market/notice.ts';
import { rate, receiptsIn } from '#core/market/ratings.ts';
import type { Trading } from '#core/market/trading.ts';
import { opId } from '#core/op.ts';
import { isKnownProposal, proposalState } from '#core/view/proposal.ts';
import { MemoryBlobStore } from '#store/memory-blobs.ts';
import { Files } from '#host/files.ts';
import type { FakeNode } from './fake-node.ts';

type Node = Pick<FakeNode, 'append' | 'store' | 'now' | 'info'>;

const at = ({ store, info, now }: Node): AtHome => ({
  views: store,
  self: info.self,
  nowMs: now(),
  minAgeMs: DEAL_MIN_AGE_MS,
  ratings: () => rate(receiptsIn(store)),
});

/** What follows by itself, for all proposals. */
export async function follow(node: Node): Promise<void> {
  for (const row of node.store.list('proposal', { limit: 1_000 })) {
    const drafts = isKnownProposal(row) ? followDrafts(row, at(node)) : [];
    if (drafts.length > 0) await node.append(drafts);
  }
}

export const fakeMarket = (node: Node): Trading => ({
  propose: async (wanted) => {
    const drafts = proposalDrafts(wanted, at(node));
    const arrivals = 'refused' in drafts ? drafts : await node.append(drafts);
    if ('refused' in arrivals) return arrivals;
    const row = arrivals[0] === undefined ? undefined : node.store.get('proposal', opId(arrivals[0].op));
    if (!isKnownProposal(row)) throw new Error('a proposal that was just written is not there');
    await node.append(madeNotices(row, { views: node.store, self: node.info.self }));
    return row;
  },
  act: async (act) => {
    const drafts = actDrafts(act, at(node));
    const arrivals = 'refused' in drafts ? drafts : await node.append(drafts);
    if ('refused' in arrivals) return arrivals;
    const row = node.store.get('proposal', act.proposal);
    return { state: row === undefined ? 'unknown' : proposalState(row) };
  },
});

/** Files of the fake node: the real ones, in memory. */
export const fakeFiles = (): Filing =>
  new Files({
    blobs: new MemoryBlobStore({ sha256: (bytes) => hashOf(hash('sha256', bytes)) }),
    transfer: { ensure: async () => undefined },
    links: () => [],
  });
