/** The log's part of the contract of op stores: what goes in comes out, byte for byte, within the bounds asked for. */
import { expect, it } from 'vitest';
import { opId } from '#core/op.ts';
import type { Op } from '#core/op.ts';
import type { OpStore } from '#ports.ts';
import { Author, postBody } from '../store/author.ts';
import { lives } from './lives.ts';
import type { Start } from './op-store.ts';

const write = (store: OpStore, ...ops: Op[]) => store.commit({ ops, rows: [] });
const all = { from: 1, maxOps: 1000, maxBytes: 1_000_000 };
const seqs = (ops: readonly Op[]): number[] => ops.map((op) => op.header.seq);
/** The fields of an op, read from whatever object brings them. */
const plain = ({ header, headerText, body, bodyText, hash, sig }: Op): Op => ({
  header,
  headerText,
  body,
  bodyText,
  hash,
  sig,
});

export function logContract(start: Start): void {
  it('gives ops back byte for byte, with their signatures, also to a copy made by spreading', async () => {
    const { store, reopen } = await start();
    const a = new Author('a');
    const ops: Op[] = [a.next(postBody('ünïcode 🐝 "quoted"\n')), { ...a.next(postBody('2')), sig: 'c2ln' }];
    await write(store, ...ops);
    for await (const one of lives(store, reopen)) {
      expect(one.opsOf(a.node, all).map(plain)).toEqual(ops);
      expect(one.opsOf(a.node, all).map((op) => ({ ...op }))).toEqual(ops);
      expect(one.arrivals({ after: 0, limit: 10 }).map(({ op }) => plain(op))).toEqual(ops);
    }
  });

  it('gives the ops of one author from a number on, within the bounds', async () => {
    const { store } = await start();
    const [a, b] = [new Author('a'), new Author('b')];
    for (let at = 0; at < 10; at++) await write(store, a.next(postBody(`é${at}`)), b.next(postBody('b')));
    expect(seqs(store.opsOf(a.node, { ...all, from: 4, maxOps: 3 }))).toEqual([4, 5, 6]);
    expect(seqs(store.opsOf(a.node, { ...all, from: 9 }))).toEqual([9, 10]);
    expect(store.opsOf(a.node, { ...all, from: 11 })).toEqual([]);
    expect(store.opsOf(new Author('nobody').node, all)).toEqual([]);
    const bytes = store
      .opsOf(a.node, { ...all, from: 4, maxOps: 3 })
      .reduce((sum, op) => sum + Buffer.byteLength(op.headerText) + Buffer.byteLength(op.bodyText), 0);
    expect(seqs(store.opsOf(a.node, { ...all, from: 4, maxBytes: bytes }))).toEqual([4, 5, 6]);
    expect(seqs(store.opsOf(a.node, { ...all, from: 4, maxBytes: bytes - 1 }))).toEqual([4, 5]);
    expect(seqs(store.opsOf(a.node, { ...all, from: 4, maxBytes: 1 }))).toEqual([4]);
  });

  it('resumes the order of arrival after any number', async () => {
    const { store, reopen } = await start();
    const [a, b] = [new Author('a'), new Author('b')];
    await write(store, a.next(postBody('1')), b.next(postBody('2')));
    await write(store, b.next(postBody('3')), a.next(postBody('4')));
    for await (const one of lives(store, reopen)) {
      const from = (after: number, limit = 10) =>
        one
          .arrivals({ after, limit })
          .map(({ n, op }) => `${n} ${op.body.type === 'post.created' ? op.body.content : ''}`);
      expect(from(0)).toEqual(['1 1', '2 2', '3 3', '4 4']);
      expect(from(1, 2)).toEqual(['2 2', '3 3']);
      expect(from(4)).toEqual([]);
      expect(one.lastArrival()).toBe(4);
    }
  });

  it('gives the timeline of an entity in stamp order, the newest when there are too many', async () => {
    const { store } = await start();
    const [a, b] = [new Author('a'), new Author('b')];
    const first = a.next(postBody('first'), { lamport: 5 });
    const entity = first.header.entity;
    const late = b.next(postBody('before it, later'), { entity, lamport: 2 });
    const tie = b.next(postBody('same stamp, other node'), { entity, lamport: 5 });
    await write(store, first, a.next(postBody('elsewhere')));
    await write(store, late, tie);
    const stampOrder = [late, ...[first, tie].toSorted((x, y) => (x.header.node < y.header.node ? -1 : 1))].map(opId);
    expect(store.opsAbout(entity, 10).map(opId)).toEqual(stampOrder);
    expect(store.opsAbout(entity, 2).map(opId)).toEqual(stampOrder.slice(1));
    expect(store.opsAbout(entity, 0)).toEqual([]);
  });

  it('remembers the highest stamp, whatever came last', async () => {
    const { store, reopen } = await start();
    const [a, b] = [new Author('a'), new Author('b')];
    await write(store, a.next(postBody('high'), { lamport: 90 }), b.next(postBody('low'), { lamport: 3 }));
    expect(store.lamport()).toBe(90);
    expect((await reopen()).lamport()).toBe(90);
  });

  it('stores and gives out ops of a type it does not know, and folds nothing from them', async () => {
    const { store, reopen } = await start();
    const a = new Author('a');
    const before = store.digest();
    const op = a.nextUnknown('dream.dreamt');
    await write(store, op);
    for await (const one of lives(store, reopen)) {
      expect(one.opsOf(a.node, all).map(plain)).toEqual([op]);
      expect(one.digest()).toBe(before);
    }
  });
}
