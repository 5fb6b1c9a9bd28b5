// Needs: nothing but Node. Files handed over at a hub in a process of its own, by clients that know AgentChat's reference alone.
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { OutsiderClient } from './outsider-client.ts';
import { Key } from './outsider-client.ts';
import { OutsiderHub } from './outsider-hub.ts';
import * as row from './outsider-rows.ts';

const hub = new OutsiderHub();
beforeAll(() => hub.start());
afterEach(() => hub.leave());
afterAll(() => hub.close());

/** The archive of the reference: a text, here of one file. */
const archiveOf = (title: string): string => {
  const lines = Array.from({ length: 300 }, (_, at) => `${at} größer ≠ kleiner`);
  return ['=== docs/lexer.md ===', title, ...lines, '=== END docs/lexer.md ===', ''].join('\n');
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A text in so many pieces. */
const pieces = (text: string, count: number): string[] => {
  const length = Math.ceil(text.length / count);
  return Array.from({ length: count }, (_, at) => text.slice(at * length, (at + 1) * length));
};

/** Each word is JSON in the text of a direct message. */
const word = <K extends string, F extends z.ZodRawShape>(kind: K, fields: F) =>
  z.looseObject({ _ft: z.literal(kind), tid: z.string(), ...fields });
const words = {
  offer: word('offer', {
    files: z.array(z.unknown()),
    totalSize: z.number(),
    sha256: z.string(),
    chunks: z.number(),
    senderNick: z.string(),
  }),
  accept: word('accept', {}),
  chunk: word('chunk', { idx: z.number(), data: z.string() }),
  complete: word('complete', { sha256: z.string() }),
  ack: word('ack', { ok: z.boolean(), error: z.string().nullish() }),
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The next word of this kind that the other says. */
async function hear<S extends z.ZodType>(client: OutsiderClient, from: string, kind: S): Promise<z.infer<S>> {
  const said = await client.next(
    row.Message,
    (frame) => frame.from === from && kind.safeParse(parsed(frame.content)).success,
  );
  expect(said.to).toBe(client.id);
  return kind.parse(parsed(said.content));
}

const say = (client: OutsiderClient, to: string, content: object): void =>
  client.send({ type: 'MSG', to, content: JSON.stringify(content) });

const offerOf = (tid: string, text: string, count: number, path = 'docs/lexer.md'): object => ({
  _ft: 'offer',
  tid,
  files: [{ path, size: Buffer.byteLength(text) }],
  totalSize: Buffer.byteLength(text),
  sha256: sha256(text),
  chunks: count,
  senderNick: 'ann',
});

const chunk = (tid: string, idx: number, data: string): string => JSON.stringify({ _ft: 'chunk', tid, idx, data });

/** Offered by the first, accepted by the second. */
async function offer(
  from: OutsiderClient,
  to: OutsiderClient,
  { tid, text, count }: { tid: string; text: string; count: number },
): Promise<void> {
  say(from, to.id, offerOf(tid, text, count));
  const wanted = { tid, totalSize: Buffer.byteLength(text), sha256: sha256(text), chunks: count };
  expect(await hear(to, from.id, words.offer)).toMatchObject(wanted);
  say(to, from.id, { _ft: 'accept', tid });
  expect(await hear(from, to.id, words.accept)).toMatchObject({ tid });
}

/** Two that the hub lets meet. */
async function pair(): Promise<{ ann: OutsiderClient; bob: OutsiderClient }> {
  const stem = Date.now().toString(36);
  return { ann: await hub.keyed(`ann-${stem}`, new Key()), bob: await hub.keyed(`bob-${stem}`, new Key()) };
}

describe('a file', () => {
  it('is offered, accepted, sent in pieces and acknowledged', async () => {
    const { ann, bob } = await pair();
    const archive = archiveOf('in four pieces');
    const sent = pieces(archive, 4);
    await offer(ann, bob, { tid: 't1', text: archive, count: sent.length });
    for (const [idx, data] of sent.entries())
      ann.send({ type: 'FILE_CHUNK', to: bob.id, content: chunk('t1', idx, data) });
    let got = '';
    for (const idx of sent.keys()) {
      const { from, to, content } = await bob.next(row.FileChunk);
      expect({ from, to }).toEqual({ from: ann.id, to: bob.id });
      const piece = words.chunk.parse(parsed(content));
      expect(piece).toMatchObject({ tid: 't1', idx });
      got += piece.data;
    }
    expect(got).toBe(archive);
    say(ann, bob.id, { _ft: 'complete', tid: 't1', sha256: sha256(archive) });
    expect(await hear(bob, ann.id, words.complete)).toMatchObject({ tid: 't1', sha256: sha256(got) });
    say(bob, ann.id, { _ft: 'ack', tid: 't1', ok: true });
    expect(await hear(ann, bob.id, words.ack)).toMatchObject({ tid: 't1', ok: true });
  });

  it('under a path that leads elsewhere, or too large, is not passed on', async () => {
    const { ann, bob } = await pair();
    const offered = (fields: object, path?: string): object => {
      const content = JSON.stringify({ ...offerOf('t2', archiveOf('elsewhere'), 1, path), ...fields });
      return { type: 'MSG', to: bob.id, content };
    };
    for (const path of ['../lexer.md', '/etc/lexer.md', 'docs/../../lexer.md'])
      expect(await ann.refusal(offered({}, path))).toMatch(/^INVALID_MSG /);
    expect(await ann.refusal(offered({ totalSize: 50 * 1024 * 1024 + 1 }))).toMatch(/^INVALID_MSG /);
    expect(await bob.all(row.Message)).toEqual([]);
  });

  it('that the hub knows already arrives whole and once, though its sender sends it again', async () => {
    const text = archiveOf('known twice');
    for (const tid of ['t4', 't5']) {
      const { ann, bob } = await pair();
      await offer(ann, bob, { tid, text, count: 1 });
      ann.send({ type: 'FILE_CHUNK', to: bob.id, content: chunk(tid, 0, text) });
      say(ann, bob.id, { _ft: 'complete', tid, sha256: sha256(text) });
      await hear(bob, ann.id, words.complete);
      const got = (await bob.all(row.FileChunk)).map(({ content }) => words.chunk.parse(parsed(content)));
      expect(got.map(({ data }) => data).join('')).toBe(text);
      say(bob, ann.id, { _ft: 'ack', tid, ok: true });
      expect(await hear(ann, bob.id, words.ack)).toMatchObject({ tid, ok: true });
    }
  });

  it('that is not what was offered is never called complete', async () => {
    const { ann, bob } = await pair();
    const text = archiveOf(`only offered ${Date.now()}`);
    await offer(ann, bob, { tid: 't6', text, count: 1 });
    ann.send({ type: 'FILE_CHUNK', to: bob.id, content: chunk('t6', 0, text.replace('größer', 'kleine')) });
    say(ann, bob.id, { _ft: 'complete', tid: 't6', sha256: sha256(text) });
    const isNo = (frame: z.infer<typeof row.Message>): boolean =>
      words.ack.extend({ ok: z.literal(false) }).safeParse(parsed(frame.content)).success;
    await ann.next(z.union([row.Message, row.Refusal]), (frame) => frame.type === 'ERROR' || isNo(frame));
    const heard = await bob.all(row.Message);
    expect(heard.filter(({ content }) => words.complete.safeParse(parsed(content)).success)).toEqual([]);
  });
});
