/** The index over messages on disk: when it is made, kept, and made anew. What it finds stands in the contract of stores. */
import { setImmediate as turnEnd } from 'node:timers/promises';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { IndexQuery } from '#core/search/message-index.ts';
import { SqliteStore } from '#store/sqlite.ts';
import { Author, messageBody } from './author.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'skep-index-'));
  path = join(dir, 'skep.db');
});
afterEach(() => rm(dir, { recursive: true }));

const wanted = (word: string, o: { isPrefix?: boolean; limit?: number } = {}): IndexQuery => ({
  terms: [{ words: [word], isPrefix: o.isPrefix ?? false, isExcluded: false }],
  from: undefined,
  channel: undefined,
  afterMs: undefined,
  beforeMs: undefined,
  reach: undefined,
  below: undefined,
  limit: o.limit ?? 10,
});
const say = (store: SqliteStore, author: Author, texts: readonly string[]) =>
  store.commit({ ops: texts.map((text) => author.next(messageBody(text))), rows: [] });

/** What stands in the file; the store is closed. */
function inFile(sql: string): unknown[] {
  const db = new DatabaseSync(path);
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
const tables = (): unknown[] => inFile("SELECT name FROM sqlite_schema WHERE name LIKE 'message_index%'");

it('is not there before somebody searches, and then is kept over a restart', async () => {
  const a = new Author('a');
  const first = await SqliteStore.open(path);
  await say(first, a, ['one', 'two']);
  await first.close();
  expect(tables()).toEqual([]);
  const second = await SqliteStore.open(path);
  expect((await second.findMessages(wanted('one'))).hits).toHaveLength(1);
  await say(second, a, ['one more']);
  await second.close();
  expect(inFile('SELECT n FROM message_index_state')).toEqual([{ n: 2 }]);
  const third = await SqliteStore.open(path);
  expect((await third.findMessages(wanted('one'))).hits).toHaveLength(2);
  await third.close();
  expect(inFile('SELECT n FROM message_index_state')).toEqual([{ n: 3 }]);
});

it('of another version is made anew', async () => {
  const a = new Author('a');
  const first = await SqliteStore.open(path);
  await say(first, a, ['one', 'two']);
  await first.findMessages(wanted('one'));
  await first.close();
  inFile('UPDATE message_index_state SET version = 0 RETURNING n');
  inFile("UPDATE message_place SET id = 'of another form' RETURNING n");
  const second = await SqliteStore.open(path);
  const { hits, left } = await second.findMessages(wanted('one'));
  expect([hits.map(({ id }) => id), left]).toEqual([[`${a.node}-1`], 0]);
  await second.close();
});

it('is kept up by itself where much was said since the last search', async () => {
  const a = new Author('a');
  const store = await SqliteStore.open(path);
  await store.findMessages(wanted('one'));
  for (let at = 0; at < 17; at += 1)
    await say(
      store,
      a,
      Array.from({ length: 512 }, () => 'one'),
    );
  // Seventeen steps, each a turn of the event loop or two behind the one before.
  for (let turn = 0; turn < 100; turn += 1) await turnEnd();
  await store.close();
  expect(inFile('SELECT n FROM message_index_state')).toEqual([{ n: 17 * 512 }]);
});

it('finds a beginning of more words than it names one by one', async () => {
  const a = new Author('a');
  const store = await SqliteStore.open(path);
  await say(
    store,
    a,
    Array.from({ length: 300 }, (_, at) => `word${at}`),
  );
  expect((await store.findMessages(wanted('word', { isPrefix: true, limit: 400 }))).hits).toHaveLength(300);
  expect((await store.findMessages(wanted('word29', { isPrefix: true, limit: 400 }))).hits).toHaveLength(11);
  expect((await store.findMessages(wanted('nothing', { isPrefix: true }))).hits).toEqual([]);
  await store.close();
});

it('keeps nothing of a log that was cut back', async () => {
  const a = new Author('a');
  const store = await SqliteStore.open(path);
  await say(store, a, ['one', 'one', 'one']);
  expect((await store.findMessages(wanted('one'))).hits).toHaveLength(3);
  await store.truncateLog(a.node, 2);
  const { hits } = await store.findMessages(wanted('one'));
  expect(hits.map(({ id }) => id)).toEqual([`${a.node}-1`]);
  await store.close();
});

it('gives each message a place, also where thousands were said in one moment', async () => {
  const a = new Author('a');
  const store = await SqliteStore.open(path);
  const ops = Array.from({ length: 1_500 }, () => a.next(messageBody('one'), { wallMs: 5 }));
  await store.commit({ ops, rows: [] });
  const { hits } = await store.findMessages(wanted('one', { limit: 2_000 }));
  expect(new Set(hits.map(({ id }) => id)).size).toBe(1_500);
  expect(hits.every(({ place }, at) => at === 0 || place < (hits[at - 1]?.place ?? 0))).toBe(true);
  await store.close();
});

it('answers with what it has while it is made, and says what is left', async () => {
  const a = new Author('a');
  const store = await SqliteStore.open(path);
  for (let at = 0; at < 44; at += 1)
    await say(
      store,
      a,
      Array.from({ length: 512 }, () => 'x'),
    );
  const { left } = await store.findMessages(wanted('x'));
  expect(left).toBe(4 * 512);
  // What a crash would leave here is gone on with.
  const image = join(dir, 'crashed.db');
  for (const end of ['', '-wal']) await copyFile(`${path}${end}`, `${image}${end}`);
  const whole = await store.findMessages(wanted('x', { limit: 100_000 }));
  expect([whole.left, whole.hits.length]).toEqual([0, 44 * 512]);
  await store.close();
  await expect(store.findMessages(wanted('x'))).rejects.toThrow('closed');
  const crashed = await SqliteStore.open(image);
  const again = await crashed.findMessages(wanted('x', { limit: 100_000 }));
  expect([again.left, new Set(again.hits.map(({ id }) => id)).size]).toEqual([0, 44 * 512]);
  await crashed.close();
});
