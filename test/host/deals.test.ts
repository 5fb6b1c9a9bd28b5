/** The home of proposals, killed between a proposal and its news, and by its own clock. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { agentPrincipal, userPrincipal } from '#core/brand.ts';
import type { OpId, Principal } from '#core/brand.ts';
import type { ProposalWanted } from '#core/market/trading.ts';
import { opId } from '#core/op.ts';
import { refusal } from '#core/refusal.ts';
import { isKnownMessage } from '#core/view/message.ts';
import { proposalState } from '#core/view/proposal.ts';
import { Deals } from '#host/deals.ts';
import { Closers } from '#host/parts.ts';
import { present } from '../core/writer.ts';
import { FakeNode, SELF } from '../door/fake-node.ts';

const BOUNTIES = '#bounties';
const payer = userPrincipal('ada');

let node: FakeNode;
let worker: OpId;
const running: Closers[] = [];
const log: string[] = [];

beforeEach(async () => {
  log.length = 0;
  node = new FakeNode();
  await node.register(SELF, 'hive');
  const body = {
    type: 'agent.registered' as const,
    name: 'bob',
    tool: 'claude',
    capabilities: new Array<string>(),
    projectPath: null,
    tmuxSessionId: null,
    maxConcurrentTasks: 1,
  };
  const [made] = await node.commit(SELF, [{ entity: undefined, by: payer, body }]);
  worker = opId(present(made).op);
});
afterEach(() => stop());

async function stop(): Promise<void> {
  for (const closers of running.splice(0)) await closers.closeAll(() => undefined);
}

/** As after a start of the node: nothing is known but the log. `kills`: it writes no news. */
function start(o: { kills?: boolean } = {}): Deals {
  const closers = new Closers();
  running.push(closers);
  const deals = new Deals({
    self: SELF,
    store: node.store,
    remote: { serve: () => undefined, ask: async () => refusal('node_unreachable', 'away') },
    append: async (drafts) =>
      o.kills === true && drafts.every(({ body }) => body.type === 'message.sent')
        ? refusal('conflict', 'killed')
        : node.append(drafts),
    whenOpen: async () => undefined,
    nowMs: node.now,
    log: (line) => log.push(line),
  });
  deals.start(node, closers);
  return deals;
}

const wanted = (o: Partial<ProposalWanted> = {}): ProposalWanted => ({
  by: payer,
  to: agentPrincipal(worker),
  task: 'Write the lexer',
  amount: null,
  currency: null,
  paymentCode: null,
  terms: null,
  capability: null,
  stake: 0,
  expiresMs: null,
  offers: null,
  sig: null,
  ...o,
});

async function propose(deals: Deals, o: Partial<ProposalWanted> = {}): Promise<OpId> {
  const made = await deals.propose(wanted(o));
  if ('refused' in made) throw new Error(made.message);
  return made.id;
}

const textsIn = (channel: string): string[] =>
  node.store
    .list('message', { where: { channel }, limit: 100 })
    .filter(isKnownMessage)
    .map(({ sent: { text } }) => (typeof text === 'string' ? text : text.head));
const stateOf = (id: OpId) => proposalState(present(node.store.get('proposal', id)));

/** Each follow-up takes a few turns of the event loop; none takes a minute. */
async function until(is: () => boolean): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!is()) {
    if (performance.now() > endMs) throw new Error('it never came');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('killed before the news, it tells them after the next start, once', async () => {
  const told = await propose(start());
  await stop();
  const lost = await propose(start({ kills: true }));
  expect(log).toEqual([expect.stringContaining('was not announced')]);
  await stop();
  const mailbox = `@${worker}`;
  expect(textsIn(mailbox)).toHaveLength(1);
  start();
  await until(() => textsIn(mailbox).length === 2);
  expect(textsIn(mailbox).filter((text) => text.includes(lost))).toHaveLength(1);
  expect(textsIn(BOUNTIES).filter((text) => text.endsWith(` — ${lost}`))).toHaveLength(1);
  await stop();
  start();
  await propose(start(), { task: 'Port it' });
  expect(textsIn(mailbox)).toHaveLength(3);
  expect(textsIn(BOUNTIES).filter((text) => text.endsWith(` — ${told}`))).toHaveLength(1);
});

it('what another says in the channel announces nothing', async () => {
  const lost = await propose(start({ kills: true }));
  await stop();
  const rest = { kind: 'text' as const, replyTo: null, thread: null, hops: 0, source: null, dueMs: null };
  const eve: Principal = userPrincipal('@3f1c9a0b7d2e4455');
  const body = { type: 'message.sent' as const, channel: BOUNTIES, text: `nothing to see — ${lost}`, ...rest };
  await node.append([{ entity: undefined, by: eve, body }]);
  start();
  await until(() => textsIn(`@${worker}`).length === 1);
  expect(textsIn(`@${worker}`)[0]).toContain(lost);
});

it('a proposal expires by the clock of its home, also one whose time was over while the home was down', async () => {
  const deals = start();
  const id = await propose(deals, { expiresMs: node.now() + 20 });
  const later = await propose(deals, { expiresMs: node.now() + 3_600_000 });
  node.wallMs += 19;
  const early = await deals.act({
    kind: 'reject',
    proposal: later,
    by: agentPrincipal(worker),
    sig: null,
    reason: null,
  });
  expect([early, stateOf(id)]).toEqual([{ state: 'rejected' }, 'pending']);
  node.wallMs += 1;
  const late = await deals.act({
    kind: 'accept',
    proposal: id,
    by: agentPrincipal(worker),
    sig: null,
    stake: 0,
    paymentCode: null,
  });
  expect(late).toMatchObject({ message: expect.stringContaining('PROPOSAL_EXPIRED') });
  await until(() => stateOf(id) === 'expired');
  const away = await propose(deals, { expiresMs: node.now() + 1_000_000 });
  await stop();
  node.wallMs += 1_000_000;
  expect(stateOf(away)).toBe('pending');
  start();
  await until(() => stateOf(away) === 'expired');
  // What is over stays, and is found by how it ended.
  const found = node.store.list('proposal', { where: { state: 'expired' }, limit: 10 }).map((row) => row.id);
  expect(found.toSorted()).toEqual([id, away].toSorted());
  expect(node.store.count('proposal', { state: 'pending' })).toBe(0);
});
