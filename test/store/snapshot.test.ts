/** Copies of the store's file while it is written to, and a copy made the store of another node. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turnEnd } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adoptDatabase, readAdopted } from '#store/adopt.ts';
import { SqliteStore } from '#store/sqlite.ts';
import { Author, postBody, taskBody } from './author.ts';

let dir: string;
let store: SqliteStore;
let author: Author;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'skep-snapshot-'));
  store = await SqliteStore.open(join(dir, 'skep.db'));
  author = new Author('one');
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const copy = (): string => join(dir, 'copy.db');
const quiet = () => ({ onProgress: () => {}, signal: new AbortController().signal });

async function fill(count: number): Promise<void> {
  const ops = Array.from({ length: count }, () => author.next(postBody('x'.repeat(900))));
  await store.commit({ ops, rows: [] });
}

/** Commits turn after turn until the returned function is called; it gives the number of the last op acknowledged. */
function load(): () => Promise<number> {
  let going = true;
  const run = (async () => {
    while (going) {
      const ops = [author.next(taskBody({ voters: [author.node] })), author.next(postBody('meanwhile'))];
      await store.commit({ ops, rows: [{ table: 'meta', key: 'count', value: author.head.seq }] });
      await turnEnd();
    }
    return author.head.seq;
  })();
  return () => {
    going = false;
    return run;
  };
}

describe('a snapshot', () => {
  it('is one consistent state between its beginning and its end, while commits go on', async () => {
    await fill(2_000);
    const before = author.head.seq;
    const stop = load();
    const pages: number[] = [];
    const held = await store.snapshot(copy(), { ...quiet(), onProgress: ({ done }) => pages.push(done) });
    const after = await stop();
    expect(pages.length).toBeGreaterThan(2);
    const seq = held.heads[author.node] ?? 0;
    expect(seq).toBeGreaterThan(before);
    expect(seq).toBeLessThanOrEqual(after);
    expect(readdirSync(dir).filter((name) => name.startsWith('copy'))).toEqual(['copy.db']);
    const opened = await SqliteStore.open(copy());
    expect(opened.lastArrival()).toBe(held.lastArrival);
    expect(opened.lamport()).toBe(held.lamport);
    // Ops, rows and local rows are of one commit.
    expect(opened.heads().get(author.node)?.seq).toBe(seq);
    expect(opened.localRow('meta', 'count')).toBe(seq);
    expect(opened.count('task', {})).toBe((seq - before) / 2);
    expect(opened.count('post', {})).toBe(before + (seq - before) / 2);
    await opened.close();
  });

  it('never fails because a transaction was open when it began', async () => {
    await fill(10);
    const stop = load();
    for (let n = 0; n < 40; n++) {
      await store.snapshot(join(dir, `copy-${n}.db`), quiet());
    }
    expect(await stop()).toBeGreaterThan(10);
  });

  it('ends when it is no longer wanted, and the store goes on', async () => {
    await fill(2_000);
    const ending = new AbortController();
    const onProgress = (): void => ending.abort(new Error('not wanted'));
    await expect(store.snapshot(copy(), { onProgress, signal: ending.signal })).rejects.toThrow('not wanted');
    await fill(1);
    expect(store.heads().get(author.node)?.seq).toBe(2_001);
    await store.snapshot(join(dir, 'other.db'), quiet());
  });

  it('is refused by a store that closes: half a copy is never told to be whole', async () => {
    await fill(2_000);
    let closed: Promise<void> | undefined;
    const onProgress = (): void => {
      closed ??= store.close();
    };
    await expect(store.snapshot(copy(), { ...quiet(), onProgress })).rejects.toThrow(/closing/);
    await closed;
    await expect(store.snapshot(copy(), quiet())).rejects.toThrow(/closing/);
  });

  it('rejects where it cannot be written', async () => {
    await expect(store.snapshot(join(dir, 'nowhere', 'copy.db'), quiet())).rejects.toThrow(/unable to open/);
    await fill(1);
    expect(existsSync(copy())).toBe(false);
  });
});

describe('an adopted store', () => {
  it('has all ops and views, no row of the old node, and says whose it was', async () => {
    const other = new Author('two');
    await store.commit({
      ops: [author.next(postBody('a')), author.next(taskBody({ voters: [author.node] })), other.next(postBody('b'))],
      rows: (['vote', 'proposal', 'start', 'meta'] as const).map((table) => ({ table, key: 'k', value: { x: 1 } })),
    });
    await store.snapshot(copy(), quiet());
    const fresh = new Author('fresh').node;
    const adopted = adoptDatabase(copy(), { old: author.node, node: fresh });
    expect(adopted.heads).toEqual(
      new Map([
        [author.node, 2],
        [other.node, 1],
      ]),
    );
    const opened = await SqliteStore.open(copy());
    expect(opened.digest()).toBe(store.digest());
    expect(opened.lamport()).toBe(store.lamport());
    expect(readAdopted(opened)).toEqual({ old: author.node, lastSeq: 2, node: fresh });
    for (const table of ['vote', 'proposal', 'start'] as const) expect(opened.localRows(table)).toEqual([]);
    expect(opened.localRows('meta')).toHaveLength(1);
    expect(readAdopted(store)).toBeUndefined();
    await opened.close();
  });

  it('knows a log of which it holds nothing', async () => {
    await store.snapshot(copy(), quiet());
    expect(adoptDatabase(copy(), { old: author.node, node: new Author('fresh').node })).toMatchObject({ lastSeq: 0 });
  });
});
