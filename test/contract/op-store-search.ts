/** The index over messages, as the contract of op stores has it: the same answers with an index and without. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import type { Principal } from '#core/brand.ts';
import { mailboxOf } from '#core/message/address.ts';
import { opId } from '#core/op.ts';
import type { Op } from '#core/op.ts';
import type { Asked, FoundPage, Sort } from '#core/search/search.ts';
import { searchMessages } from '#core/search/search.ts';
import { parseSearch } from '#core/search/query.ts';
import type { Reader } from '#core/search/reader.ts';
import type { OpStore } from '#ports.ts';
import { Author, messageBody } from '../store/author.ts';
import { lives } from './lives.ts';
import type { Start } from './op-store.ts';

const ann = userPrincipal('@00000000000000aa');
const bob = userPrincipal('@00000000000000bb');
const agent = parsedOpId(`${'c'.repeat(32)}-7`);

const commit = (store: OpStore, ...ops: Op[]) => store.commit({ ops, rows: [] });

type Wanted = { line: string; reader?: Reader; sort?: Sort; limit?: number; cursor?: Asked['cursor'] };

export async function searched(store: OpStore, o: Wanted): Promise<FoundPage> {
  const query = parseSearch(o.line);
  if ('refused' in query) throw new Error(query.message);
  const from = query.from === undefined ? undefined : [userPrincipal(query.from)];
  const { reader = 'operator', sort = 'newest', limit = 20, cursor } = o;
  return searchMessages(store, { query, from, channel: query.in, reader, sort, limit, cursor });
}

const textsOf = ({ found }: FoundPage): unknown[] => found.map(({ row }) => row.sent.text);
const texts = async (store: OpStore, line: string, o: Omit<Wanted, 'line'> = {}): Promise<unknown[]> =>
  textsOf(await searched(store, { line, ...o }));

/** One who came to the hub from outside. */
const outsider = (by: Principal): Reader => ({ by, mailbox: by.slice('user:'.length), isVerified: true });

