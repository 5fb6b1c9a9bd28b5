// Needs: nothing but Node. Skills, proposals and ratings at a hub in a process of its own, by a client that knows AgentChat's reference alone; a deal is a minute old before it is done.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { OutsiderClient } from './outsider-client.ts';
import { Key } from './outsider-client.ts';
import { OutsiderHub } from './outsider-hub.ts';
import * as row from './outsider-rows.ts';

/** The reference: no deal is done before. A clock on each side, so a little more. */
const DEAL_AGE_MS = 61_000;

/** As the reference has it: two of 1200, a first deal, an amount of 5. */
const GAIN = Math.round(Math.round(32 * Math.min(1 + Math.log10(5 + 1), 3) * 0.5) / 2);

const hub = new OutsiderHub();
const [payerKey, workerKey, otherKey] = [new Key(), new Key(), new Key()];
let payer: OutsiderClient;
let worker: OutsiderClient;
let other: OutsiderClient;
let guest: OutsiderClient;
/** The deal that is done in the end, and when it was made. */
let deal: string;
let dealMs: number;

beforeAll(async () => {
  await hub.start();
  payer = await hub.keyed('payer', payerKey);
  worker = await hub.keyed('worker', workerKey);
  other = await hub.keyed('other', otherKey);
  guest = await hub.guest('guest');
  await guest.join('#bounties');
  deal = (await propose({ amount: 5, currency: 'TEST', capability: 'lexing', elo_stake: 10 })).id;
  await accept(deal, 20);
  dealMs = Date.now();
});
afterAll(async () => {
  await hub.leave();
  await hub.close();
});

type Terms = Partial<
  Record<'amount' | 'currency' | 'payment_code' | 'expires' | 'elo_stake' | 'terms' | 'capability', unknown>
>;

/** A proposal as the reference signs it: what is not there is empty. */
function proposal(to: string, terms: Terms = {}, key = payerKey): object {
  const { amount = '', currency = '', payment_code = '', expires = '', elo_stake = '' } = terms;
  const sig = key.sign([to, 'Write the lexer', amount, currency, payment_code, expires, elo_stake].join('|'));
  return { type: 'PROPOSAL', to, task: 'Write the lexer', ...terms, sig };
}

/** The payer proposes to the worker; both are told. */
async function propose(terms: Terms = {}): Promise<z.infer<typeof row.Proposal>> {
  const made = await payer.ask(proposal(worker.id, terms), row.Proposal, ({ status }) => status === 'pending');
  const wanted = { from: payer.id, to: worker.id, task: 'Write the lexer', ...terms };
  const { expires: _expires, ...same } = wanted;
  expect(made).toMatchObject(same);
  expect(await worker.next(row.Proposal, ({ id }) => id === made.id)).toMatchObject({ ...same, sig: made.sig });
  return made;
}

const accepting = (id: string, stake?: number, key = workerKey): object => {
  const sig = key.sign(`ACCEPT|${id}||${stake ?? ''}`);
  return { type: 'ACCEPT', proposal_id: id, ...(stake === undefined ? {} : { elo_stake: stake }), sig };
};

async function accept(id: string, stake?: number): Promise<void> {
  const wanted = { proposal_id: id, from: payer.id, to: worker.id, acceptor_stake: stake ?? 0 };
  expect(await worker.ask(accepting(id, stake), row.ProposalAccepted)).toMatchObject(wanted);
  expect(await payer.next(row.ProposalAccepted)).toMatchObject(wanted);
}

const worded = (type: 'REJECT' | 'COMPLETE' | 'DISPUTE', id: string, said: string, key: Key): object => {
  const field = type === 'COMPLETE' ? 'proof' : 'reason';
  return { type, proposal_id: id, [field]: said, sig: key.sign(`${type}|${id}|${said}`) };
};

const announced = (start: string): Promise<z.infer<typeof row.Message>> =>
  guest.next(row.Message, ({ from, content }) => from === '@server' && content.startsWith(start));

