/** What every store of ops keeps. Run by test/store on the store in memory and on SQLite. */
import { afterEach, describe, expect, it } from 'vitest';
import { opId } from '#core/op.ts';
import type { Op } from '#core/op.ts';
import type { OpStore } from '#ports.ts';
import { Author, postBody } from '../store/author.ts';
import { lives } from './lives.ts';
import { viewContract } from './op-store-views.ts';

/** A place that outlives the stores opened on it. */
export type StoreDisk = {
  /** One store at a time: the one before is closed. */
  open(): Promise<OpStore>;
  /** Transactions that reached this disk. */
  transactions(): number;
  remove(): Promise<void>;
};

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

export function opStoreContract(name: string, makeDisk: () => Promise<StoreDisk>): void {
  const opened: { stores: OpStore[]; disks: StoreDisk[] } = { stores: [], disks: [] };
  afterEach(async () => {
    for (const store of opened.stores.splice(0)) await store.close();
    for (const disk of opened.disks.splice(0)) await disk.remove();
  });

  async function start(): Promise<{ disk: StoreDisk; store: OpStore; reopen: () => Promise<OpStore> }> {
    const disk = await makeDisk();
    opened.disks.push(disk);
    const open = async (): Promise<OpStore> => {
      const store = await disk.open();
      opened.stores.push(store);
      return store;
    };
    const store = await open();
    return {
      disk,
      store,
      reopen: async () => {
        await opened.stores.at(-1)?.close();
        return open();
      },
    };
  }

  describe(`op store: ${name}`, () => {
    commitContract(start);
    logContract(start);
    viewContract(start);
  });
}

export type Start = () => Promise<{ disk: StoreDisk; store: OpStore; reopen: () => Promise<OpStore> }>;

function commitContract(start: Start): void {
  it('starts empty', async () => {
    const { store } = await start();
    expect([...store.heads()]).toEqual([]);
    expect(store.lamport()).toBe(0);
    expect(store.lastArrival()).toBe(0);
    expect(store.arrivals({ after: 0, limit: 10 })).toEqual([]);
    expect(store.opsAbout('nothing', 10)).toEqual([]);
    expect(store.localRow('meta', 'nothing')).toBeUndefined();
  });

  it('answers a commit with the arrivals of its ops, numbered from 1', async () => {
    const { store } = await start();
    const a = new Author('a');
    const [first, second, third] = [a.next(postBody('1')), a.next(postBody('2')), a.next(postBody('3'))];
    expect((await write(store, first, second)).map(({ n, op }) => [n, opId(op)])).toEqual([
      [1, opId(first)],
      [2, opId(second)],
    ]);
    expect((await write(store, third)).map(({ n }) => n)).toEqual([3]);
    expect(store.lastArrival()).toBe(3);
  });

  it('shows nothing of a commit before it is done', async () => {
    const { store } = await start();
    const a = new Author('a');
    const op = a.next(postBody('soon'));
    const done = store.commit({ ops: [op], rows: [{ table: 'vote', key: 'k', value: 1 }] });
    expect(store.get('post', opId(op))).toBeUndefined();
    expect(store.heads().get(a.node)).toBeUndefined();
    expect(store.lastArrival()).toBe(0);
    expect(store.localRow('vote', 'k')).toBeUndefined();
    await done;
    expect(store.get('post', opId(op))?.content).toBe('soon');
    expect(store.heads().get(a.node)).toEqual({ seq: 1, hash: op.hash });
    expect(store.localRow('vote', 'k')).toBe(1);
  });

  it('puts all commits of one turn of the event loop into one transaction', async () => {
    const { store, disk } = await start();
    const a = new Author('a');
    await write(store, a.next(postBody('0')));
    const before = disk.transactions();
    const turn = Array.from({ length: 20 }, (_, at) => write(store, a.next(postBody(String(at)))));
    // Also those of continuations that run before the turn is over.
    turn.push(Promise.resolve().then(() => write(store, a.next(postBody('later')))));
    await Promise.all(turn);
    expect(disk.transactions() - before).toBe(1);
    await write(store, a.next(postBody('next turn')));
    expect(disk.transactions() - before).toBe(2);
    expect(seqs(store.opsOf(a.node, all))).toEqual(Array.from({ length: 23 }, (_, at) => at + 1));
  });

  it('takes a commit of nothing', async () => {
    const { store } = await start();
    expect(await write(store)).toEqual([]);
    expect(store.lastArrival()).toBe(0);
  });

  it('refuses ops that do not follow their log, and stores nothing of that write', async () => {
    const { store } = await start();
    const [a, b] = [new Author('a'), new Author('b')];
    const [first, second, third] = [a.next(postBody('1')), a.next(postBody('2')), a.next(postBody('3'))];
    await write(store, first);
    const other = write(store, b.next(postBody('of another')));
    const skips = store.commit({ ops: [b.next(postBody('2')), third], rows: [{ table: 'meta', key: 'x', value: 1 }] });
    await expect(skips).rejects.toMatchObject({ code: 'not_consecutive' });
    await expect(write(store, first)).rejects.toMatchObject({ code: 'not_consecutive' });
    const forged: Op = { ...second, header: { ...second.header, prev: third.hash } };
    await expect(write(store, forged)).rejects.toMatchObject({ code: 'not_consecutive' });
    await other;
    expect(store.heads().get(a.node)?.seq).toBe(1);
    expect(store.heads().get(b.node)?.seq).toBe(1);
    expect(store.localRow('meta', 'x')).toBeUndefined();
    await write(store, second, third);
    expect(store.heads().get(a.node)).toEqual({ seq: 3, hash: third.hash });
  });

  it('closes twice, finishes what was handed in, and takes nothing afterwards', async () => {
    const { store, reopen } = await start();
    const a = new Author('a');
    const last = write(store, a.next(postBody('just in time')));
    await Promise.all([store.close(), store.close()]);
    await expect(last).resolves.toHaveLength(1);
    await expect(write(store, a.next(postBody('too late')))).rejects.toMatchObject({ code: 'store_closed' });
    await expect(store.truncateLog(a.node, 1)).rejects.toMatchObject({ code: 'store_closed' });
    expect((await reopen()).heads().get(a.node)?.seq).toBe(1);
  });

  it('keeps rows of its own beside the ops, by table and key, until they are set to undefined', async () => {
    const { store, reopen } = await start();
    const rows = [
      { table: 'vote', key: 'b', value: { round: 1, list: [1, 'x', null] } },
      { table: 'vote', key: 'a', value: 'text' },
      { table: 'start', key: 'a', value: false },
      { table: 'meta', key: 'gone', value: 1 },
    ] as const;
    await store.commit({ ops: [], rows });
    await store.commit({
      ops: [],
      rows: [
        { table: 'vote', key: 'a', value: 2 },
        { table: 'meta', key: 'gone', value: undefined },
      ],
    });
    for await (const one of lives(store, reopen)) {
      expect(one.localRow('start', 'a')).toBe(false);
      expect(one.localRow('meta', 'gone')).toBeUndefined();
      expect(one.localRows('meta')).toEqual([]);
      expect(one.localRows('vote')).toEqual([
        { key: 'a', value: 2 },
        { key: 'b', value: { round: 1, list: [1, 'x', null] } },
      ]);
    }
  });
}

function logContract(start: Start): void {
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
