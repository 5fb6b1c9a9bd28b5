import { expect, it } from 'vitest';
import { agentPrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import { bestRated } from '#core/market/preference.ts';
import { FakeNode, SELF } from '../../door/fake-node.ts';

it('the agent with the better rating comes first, and equals stay as they were', async () => {
  const node = new FakeNode();
  const agents = [11, 12, 13].map((n) => parsedOpId(`${SELF}-${n}`));
  const claims = agents.map((agent) => ({ claim: { agent } }));
  expect(bestRated(node.store, claims, ({ claim }) => claim.agent)).toEqual(claims);
  const [, , third] = agents;
  if (third === undefined) throw new Error('three of them');
  const none = { amount: 1, currency: null, paymentCode: null, terms: null, capability: null, stake: 0, sig: null };
  const wanted = {
    ...none,
    by: userPrincipal('eve'),
    to: agentPrincipal(third),
    task: 'x',
    expiresMs: null,
    offers: null,
  };
  const made = await node.market.propose(wanted);
  if ('refused' in made) throw new Error(made.message);
  const about = { proposal: made.id, sig: null };
  await node.market.act({ ...about, by: agentPrincipal(third), kind: 'accept', stake: 0, paymentCode: null });
  node.wallMs += 60_000;
  await node.market.act({ ...about, by: userPrincipal('eve'), kind: 'complete', proof: null });
  expect(bestRated(node.store, claims, ({ claim }) => claim.agent).map(({ claim }) => claim.agent)).toEqual([
    third,
    ...agents.slice(0, 2),
  ]);
});