describe('skills', () => {
  const skills = [{ capability: 'lexing', description: 'by hand', rate: 5, currency: 'TEST' }, { capability: 'rust' }];
  const signature = (key: Key): string =>
    key.sign(`REGISTER_SKILLS|${createHash('sha256').update(JSON.stringify(skills)).digest('hex')}`);

  it('are registered by a key, and signed', async () => {
    const frame = { type: 'REGISTER_SKILLS', skills, sig: signature(workerKey) };
    const answer = await worker.ask(frame, row.SkillsRegistered);
    expect(answer).toMatchObject({ agent_id: worker.id, skills_count: 2 });
    expect(await worker.refusal({ ...frame, sig: signature(otherKey) })).toMatch(/^VERIFICATION_FAILED /);
    expect(await worker.refusal({ ...frame, sig: undefined })).toMatch(/^INVALID_MSG /);
    expect(await worker.refusal({ ...frame, skills: [] })).toMatch(/^INVALID_MSG /);
    expect(await guest.refusal(frame)).toMatch(/^SIGNATURE_REQUIRED /);
  });

  it('are found by what they are, what they cost, and not more than asked for', async () => {
    const search = (query: object) => guest.ask({ type: 'SEARCH_SKILLS', query, query_id: 'q' }, row.SearchResults);
    await worker.ask({ type: 'REGISTER_SKILLS', skills, sig: signature(workerKey) }, row.SkillsRegistered);
    const found = await search({ capability: 'lexing', max_rate: 5, currency: 'TEST' });
    expect(found).toMatchObject({ query_id: 'q', query: { capability: 'lexing' }, total: 1 });
    expect(found.results).toMatchObject([{ agent_id: worker.id, capability: 'lexing', rate: 5, currency: 'TEST' }]);
    expect((await search({ capability: 'lexing', max_rate: 4 })).results).toEqual([]);
    expect((await search({ capability: 'cooking' })).results).toEqual([]);
    expect((await search({ limit: 1 })).results).toHaveLength(1);
  });
});

describe('a proposal', () => {
  it('reaches both, and is announced', async () => {
    const terms = { amount: 7, currency: 'TEST', payment_code: 'pay', terms: 'with tests', expires: 300, elo_stake: 3 };
    const made = await propose(terms);
    expect(made.expires ?? 0).toBeGreaterThan(made.created_at);
    const line = await announced(`[BOUNTY] ${payer.id} → ${worker.id}: "Write the lexer" (7 TEST) [stake: 3 ELO]`);
    expect(line.content).toContain(made.id);
    await accept(made.id);
    expect((await announced(`[CLAIMED] ${made.id}`)).content).toContain(worker.id);
  });

  it('without a right signature, a key, a reader or the points is refused', async () => {
    expect(await payer.refusal({ ...proposal(worker.id), sig: undefined })).toBe(
      'INVALID_MSG Proposals must be signed',
    );
    expect(await payer.refusal(proposal(worker.id, {}, otherKey))).toMatch(/^VERIFICATION_FAILED /);
    expect(await payer.refusal({ ...proposal(worker.id), amount: 9 })).toMatch(/^VERIFICATION_FAILED /);
    expect(await guest.refusal(proposal(worker.id))).toMatch(/^SIGNATURE_REQUIRED /);
    expect(await payer.refusal(proposal('@nobody01'))).toMatch(/^AGENT_NOT_FOUND /);
    expect(await payer.refusal(proposal(payer.id))).toMatch(/^INVALID_PROPOSAL /);
    expect(await payer.refusal(proposal(worker.id, { elo_stake: 9_999 }))).toMatch(/^INSUFFICIENT_REPUTATION /);
    for (const elo_stake of [-1, 1.5])
      expect(await payer.refusal(proposal(worker.id, { elo_stake }))).toMatch(/^INVALID_MSG /);
  });

  it('is accepted by the one that it was made to, once', async () => {
    const { id } = await propose();
    expect(await other.refusal(accepting(id, undefined, otherKey))).toBe('INVALID_PROPOSAL NOT_PROPOSAL_RECIPIENT');
    expect(await payer.refusal(accepting(id, undefined, payerKey))).toBe('INVALID_PROPOSAL NOT_PROPOSAL_RECIPIENT');
    expect(await worker.refusal(accepting(id, undefined, otherKey))).toMatch(/^VERIFICATION_FAILED /);
    expect(await worker.refusal(accepting(id, 9_999))).toMatch(/^INSUFFICIENT_REPUTATION /);
    await accept(id);
    expect(await worker.refusal(accepting(id))).toBe('INVALID_PROPOSAL PROPOSAL_NOT_PENDING');
    expect(await worker.refusal(worded('REJECT', id, 'late', workerKey))).toBe('INVALID_PROPOSAL PROPOSAL_NOT_PENDING');
    const none = 'prop_mfx3k2_0a1b2c3d';
    expect(await worker.refusal(accepting(none))).toBe('INVALID_PROPOSAL PROPOSAL_NOT_FOUND');
  });

  it('is rejected by the one that it was made to, once', async () => {
    const { id } = await propose();
    const frame = worded('REJECT', id, 'no time', workerKey);
    const wrong = worded('REJECT', id, 'no time', otherKey);
    expect(await other.refusal(wrong)).toBe('INVALID_PROPOSAL NOT_PROPOSAL_RECIPIENT');
    const wanted = { proposal_id: id, from: payer.id, to: worker.id, reason: 'no time' };
    expect(await worker.ask(frame, row.ProposalRejected)).toMatchObject(wanted);
    expect(await payer.next(row.ProposalRejected)).toMatchObject(wanted);
    expect(await worker.refusal(frame)).toBe('INVALID_PROPOSAL PROPOSAL_NOT_PENDING');
  });

  it('expires', async () => {
    const { id } = await propose({ expires: 1 });
    await worker.next(row.Proposal, (told) => told.id === id && told.status === 'expired');
    expect(await worker.refusal(accepting(id))).toBe('INVALID_PROPOSAL PROPOSAL_EXPIRED');
  });
});

