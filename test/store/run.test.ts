/** A run gives back what went in, byte for byte, or it says that it cannot be read. */
import { describe, expect, it } from 'vitest';
import { FIRST_PREV } from '#core/chain.ts';
import type { Op } from '#core/op.ts';
import { BATCH_MAX_BYTES } from '#core/op.ts';
import type { Entry } from '#store/run.ts';
import { placeOf, readRun, runLength, typeNameOf, writeRun } from '#store/run.ts';
import { Author, postBody, taskBody, testCrypto } from './author.ts';

const entriesOf = (ops: readonly Op[]): Entry[] => ops.map((op, at) => ({ n: 7 + at * 3, type: typeNameOf(op), op }));
const plain = ({ n, type, op: { header, headerText, body, bodyText, hash, sig } }: Entry) => ({
  n,
  type,
  op: { header, headerText, body, bodyText, hash, sig },
});

/** An op whose header has a field that this version does not know. */
function withLaterHeader(author: Author): Op {
  const op = author.next(postBody('later'));
  const headerText = JSON.stringify({ ...op.header, mood: 'curious' });
  const hash = testCrypto.sha256(headerText);
  author.head = { seq: op.header.seq, hash };
  return { ...op, headerText, hash };
}

function mixed(author: Author): Op[] {
  const task = author.next(taskBody({ voters: [author.node] }));
  const ops = [
    task,
    author.next({ type: 'task.claimed', slot: 1, agent: task.header.entity }, { entity: task.header.entity }),
    author.nextUnknown('later.thing'),
    withLaterHeader(author),
    author.next(postBody('ünïcode 🐝 "quoted"\n\u2028'), { lamport: 4_000_000_000 }),
    author.next(postBody('an earlier stamp'), { lamport: 9 }),
  ];
  return ops.map((op, at) => (at === ops.length - 1 ? { ...op, sig: 'c2lnbmVk' } : op));
}

describe('a run', () => {
  it('gives back texts, hashes, places and the last signature', () => {
    const entries = entriesOf(mixed(new Author('a')));
    expect(readRun(writeRun(entries), testCrypto).map(plain)).toEqual(entries.map(plain));
  });

  it('of a later part of a log links with what is before it', () => {
    const author = new Author('a');
    mixed(author);
    const entries = entriesOf(mixed(author));
    expect(entries[0]?.op.header.prev).not.toBe(FIRST_PREV);
    expect(readRun(writeRun(entries), testCrypto).map(plain)).toEqual(entries.map(plain));
    expect(placeOf(entries)).toEqual({ node: author.node, first: 7, last: 12, firstN: 7, lastN: 22 });
  });

  it('keeps of several signatures the last', () => {
    const author = new Author('a');
    const entries = entriesOf([...mixed(author), ...mixed(author)]);
    const read = readRun(writeRun(entries), testCrypto);
    expect(read.map(({ op }) => op.sig)).toEqual([...Array.from({ length: 11 }, () => undefined), 'c2lnbmVk']);
  });

  it('takes a third of the room that the texts take, before it is compressed', () => {
    const author = new Author('a');
    const ops = Array.from({ length: 256 }, () => author.next(postBody('looked, fine')));
    const entries = entriesOf(ops.map((op, at) => (at === 255 ? { ...op, sig: 'c2lnbmVk' } : op)));
    const texts = ops.reduce((sum, op) => sum + op.headerText.length + op.bodyText.length, 0);
    expect(writeRun(entries).length).toBeLessThan(texts / 3);
  });

  it('is refused where no signature covers its end', () => {
    expect(() => writeRun(entriesOf(mixed(new Author('a')).slice(0, -1)))).toThrow(RangeError);
    expect(() => writeRun([])).toThrow(RangeError);
  });

  it('that was changed is not read', () => {
    const text = writeRun(entriesOf(mixed(new Author('a'))));
    for (const changed of ['', 'x', text.slice(1), text.replace('"lamport":[', '"lamport":["x",')])
      expect(() => readRun(changed, testCrypto)).toThrow('cannot be read');
    const other = readRun(text.replace('quoted', 'changed'), testCrypto);
    // It is read, and the chain behind the change is another: whoever checks the signature sees it.
    expect(other.at(-1)?.op.hash).not.toBe(readRun(text, testCrypto).at(-1)?.op.hash);
  });
});

describe('the length of the next run', () => {
  it('goes to the last signature within 256 ops', () => {
    const author = new Author('a');
    const signedAt = (...places: number[]) =>
      entriesOf(
        Array.from({ length: 300 }, (_, at) => ({
          ...author.next(postBody('x')),
          sig: places.includes(at) ? 'c2ln' : undefined,
        })),
      );
    expect(runLength(signedAt(), testCrypto)).toBe(0);
    expect(runLength(signedAt(9, 200, 290), testCrypto)).toBe(201);
    expect(runLength(signedAt(255), testCrypto)).toBe(256);
  });

  it('and within a page', () => {
    const author = new Author('a');
    const ops = Array.from({ length: 60 }, () => ({ ...author.next(postBody('x'.repeat(20_000))), sig: 'c2ln' }));
    const length = runLength(entriesOf(ops), testCrypto);
    const bytes = ops.slice(0, length).reduce((sum, op) => sum + op.headerText.length + op.bodyText.length, 0);
    expect(bytes).toBeLessThanOrEqual(BATCH_MAX_BYTES);
    expect(length).toBeGreaterThan(15);
  });
});
