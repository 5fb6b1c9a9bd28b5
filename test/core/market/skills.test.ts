/** Who says that it can do what. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { rate, receiptsIn } from '#core/market/ratings.ts';
import { searchSkills } from '#core/market/skills.ts';
import { FakeNode } from '../../door/fake-node.ts';

const [ann, bob, eve] = [userPrincipal('@aaaaaaaaaaaaaaaa'), userPrincipal('@bbbbbbbbbbbbbbbb'), userPrincipal('eve')];
let node: FakeNode;
beforeEach(() => (node = new FakeNode()));

describe('skills', () => {
  const register = (by: Principal, ...capabilities: string[]) =>
    node.append([
      {
        entity: undefined,
        by,
        body: {
          type: 'skills.registered',
          skills: capabilities.map((capability, at) => ({ capability, description: null, rate: at, currency: 'USD' })),
          sig: null,
        },
      },
    ]);
  const found = (query: Omit<Parameters<typeof searchSkills>[2], 'limit'>) =>
    searchSkills(node.store, rate(receiptsIn(node.store)), { ...query, limit: 50 }).results.map(
      ({ who, capability }) => `${who} ${capability}`,
    );

  it('are found by part of a name, by rate and by currency, the better rated first', async () => {
    await register(ann, 'Rust', 'go');
    await register(bob, 'rust');
    expect(found({ capability: 'RUS' })).toEqual([`${ann} Rust`, `${bob} rust`]);
    expect(found({ maxRate: 0 })).toHaveLength(2);
    expect(found({ currency: 'EUR' })).toEqual([]);
    const none = { paymentCode: null, terms: null, expiresMs: null, offers: null, sig: null };
    const deal = { by: eve, to: bob, task: 'x', amount: 1, currency: null, capability: 'rust', stake: 0, ...none };
    const row = await node.market.propose(deal);
    if ('refused' in row) throw new Error(row.message);
    const about = { proposal: row.id, sig: null };
    await node.market.act({ ...about, by: bob, kind: 'accept', stake: 0, paymentCode: null });
    node.wallMs += 60_000;
    await node.market.act({ ...about, by: eve, kind: 'complete', proof: null });
    expect(found({ capability: 'rust' })).toEqual([`${bob} rust`, `${ann} Rust`]);
  });

  it('are found by words of their names and of what is said of them, all of which have to be there', async () => {
    const said = { rate: null, currency: null };
    const skills = [
      { capability: 'rust', description: 'Parsers and lexers', ...said },
      { capability: 'rust-async', description: null, ...said },
    ];
    await node.append([{ entity: undefined, by: ann, body: { type: 'skills.registered', skills, sig: null } }]);
    expect(found({ text: 'PARSER rust' })).toEqual([`${ann} rust`]);
    expect(found({ text: 'rust' })).toHaveLength(2);
    expect(found({ text: 'parser async' })).toEqual([]);
    expect(found({ text: ' ' })).toHaveLength(2);
  });

  it('are what their owner said last', async () => {
    await register(ann, 'rust');
    await register(ann, 'go');
    expect(found({})).toEqual([`${ann} go`]);
  });
});