describe('a deal', () => {
  it('is disputed by one of the two, and then the operator’s; the court of agents is not here', async () => {
    const { id } = await propose();
    const frame = worded('DISPUTE', id, 'there are no tests', payerKey);
    expect(await payer.refusal(frame)).toBe('INVALID_PROPOSAL PROPOSAL_NOT_ACCEPTED');
    await accept(id);
    const stranger = worded('DISPUTE', id, 'there are no tests', otherKey);
    expect(await other.refusal(stranger)).toBe('INVALID_PROPOSAL NOT_PROPOSAL_PARTY');
    const wanted = { proposal_id: id, disputed_by: payer.id, reason: 'there are no tests' };
    expect(await payer.ask(frame, row.ProposalDisputed)).toMatchObject(wanted);
    expect(await worker.next(row.ProposalDisputed)).toMatchObject(wanted);
    const court = 'DISPUTE_INTENT DISPUTE_REVEAL EVIDENCE ARBITER_ACCEPT ARBITER_DECLINE ARBITER_VOTE'.split(' ');
    for (const type of court)
      expect(await other.refusal({ type, proposal_id: id, dispute_id: 'disp_mfx3k2_0a1b2c3d', sig: 'x' })).toBe(
        'INVALID_MSG disputes go to the operator',
      );
  });

  it('is done when the payer says so, a minute after it was made, once; and moves the ratings', async () => {
    const stranger = worded('COMPLETE', deal, 'mine', otherKey);
    expect(await other.refusal(stranger)).toBe('INVALID_PROPOSAL NOT_PROPOSAL_PARTY');
    const open = await propose();
    const early = worded('COMPLETE', open.id, 'x', payerKey);
    expect(await payer.refusal(early)).toBe('INVALID_PROPOSAL PROPOSAL_NOT_ACCEPTED');
    await accept(open.id);
    expect(await payer.refusal(early)).toMatch(/^RATE_LIMITED /);
    // The worker's word alone pays nobody.
    const delivered = await worker.ask(worded('COMPLETE', deal, 'see the tests', workerKey), row.ProposalDelivered);
    expect(delivered).toMatchObject({ proposal_id: deal, delivered_by: worker.id, rating_changes: null });
    expect(await payer.next(row.ProposalDelivered)).toMatchObject({ proposal_id: deal, proof: 'see the tests' });
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dealMs + DEAL_AGE_MS - Date.now())));
    const done = worded('COMPLETE', deal, 'it works', payerKey);
    const wanted = {
      proposal_id: deal,
      completed_by: payer.id,
      proof: 'it works',
      elo_stakes: { proposer: 10, acceptor: 20 },
    };
    const completed = await payer.ask(done, row.ProposalCompleted);
    expect(completed).toMatchObject(wanted);
    expect(JSON.stringify(completed.rating_changes)).toContain(String(1_200 + GAIN));
    expect(await worker.next(row.ProposalCompleted)).toMatchObject(wanted);
    expect(await payer.refusal(done)).toBe('INVALID_PROPOSAL PROPOSAL_NOT_ACCEPTED');
    const skills = [{ capability: 'lexing' }];
    const hash = createHash('sha256').update(JSON.stringify(skills)).digest('hex');
    const sig = workerKey.sign(`REGISTER_SKILLS|${hash}`);
    await worker.ask({ type: 'REGISTER_SKILLS', skills, sig }, row.SkillsRegistered);
    const { results } = await worker.ask({ type: 'SEARCH_SKILLS', query: { capability: 'lexing' } }, row.SearchResults);
    const rating = 1_200 + GAIN;
    expect(results).toMatchObject([
      { agent_id: worker.id, agent_rating: rating, agent_transactions: 1, skill_rating: rating, skill_transactions: 1 },
    ]);
  });
});
