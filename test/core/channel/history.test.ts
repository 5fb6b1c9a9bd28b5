/** What was said: the last of it, and after a cursor. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advanced, after, covers, cursorText, lastOf, parseCursor } from '#core/channel/history.ts';
import { nodeIdOf, userPrincipal } from '#core/brand.ts';
import type { NodeId } from '#core/brand.ts';
import type { Heads } from '#core/op.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { messageState } from '#core/view/message.ts';
import { FakeNode, OTHER, SELF } from '../../door/fake-node.ts';

const say = async (node: FakeNode, author: NodeId, text: string, channel = '#general'): Promise<void> => {
  const rest = { kind: 'text', replyTo: null, thread: null, hops: 0, source: null, dueMs: null } as const;
  const body = { type: 'message.sent', channel, text, ...rest } as const;
  await node.commit(author, [{ entity: undefined, by: userPrincipal('ann'), body }]);
};
const texts = (messages: readonly KnownMessage[] | undefined): unknown[] =>
  (messages ?? []).map(({ sent }) => sent.text);
const nodes = [SELF, OTHER];

describe('the history of a channel', () => {
  it('gives the last messages, oldest first, of that channel alone', async () => {
    const node = new FakeNode();
    for (const text of ['1', '2', '3']) await say(node, SELF, text);
    await say(node, SELF, 'elsewhere', '#help');
    expect(texts(lastOf(node.store, '#general', 2))).toEqual(['2', '3']);
    expect(lastOf(node.store, '#general', 2).map(messageState)).toEqual(['sent', 'sent']);
  });

  it('goes on after a cursor without loss and without repetition, wherever a reader stopped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), fc.nat({ max: 30 }), async (authors, stop) => {
        const node = new FakeNode();
        for (const [at, isOther] of authors.entries()) await say(node, isOther ? OTHER : SELF, `${at}`);
        const whole = after(node.store, { channel: '#general', cursor: {}, nodes }) ?? [];
        const had = whole.slice(0, stop);
        const cursor = had.reduce<Heads>((held, message) => advanced(held, message), {});
        const rest = after(node.store, { channel: '#general', cursor, nodes });
        expect(texts([...had, ...(rest ?? [])])).toEqual(authors.map((_, at) => `${at}`));
        expect(had.every((message) => covers(cursor, message))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('goes on over many pages', async () => {
    const node = new FakeNode();
    for (let at = 0; at < 450; at += 1) await say(node, SELF, `${at}`);
    expect(after(node.store, { channel: '#general', cursor: {}, nodes })).toHaveLength(450);
    expect(texts(after(node.store, { channel: '#general', cursor: { [SELF]: 448 }, nodes }))).toEqual(['448', '449']);
  });
});

describe('a cursor as text', () => {
  it('is read as it was written', () => {
    const heads = fc.dictionary(
      fc.constantFrom('a', 'b', 'c').map((letter) => letter.repeat(32)),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    );
    fc.assert(
      fc.property(heads, (drawn) => {
        const cursor: Heads = {};
        for (const [node, seq] of Object.entries(drawn)) cursor[nodeIdOf(node)] = seq;
        expect(parseCursor(cursorText(cursor))).toEqual(cursor);
      }),
    );
  });

  it('is not any text', () => {
    expect(parseCursor('x')).toBeUndefined();
    expect(parseCursor(`${SELF}-0`)).toBeUndefined();
    expect(parseCursor(`${SELF}-1,`)).toBeUndefined();
  });
});
