import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { OpId, Principal } from '#core/brand.ts';
import { agentPrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import { OTHER } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

const idSchema = z.looseObject({ id: z.string() });
const OPERATOR = userPrincipal('operator');

describe('the market over HTTP', () => {
  let served: Served;
  let ann: Principal;
  beforeEach(async () => {
    served = await serve();
    const made = await served.post('/api/swarm/agents', { name: 'ann', tool: 'shell' });
    ann = agentPrincipal(parsedOpId(idSchema.parse(await made.json()).id));
  });
  afterEach(() => served.close());

  const propose = async (task: string): Promise<OpId> => {
    const made = await served.post('/api/market/proposals', { to: 'ann', task });
    expect(made.status).toBe(201);
    return parsedOpId(idSchema.parse(await made.json()).id);
  };
  const accept = async (proposal: OpId) => {
    const about = { proposal, by: ann, stake: 0, paymentCode: null, sig: null } as const;
    expect(await served.node.market.act({ kind: 'accept', ...about })).toEqual({ state: 'accepted' });
  };
  const dispute = async (proposal: OpId, reason: string): Promise<void> => {
    expect((await served.post(`/api/market/proposals/${proposal}/dispute`, { reason })).status).toBe(200);
  };

  it('lists what is open: disputed, then accepted, then pending, of each the newest first, in pages', async () => {
    const [first, second, third, fourth] = [
      await propose('first'),
      await propose('second'),
      await propose('third'),
      await propose('fourth'),
    ];
    const over = await propose('over');
    await served.node.market.act({ kind: 'reject', proposal: over, by: ann, reason: null, sig: null });
    await accept(second);
    await accept(first);
    await dispute(first, 'late');
    const open = async (page = '') =>
      z
        .array(idSchema)
        .parse(await served.json(`/api/market/proposals?state=open${page}`))
        .map(({ id }) => id);
    expect(await open()).toEqual([first, second, fourth, third]);
    expect(await open('&offset=1&limit=2')).toEqual([second, fourth]);
  });

  it('tells what became of one, in words, and nothing of what another node writes about it', async () => {
    const id = await propose('Write it');
    const foreign = { type: 'proposal.accepted', stake: 0, paymentCode: null, atMs: 0, sig: null } as const;
    await served.node.commit(OTHER, [{ entity: id, by: OPERATOR, body: foreign }]);
    await accept(id);
    await dispute(id, `no\ntests ${'x'.repeat(500)}`);
    const told = z
      .array(z.looseObject({ summary: z.string() }))
      .parse(await served.json(`/api/market/proposals/${id}/timeline`))
      .map(({ summary }) => summary);
    expect(told).toEqual([
      'proposed by operator',
      'accepted by ann',
      expect.stringMatching(/^disputed by operator: no tests x{191}$/),
    ]);
    const missing = await served.fetch(`/api/market/proposals/${'c'.repeat(32)}-7/timeline`);
    expect(missing.status).toBe(404);
  });

  it('finds the dispute of a deal among what is asked, and says which deal it is', async () => {
    const id = await propose('Write it');
    await accept(id);
    await dispute(id, 'no tests');
    const asked = await served.json(`/api/approvals?task=${id}`);
    expect(asked).toMatchObject([{ state: 'open', proposal_id: id, kind: 'question' }]);
    const none = await served.fetch(`/api/approvals?task=${'c'.repeat(32)}-7`);
    expect([none.status, await none.json()]).toMatchObject([404, { error: 'Task not found' }]);
  });
});
