/** What becomes of a proposal: who may say what, when, and what follows by itself. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { OpId, Principal } from '#core/brand.ts';
import { agentPrincipal, nodePrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import { rate, receiptOf, receiptsIn, ratingOf } from '#core/market/ratings.ts';
import type { DealAct, DealDone, ProposalWanted } from '#core/market/trading.ts';
import { opId } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import type { Body, EndValue } from '#core/schema/body.ts';
import type { KnownProposal } from '#core/view/proposal.ts';
import { isKnownProposal, proposalState } from '#core/view/proposal.ts';
import { FakeNode, OTHER, SELF } from '../../door/fake-node.ts';
import { follow } from '../../door/fake-market.ts';
import { taskBody } from '../../store/author.ts';

const [ann, bob, eve] = [userPrincipal('@aaaaaaaaaaaaaaaa'), userPrincipal('@bbbbbbbbbbbbbbbb'), userPrincipal('eve')];
const worker = parsedOpId(`${SELF}-77`);
let node: FakeNode;
beforeEach(() => (node = new FakeNode()));

const plain = { amount: 5, currency: 'USD', paymentCode: null, terms: null, capability: 'rust', stake: 0 } as const;
const wanted = (o: Partial<ProposalWanted> = {}): ProposalWanted => ({
  ...plain,
  by: ann,
  to: bob,
  task: 'Write the lexer',
  expiresMs: null,
  offers: null,
  sig: null,
  ...o,
});

async function made(o: Partial<ProposalWanted> = {}): Promise<OpId> {
  const row = await node.market.propose(wanted(o));
  if ('refused' in row) throw new Error(row.message);
  return row.id;
}
type Kind<K extends DealAct['kind']> = Omit<Extract<DealAct, { kind: K }>, 'proposal' | 'by' | 'sig' | 'kind'>;
const act = (proposal: OpId, by: Principal, rest: DealActRest): Promise<DealDone | Refusal> =>
  node.market.act({ proposal, by, sig: null, ...rest });
type DealActRest =
  | ({ kind: 'accept' } & Kind<'accept'>)
  | ({ kind: 'reject' } & Kind<'reject'>)
  | ({ kind: 'complete' } & Kind<'complete'>)
  | ({ kind: 'dispute' } & Kind<'dispute'>);
const accept = { kind: 'accept', stake: 0, paymentCode: null } as const;
const complete = { kind: 'complete', proof: null } as const;
const said = (word: string) => ({ message: expect.stringMatching(new RegExp(`^${word}: `)) });
const row = (id: OpId): KnownProposal => {
  const found = node.store.get('proposal', id);
  if (!isKnownProposal(found)) throw new Error('no such proposal');
  return found;
};
const state = (id: OpId) => proposalState(row(id));
const later = (ms: number) => (node.wallMs += ms);
const texts = (channel: string): unknown[] =>
  node.store
    .list('message', { where: { channel }, order: [['lamport', 'asc']], limit: 100 })
    .map(({ sent }) => sent?.text);

describe('a proposal', () => {
  it('is accepted by whom it asks, and completed by who pays', async () => {
    const id = await made();
    expect(await act(id, bob, accept)).toEqual({ state: 'accepted' });
    later(60_000);
    expect(await act(id, ann, complete)).toEqual({ state: 'completed' });
    expect(receiptOf(row(id))).toMatchObject({ payer: ann, worker: bob, amount: 5, capability: 'rust', fault: null });
    const ratings = rate(receiptsIn(node.store));
    expect([ratingOf(ratings, ann).rating, ratingOf(ratings, bob).rating]).toEqual([1_214, 1_214]);
    expect(texts('#bounties')).toEqual([
      `[BOUNTY] @aaaaaaaaaaaaaaaa → @bbbbbbbbbbbbbbbb: "Write the lexer" (5 USD) — ${id}`,
      `[CLAIMED] ${id} accepted by @bbbbbbbbbbbbbbbb — "Write the lexer"`,
    ]);
  });

  it('is not completed twice, nor by a stranger, nor within a minute', async () => {
    const id = await made();
    await act(id, bob, accept);
    expect(await act(id, eve, complete)).toMatchObject(said('NOT_PROPOSAL_PARTY'));
    expect(await act(id, ann, complete)).toMatchObject(said('RATE_LIMITED'));
    later(60_000);
    await act(id, ann, complete);
    expect(await act(id, ann, complete)).toMatchObject(said('PROPOSAL_NOT_ACCEPTED'));
    expect(receiptsIn(node.store)).toHaveLength(1);
  });

  it('to oneself is refused', async () => {
    expect(await node.market.propose(wanted({ to: ann }))).toMatchObject(said('INVALID_PROPOSAL'));
    expect(node.store.count('proposal', { state: 'pending' })).toBe(0);
  });

  it('whose time is over cannot be accepted, and expires by the clock of its home', async () => {
    const id = await made({ expiresMs: node.now() + 1_000 });
    later(999);
    await follow(node);
    expect(state(id)).toBe('pending');
    later(1);
    expect(await act(id, bob, accept)).toMatchObject(said('PROPOSAL_EXPIRED'));
    await follow(node);
    expect(state(id)).toBe('expired');
    expect(await act(id, bob, accept)).toMatchObject(said('PROPOSAL_EXPIRED'));
    expect(await node.market.propose(wanted({ expiresMs: node.now() }))).toMatchObject(said('PROPOSAL_EXPIRED'));
  });

  it('is answered once, and only by whom it asks', async () => {
    const id = await made();
    expect(await act(id, eve, accept)).toMatchObject(said('NOT_PROPOSAL_RECIPIENT'));
    expect(await act(id, ann, accept)).toMatchObject(said('NOT_PROPOSAL_RECIPIENT'));
    expect(await act(id, ann, complete)).toMatchObject(said('PROPOSAL_NOT_ACCEPTED'));
    expect(await act(id, bob, { kind: 'reject', reason: 'no time' })).toEqual({ state: 'rejected' });
    expect(await act(id, bob, accept)).toMatchObject(said('PROPOSAL_NOT_PENDING'));
    expect(await act(parsedOpId(`${OTHER}-9`), bob, accept)).toMatchObject(said('PROPOSAL_NOT_FOUND'));
  });

  it('of one from outside reaches no agent that is not open to it', async () => {
    const to = agentPrincipal(worker);
    expect(await node.market.propose(wanted({ to }))).toMatchObject({ code: 'forbidden' });
    expect(await node.market.propose(wanted({ to, by: eve }))).toMatchObject({ made: { to } });
  });

  it('stakes no more than is above the floor and not at stake elsewhere', async () => {
    await made({ stake: 1_000 });
    expect(await node.market.propose(wanted({ stake: 101 }))).toMatchObject(said('INSUFFICIENT_REPUTATION'));
    const id = await made({ stake: 100 });
    expect(await act(id, bob, { ...accept, stake: 1_101 })).toMatchObject(said('INSUFFICIENT_REPUTATION'));
    expect(await act(id, bob, { ...accept, stake: 1_100 })).toEqual({ state: 'accepted' });
  });

  it('with a secret in it is refused, not changed: it was signed as it is', async () => {
    const task = `use sk-ant-${'a'.repeat(40)}`;
    expect(await node.market.propose(wanted({ task }))).toMatchObject(said('INVALID_MSG'));
  });

  it('keeps the home’s word alone: what another node writes about it counts for nothing', async () => {
    const id = await made();
    const body = { type: 'proposal.accepted', stake: 0, paymentCode: null, atMs: 1, sig: null } as const;
    await node.commit(OTHER, [{ entity: id, by: bob, body }]);
    expect(state(id)).toBe('pending');
  });
});

const end = (o: Partial<EndValue> = {}): Partial<EndValue> => ({ kind: 'completed', attempt: 1, ...o });

async function task(o: Omit<Parameters<typeof taskBody>[0], 'voters'> = {}): Promise<OpId> {
  const [arrival] = await node.commit(SELF, [{ entity: undefined, by: eve, body: taskBody({ ...o, voters: [SELF] }) }]);
  if (arrival === undefined) throw new Error('no task');
  return opId(arrival.op);
}

describe('the word of the worker', () => {
  beforeEach(async () => {
    const body = { type: 'agent.outsidersSet', allow: ['@aaaa*'] } satisfies Body;
    await node.commit(SELF, [{ entity: worker, by: eve, body }]);
  });

  const hand = { kind: 'complete' } as const;
  const asked = agentPrincipal(worker);

  it('completes nothing by itself: the payer is told, and confirms', async () => {
    const id = await made({ by: agentPrincipal(parsedOpId(`${SELF}-66`)), to: asked });
    await act(id, asked, accept);
    expect(await act(id, asked, { ...hand, proof: 'trust me' })).toEqual({ state: 'accepted' });
    expect(await act(id, asked, { ...hand, proof: 'really' })).toMatchObject(said('INVALID_PROPOSAL'));
    expect(texts(`@${SELF}-66`).at(-1)).toContain('says that it is done (trust me)');
    await follow(node);
    expect(state(id)).toBe('accepted');
  });

  it('completes it once the merge of its own completed task stands in the log', async () => {
    const id = await made({ to: asked });
    const done = await task();
    await act(id, asked, accept);
    await node.start(done, worker);
    await node.end(done, end());
    expect(await act(id, asked, { ...hand, proof: `task ${done}` })).toEqual({ state: 'accepted' });
    await follow(node);
    expect(state(id)).toBe('accepted');
    const merged = { type: 'work.merged', attempt: 1, into: 'main', commit: 'c'.repeat(40) } as const;
    await node.commit(SELF, [{ entity: done, by: eve, body: merged }]);
    await follow(node);
    expect(row(id).completed?.value.evidence).toEqual({ kind: 'merged', task: done, commit: 'c'.repeat(40) });
    const second = await made({ to: asked });
    await act(second, asked, accept);
    expect(await act(second, asked, { ...hand, proof: `task ${done}` })).toEqual({ state: 'accepted' });
  });

  it('completes it at once when a check that depends on its task has passed', async () => {
    const id = await made({ to: asked });
    await act(id, asked, accept);
    const done = await task();
    const check = await task({ dependsOn: [done], requiredCapabilities: ['shell'] });
    await node.start(done, worker);
    await node.end(done, end());
    await node.start(check, parsedOpId(`${SELF}-78`));
    await node.end(check, end());
    expect(await act(id, asked, { ...hand, proof: `${done} checked by ${check}` })).toEqual({ state: 'completed' });
    expect(row(id).completed?.value.evidence).toEqual({ kind: 'check', task: done, check });
  });

  it('counts for nothing about a task of another, or one that was over before', async () => {
    const before = await task();
    await node.start(before, worker);
    await node.end(before, end());
    const others = await task();
    const id = await made({ to: asked });
    await act(id, asked, accept);
    await node.start(others, parsedOpId(`${SELF}-78`));
    await node.end(others, end());
    const merged = { type: 'work.merged', attempt: 1, into: 'main', commit: 'c'.repeat(40) } as const;
    for (const one of [before, others]) await node.commit(SELF, [{ entity: one, by: eve, body: merged }]);
    expect(await act(id, asked, { ...hand, proof: `${before} ${others}` })).toEqual({ state: 'accepted' });
  });
});

describe('a task on the market', () => {
  const offer = async (o: Partial<ProposalWanted> = {}): Promise<readonly [OpId, OpId]> => {
    const offers = await task();
    return [await made({ by: eve, to: null, offers, ...o }), offers];
  };

  it('is won by a claim: who completes it has accepted and completed the offer', async () => {
    const [id, offers] = await offer();
    expect(await act(id, bob, accept)).toMatchObject(said('NOT_PROPOSAL_RECIPIENT'));
    await node.start(offers, worker);
    await follow(node);
    expect(state(id)).toBe('pending');
    await node.end(offers, end());
    await follow(node);
    expect(receiptOf(row(id))).toMatchObject({ payer: eve, worker: agentPrincipal(worker), fault: null });
    expect(row(id).completed?.value.evidence).toEqual({ kind: 'task', task: offers, attempt: 1 });
  });

  it('expires when the task ends otherwise', async () => {
    const [id, offers] = await offer();
    await node.cancelTask(offers, eve);
    await follow(node);
    expect(state(id)).toBe('expired');
  });

  it('is offered once, while it is open', async () => {
    const [, offers] = await offer();
    expect(await node.market.propose(wanted({ to: null, offers }))).toMatchObject(said('INVALID_PROPOSAL'));
    expect(await node.market.propose(wanted({ to: null }))).toMatchObject(said('INVALID_PROPOSAL'));
    const nowhere = parsedOpId(`${SELF}-999`);
    expect(await node.market.propose(wanted({ to: null, offers: nowhere }))).toMatchObject(said('INVALID_PROPOSAL'));
  });
});

describe('a dispute', () => {
  const disputed = async (): Promise<OpId> => {
    const id = await made({ stake: 10 });
    await act(id, bob, { ...accept, stake: 20 });
    await act(id, bob, { kind: 'complete', proof: 'here it is' });
    expect(await act(id, ann, { kind: 'dispute', reason: 'there are no tests' })).toEqual({ state: 'disputed' });
    return id;
  };
  const approvalOf = (id: OpId) => node.store.list('approval', { where: { task: id }, limit: 10 });
  const decide = async (id: OpId, decision: 'allow' | 'deny', note: string): Promise<void> => {
    const [approval] = approvalOf(id);
    if (approval === undefined) throw new Error('nobody was asked');
    const body = { type: 'approval.decided', decision, note, rule: null } as const;
    await node.commit(SELF, [{ entity: approval.id, by: eve, body }]);
    await follow(node);
  };

  it('is an approval for the operator, with what both said and did', async () => {
    const id = await disputed();
    const [asked] = approvalOf(id);
    expect(asked?.requested).toMatchObject({ kind: 'question', tool: 'market', dispute: { proposal: id, by: ann } });
    const detail = JSON.stringify(asked?.requested?.detail);
    for (const part of ['there are no tests', 'here it is', 'Write the lexer', 'stakes 10', 'stakes 20'])
      expect(detail).toContain(part);
    expect(await act(id, bob, { kind: 'dispute', reason: 'it has' })).toMatchObject(said('PROPOSAL_NOT_ACCEPTED'));
    expect(await act(id, ann, complete)).toMatchObject(said('PROPOSAL_NOT_ACCEPTED'));
    expect(receiptsIn(node.store)).toEqual([]);
  });

  it('is settled by the operator’s word on who is at fault', async () => {
    const id = await disputed();
    await decide(id, 'allow', 'worker: the terms asked for tests');
    expect(row(id).settled?.value).toMatchObject({ fault: 'worker', note: 'the terms asked for tests', by: eve });
    const ratings = rate(receiptsIn(node.store));
    expect(ratingOf(ratings, bob).rating).toBe(1_200 - 28 - 20);
    expect(ratingOf(ratings, ann).rating).toBe(1_200 + 14 + 20);
  });

  it('that is denied finds nobody at fault, and moves nothing', async () => {
    const id = await disputed();
    await decide(id, 'deny', 'settle it among yourselves');
    expect(state(id)).toBe('settled');
    expect(rate(receiptsIn(node.store)).overall.size).toBe(0);
  });
});

it('the node itself speaks as @server of what it announces', async () => {
  await made();
  const [message] = node.store.list('message', { where: { channel: '#bounties' }, limit: 1 });
  expect(message?.sent?.from).toBe(nodePrincipal(SELF));
});
