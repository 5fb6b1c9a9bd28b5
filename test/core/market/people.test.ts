/** Deals of people, who are one party: whoever of them looks answers. */
import { expect, it } from 'vitest';
import type { OpId, Principal } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { DEAL_MIN_AGE_MS } from '#core/market/deal.ts';
import type { KnownProposal } from '#core/view/proposal.ts';
import type { Refusal } from '#core/refusal.ts';
import { FakeNode } from '../../door/fake-node.ts';

const [key, ada, operator] = [userPrincipal('@aaaaaaaaaaaaaaaa'), userPrincipal('ada'), userPrincipal('operator')];

const propose = (node: FakeNode, by: Principal, to: Principal): Promise<KnownProposal | Refusal> => {
  const none = { paymentCode: null, terms: null, capability: null, stake: 0, expiresMs: null, offers: null, sig: null };
  return node.market.propose({ ...none, by, to, task: 'Write the lexer', amount: 5, currency: 'USD' });
};
async function made(node: FakeNode, by: Principal, to: Principal): Promise<OpId> {
  const row = await propose(node, by, to);
  if ('refused' in row) throw new Error(row.message);
  return row.id;
}
const accept = { kind: 'accept', stake: 0, paymentCode: null, sig: null } as const;
const complete = { kind: 'complete', proof: null, sig: null } as const;

it('what is proposed to people is accepted by one of them, and said to be done by another', async () => {
  const node = new FakeNode();
  const proposal = await made(node, key, operator);
  expect(await node.market.act({ ...accept, proposal, by: ada })).toEqual({ state: 'accepted' });
  // Of the worker's side: it waits for the payer.
  expect(await node.market.act({ ...complete, proposal, by: operator })).toEqual({ state: 'accepted' });
  expect(node.store.get('proposal', proposal)?.delivered?.value.by).toBe(operator);
});

it('what one of them proposed is confirmed by another; a key that is no party says nothing', async () => {
  const node = new FakeNode();
  const proposal = await made(node, ada, key);
  await node.market.act({ ...accept, proposal, by: key });
  node.wallMs += DEAL_MIN_AGE_MS;
  const stranger = userPrincipal('@bbbbbbbbbbbbbbbb');
  expect(await node.market.act({ ...complete, proposal, by: stranger })).toMatchObject({
    message: expect.stringMatching(/^NOT_PROPOSAL_PARTY: /),
  });
  expect(await node.market.act({ ...complete, proposal, by: operator })).toEqual({ state: 'completed' });
});

it('none of them proposes to people: that would be to itself', async () => {
  const refused = { message: expect.stringMatching(/^INVALID_PROPOSAL: /) };
  expect(await propose(new FakeNode(), ada, operator)).toMatchObject(refused);
});