export function searchContract(start: Start): void {
  it('finds messages by words, phrases, beginnings, and without what is excluded, newest first', async () => {
    const { store, reopen } = await start();
    const a = new Author('a');
    await commit(
      store,
      ...['The lexer is in.', 'Lexer tests: the parser is in', 'parse errors', 'is the lexer fast?'].map((text) =>
        a.next(messageBody(text)),
      ),
    );
    for await (const one of lives(store, reopen)) {
      expect(await texts(one, 'LEXER')).toEqual([
        'is the lexer fast?',
        'Lexer tests: the parser is in',
        'The lexer is in.',
      ]);
      expect(await texts(one, 'in lexer')).toEqual(['Lexer tests: the parser is in', 'The lexer is in.']);
      expect(await texts(one, '"the lexer is"')).toEqual(['The lexer is in.']);
      expect(await texts(one, 'pars*')).toEqual(['parse errors', 'Lexer tests: the parser is in']);
      expect(await texts(one, '"the lex"*')).toEqual(['is the lexer fast?', 'The lexer is in.']);
      expect(await texts(one, 'lexer -fast -"parser is"')).toEqual(['The lexer is in.']);
      expect(await texts(one, 'lex')).toEqual([]);
    }
  });

  it('takes what looks like the language of an index for words', async () => {
    const { store } = await start();
    const a = new Author('a');
    await commit(store, a.next(messageBody('NEAR the OR gate, AND not far; text: x^2')), a.next(messageBody('plain')));
    for (const line of [
      'NEAR(the gate)',
      'near OR',
      'text:x',
      '{text who}',
      'AND',
      'x^2',
      '(((gate',
      "gate'; DROP TABLE op; --",
    ])
      await searched(store, { line });
    expect(await texts(store, 'NEAR AND OR')).toHaveLength(1);
    expect(await texts(store, 'x^2')).toHaveLength(1);
  });

  it('finds words of any script, with accents or without, and pictures', async () => {
    const { store } = await start();
    const a = new Author('a');
    const said = [
      'Der Käse ist groß',
      'שלום עולם',
      'مرحبا بالعالم',
      '検索エンジン',
      '🚀launch',
      'ＦＵＬＬ width',
      'Ἀθῆναι ΣΟΦΟΣ',
    ];
    await commit(store, ...said.map((text) => a.next(messageBody(text))));
    const wanted = { kase: 0, käse: 0, שלום: 1, بالعالم: 2, 検索: 3, '🚀': 4, launch: 4, full: 5, αθηναι: 6, σοφος: 6 };
    for (const [line, at] of Object.entries(wanted))
      expect([line, await texts(store, line)]).toEqual([line, [said[at]]]);
  });

  it('filters by who wrote, where, and when', async () => {
    const { store } = await start();
    const a = new Author('a');
    const day = (text: string): number => Date.parse(`${text}T12:00:00Z`);
    await commit(
      store,
      a.next(messageBody('build one'), { by: ann, wallMs: day('2026-11-01') }),
      a.next(messageBody('build two', '#help'), { by: bob, wallMs: day('2026-11-02') }),
      a.next(messageBody('build three', mailboxOf(agent)), { by: ann, wallMs: day('2026-11-03') }),
    );
    expect(await texts(store, 'build from:@00000000000000aa')).toEqual(['build three', 'build one']);
    expect(await texts(store, 'from:@00000000000000bb')).toEqual(['build two']);
    expect(await texts(store, 'in:#help build')).toEqual(['build two']);
    expect(await texts(store, `in:${mailboxOf(agent)}`)).toEqual(['build three']);
    expect(await texts(store, 'build after:2026-11-02')).toEqual(['build three', 'build two']);
    expect(await texts(store, 'build before:2026-11-02')).toEqual(['build one']);
    expect(await texts(store, 'build after:2026-11-02T12:00 before:2026-11-02T12:00:01Z')).toEqual(['build two']);
  });

  it('goes on after a page without loss and without repetition, also while more is said', async () => {
    const { store } = await start();
    const a = new Author('a');
    const said = Array.from({ length: 7 }, (_, at) => `word ${at}`);
    await commit(store, ...said.map((text) => a.next(messageBody(text), { wallMs: 1_000 })));
    const first = await searched(store, { line: 'word', limit: 3 });
    await commit(store, a.next(messageBody('word later')));
    const second = await searched(store, { line: 'word', limit: 3, cursor: first.next });
    const third = await searched(store, { line: 'word', limit: 3, cursor: second.next });
    expect([first, second, third].flatMap(textsOf)).toEqual(said.toReversed());
    expect(third.next).toBeUndefined();
  });

  it('puts those first of which more is what was looked for, page by page', async () => {
    const { store } = await start();
    const a = new Author('a');
    const long = `once lexer ${'and other things '.repeat(30)}`;
    await commit(store, ...['lexer lexer', 'the lexer', long].map((text) => a.next(messageBody(text))));
    const first = await searched(store, { line: 'lexer', sort: 'best', limit: 2 });
    expect(textsOf(first)).toEqual(['lexer lexer', 'the lexer']);
    expect(await texts(store, 'lexer', { sort: 'best', limit: 2, cursor: first.next })).toEqual([long]);
  });

  it('gives a reader nothing that he may not read', async () => {
    const { store } = await start();
    const a = new Author('a');
    const joined = (member: Principal): Op => a.next({ type: 'channel.joined', channel: '#closed', member, name: 'x' });
    await commit(store, a.next(messageBody('secret before its making', '#closed'), { by: ann }));
    // An index takes it for open, since nobody said anything else yet.
    expect(await texts(store, 'secret', { reader: 'viewer' })).toEqual([]);
    await commit(
      store,
      a.next({ type: 'channel.created', channel: '#closed', inviteOnly: true, verifiedOnly: false }, { by: ann }),
      joined(ann),
      a.next(messageBody('secret in it', '#closed'), { by: ann }),
      a.next(messageBody('secret to bob', '@00000000000000bb'), { by: ann }),
      a.next(messageBody('secret to an agent', mailboxOf(agent)), { by: ann }),
      a.next(messageBody('secret to people', '@operator'), { by: bob }),
      a.next(messageBody('no secret'), { by: bob }),
    );
    expect(await texts(store, 'secret', { reader: 'viewer' })).toEqual(['no secret']);
    expect(await texts(store, 'secret in:#closed', { reader: 'viewer' })).toEqual([]);
    expect(await texts(store, 'secret', { reader: outsider(bob) })).toEqual([
      'no secret',
      'secret to people',
      'secret to bob',
    ]);
    expect(await texts(store, 'secret', { reader: outsider(ann) })).toHaveLength(5);
    expect(await texts(store, 'secret')).toHaveLength(6);
    await commit(store, joined(bob));
    expect(await texts(store, 'secret in:#closed', { reader: outsider(bob) })).toHaveLength(2);
    const kicked = { type: 'channel.kicked', channel: '#closed', member: bob, reason: '' } as const;
    await commit(store, a.next(kicked));
    expect(await texts(store, 'secret in:#closed', { reader: outsider(bob) })).toEqual([]);
  });

  it('forgets what was said in a log that is cut back, and keeps the rest', async () => {
    const { store, reopen } = await start();
    const [a, b] = [new Author('a'), new Author('b')];
    await commit(
      store,
      a.next(messageBody('word kept')),
      a.next(messageBody('word gone')),
      b.next(messageBody('word of b')),
    );
    expect(await texts(store, 'word')).toHaveLength(3);
    await store.truncateLog(a.node, 2);
    for await (const one of lives(store, reopen))
      expect(new Set(await texts(one, 'word'))).toEqual(new Set(['word kept', 'word of b']));
  });

  it('finds the same whether ops are sealed before, between or after searches', async () => {
    const word = fc.constantFrom('one', 'two', 'three');
    const step = fc.record({ author: fc.nat({ max: 1 }), words: fc.array(word, { minLength: 1, maxLength: 3 }) });
    const act = fc.oneof(step, fc.constant('seal' as const), fc.constant('search' as const));
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
        const { store } = await start();
        const authors = [new Author('a'), new Author('b')];
        const held: string[] = [];
        for (const one of acts) {
          if (one === 'seal') await store.seal({ keep: 1, atLeast: 2 });
          else if (one === 'search') await searched(store, { line: 'two' });
          else {
            const op = authors[one.author]?.next(messageBody(one.words.join(' ')));
            if (op === undefined) continue;
            await store.commit({ ops: [{ ...op, sig: 'signed' }], rows: [] });
            if (one.words.includes('two')) held.push(opId(op));
          }
        }
        const { found } = await searched(store, { line: 'two', limit: 100 });
        expect(found.map(({ row }) => String(row.id)).toSorted()).toEqual(held.toSorted());
      }),
      { numRuns: 15 },
    );
  });
}
