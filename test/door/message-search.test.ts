/** Looking for messages over HTTP: who finds what, page by page, and what is said of a query that is none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { userPrincipal } from '#core/brand.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

const ANN = userPrincipal('@3f1c9a0b7d2e4455');
const page = z.object({
  results: z.array(z.looseObject({ id: z.string(), snippet: z.looseObject({ text: z.string() }) })),
  next: z.string().nullable(),
  left: z.number(),
});

describe('GET /api/messages/search', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
    await served.post('/api/swarm/agents', { name: 'ada', tool: 'shell' });
    const key = { type: 'identity.registered', identity: '3f1c9a0b7d2e4455', name: 'ann', publicKey: 'x' } as const;
    const bodies = [
      { ...key, note: '', invite: null },
      { type: 'channel.created', channel: '#closed', inviteOnly: true, verifiedOnly: false } as const,
    ];
    await served.node.append(bodies.map((body) => ({ entity: undefined, by: userPrincipal('operator'), body })));
    const rest = { sender: undefined, kind: 'text', replyTo: null, source: null, dueMs: null } as const;
    for (const [channel, text] of [
      ['#general', '<b>the lexer</b> is in'],
      ['#closed', 'the lexer is secret'],
      ['@operator', 'the lexer asks'],
    ] as const) {
      served.node.wallMs += 60_000;
      await served.node.messages.send({ ...rest, by: ANN, channels: [channel], text });
    }
    served.node.wallMs += 60_000;
    await served.post('/api/messages', { to: 'ada', body: 'look at the lexer' });
  });
  afterAll(() => served.close());

  const asked = async (query: Record<string, string>, token?: string) => {
    const path = `/api/messages/search?${new URLSearchParams(query).toString()}`;
    return page.parse(await (await served.fetch(path, token === undefined ? {} : { token })).json());
  };
  const refusal = async (query: Record<string, string>, token?: string) => {
    const path = `/api/messages/search?${new URLSearchParams(query).toString()}`;
    const answer = await served.fetch(path, token === undefined ? {} : { token });
    return [answer.status, await answer.json()] as const;
  };
  const texts = ({ results }: z.output<typeof page>): string[] => results.map(({ snippet }) => snippet.text);

  it('gives what was found with its place, its writer and the piece that holds it', async () => {
    expect(await asked({ q: '"the lexer" in:#general' })).toEqual({
      results: [
        {
          id: expect.any(String),
          from: '@3f1c9a0b7d2e4455',
          from_name: 'ann',
          from_id: ANN,
          to: '#general',
          channel: '#general',
          kind: 'text',
          in_reply_to: null,
          thread: expect.any(String),
          sent_at: expect.any(String),
          snippet: { text: '<b>the lexer</b> is in', marks: [[3, 12]] },
        },
      ],
      next: null,
      left: 0,
    });
  });

  it('finds by the names of agents, people and keys', async () => {
    const all = ['look at the lexer', 'the lexer asks', 'the lexer is secret', '<b>the lexer</b> is in'];
    expect(texts(await asked({ q: 'lexer' }))).toEqual(all);
    expect(texts(await asked({ q: 'from:ann in:operator' }))).toEqual(['the lexer asks']);
    expect(texts(await asked({ q: 'from:@3f1c9a0b7d2e4455 lexer' }))).toEqual(all.slice(1));
    expect(texts(await asked({ q: 'in:ada' }))).toEqual(['look at the lexer']);
    expect(texts(await asked({ q: 'from:operator lexer' }))).toEqual(['look at the lexer']);
    expect(texts(await asked({ q: 'from:nobody lexer' }))).toEqual([]);
  });

  it('goes page by page', async () => {
    const first = await asked({ q: 'lexer', limit: '3' });
    const second = await asked({ q: 'lexer', limit: '3', cursor: first.next ?? '' });
    expect([...texts(first), ...texts(second)]).toHaveLength(4);
    expect(second.next).toBeNull();
    const best = await asked({ q: 'lexer', sort: 'best', limit: '2' });
    const rest = await asked({ q: 'lexer', sort: 'best', limit: '2', cursor: best.next ?? '' });
    expect(new Set([...texts(best), ...texts(rest)]).size).toBe(4);
  });

  it('gives a viewer what is said in open channels and nothing else', async () => {
    expect(texts(await asked({ q: 'lexer' }, served.viewer))).toEqual(['<b>the lexer</b> is in']);
    expect(texts(await asked({ q: 'from:ann' }, served.viewer))).toEqual(['<b>the lexer</b> is in']);
    expect((await refusal({ q: 'lexer in:#closed' }, served.viewer))[0]).toBe(404);
    expect((await refusal({ q: 'lexer in:operator' }, served.viewer))[0]).toBe(403);
    expect((await refusal({ q: 'lexer in:ada' }, served.viewer))[0]).toBe(403);
  });

  it.each([
    [{ q: '"open' }, 400, 'a quotation mark is not closed'],
    [{ q: 'x'.repeat(300) }, 413, 'too long'],
    [{ q: '***' }, 400, 'nothing to look for'],
    [{ q: 'lexer after:soon' }, 400, 'a date is not one'],
    [{ q: 'lexer in:#nowhere' }, 404, 'no such channel'],
    [{ q: 'lexer', cursor: 'x' }, 400, 'no cursor'],
    [{ q: 'lexer', cursor: '1.2; DROP' }, 400, 'no cursor'],
  ])('refuses %j', async (query, status, message) => {
    const [got, json] = await refusal(query);
    expect([got, json]).toEqual([status, expect.objectContaining({ error: expect.stringContaining(message) })]);
  });

  it('takes no query for the language of the index', async () => {
    for (const q of [
      'NEAR(a b)',
      'lexer AND',
      '^lexer',
      '{text}: x',
      "'; DROP TABLE op; --",
      'a\0b',
      'lexer)',
      '\u202elexer',
      '🐝',
    ])
      expect([q, (await refusal({ q }))[0]]).toEqual([q, 200]);
    expect(served.faults).toEqual([]);
  });
});
