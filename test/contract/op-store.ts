/** What every store of ops keeps. Run by test/store on the store in memory and on SQLite. */
import { afterEach, describe, expect, it } from 'vitest';
import { opId } from '#core/op.ts';
import type { Op } from '#core/op.ts';
import type { OpStore } from '#ports.ts';
import { Author, postBody } from '../store/author.ts';
import { lives } from './lives.ts';
import { logContract } from './op-store-log.ts';
import { searchContract } from './op-store-search.ts';
import { sealContract } from './op-store-seal.ts';
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
    sealContract(start);
    searchContract(start);
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
