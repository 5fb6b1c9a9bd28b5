/** The file under the store: locks, versions, re-folds, a disk that is full. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { viewSpecs } from '#core/view/views.ts';
import { openDatabase } from '#store/database.ts';
import { migrate, migrations, schemaVersion } from '#store/schema.ts';
import type { SqliteOptions } from '#store/sqlite.ts';
import { SqliteStore } from '#store/sqlite.ts';
import type { Progress } from '#store/view-cursors.ts';
import { Author, postBody, taskBody } from './author.ts';

async function file(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'skep-file-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  return join(dir, 'skep.db');
}

async function opened(path: string, options?: SqliteOptions): Promise<SqliteStore> {
  const store = await SqliteStore.open(path, options);
  onTestFinished(() => store.close());
  return store;
}

/** Writes the file as somebody else would, after it was closed. */
function edit(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

const posts = (author: Author, count: number) =>
  Array.from({ length: count }, (_, at) => author.next(postBody(`post ${at}`)));
const all = { from: 1, maxOps: 10_000, maxBytes: 1e9 };

it('waits for the disk at every commit, and keeps others out', async () => {
  const db = openDatabase(await file(), undefined);
  const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  expect(pragma('journal_mode')).toBe('wal');
  expect(pragma('synchronous')).toBe(2);
  expect(pragma('locking_mode')).toBe('exclusive');
  db.close();
});

it('is refused to a second opener, in this process and in another, until it is closed', async () => {
  const path = await file();
  const store = await opened(path);
  await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'store_locked' });
  const script = `
    import { SqliteStore } from '#store/sqlite.ts';
    await SqliteStore.open(process.argv[1]).then(() => console.log('opened'), (error) => console.log(error.code));
  `;
  const other = (): string => {
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    return `${child.stdout}${child.stderr}`.trim();
  };
  expect(other()).toBe('store_locked');
  await store.commit({ ops: posts(new Author('a'), 1), rows: [] });
  await store.close();
  expect(other()).toBe('opened');
});

it('leaves the file of a newer skep alone', async () => {
  const path = await file();
  await (await opened(path)).close();
  edit(path, `PRAGMA user_version = ${migrations.length + 1}`);
  await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'store_newer' });
  const db = new DatabaseSync(path);
  expect(schemaVersion(db)).toBe(migrations.length + 1);
  db.close();
});

it('takes an old file through every later step, each in a transaction', async () => {
  const path = await file();
  const steps = [
    { name: 'one', sql: "CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('old')" },
    { name: 'two', sql: "ALTER TABLE note ADD COLUMN colour TEXT DEFAULT 'red'" },
  ];
  const db = new DatabaseSync(path);
  migrate(db, steps.slice(0, 1));
  expect(schemaVersion(db)).toBe(1);
  migrate(db, steps);
  migrate(db, steps);
  expect(schemaVersion(db)).toBe(2);
  expect(db.prepare('SELECT * FROM note').all()).toEqual([{ text: 'old', colour: 'red' }]);
  const broken = [...steps, { name: 'three', sql: 'ALTER TABLE note ADD COLUMN size; SELECT * FROM nowhere' }];
  expect(() => migrate(db, broken)).toThrow('nowhere');
  expect(schemaVersion(db)).toBe(2);
  expect(db.isTransaction).toBe(false);
  expect(db.prepare('SELECT * FROM note').all()).toEqual([{ text: 'old', colour: 'red' }]);
  db.close();
});

it('opens a file of any earlier schema', async () => {
  for (const version of migrations.keys()) {
    const path = await file();
    const db = new DatabaseSync(path);
    migrate(db, migrations.slice(0, version));
    db.close();
    const store = await opened(path);
    await store.commit({ ops: posts(new Author('a'), 3), rows: [] });
    expect(store.count('post', {})).toBe(3);
  }
});

it('folds a view of another version anew, in batches, and says how far it is', async () => {
  const path = await file();
  const a = new Author('a');
  const first = await opened(path);
  await first.commit({ ops: [...posts(a, 2500), a.next(taskBody({ voters: [a.node] }))], rows: [] });
  const digest = first.digest();
  await first.close();
  const progress: Progress[] = [];
  let turns = 0;
  const turn = setInterval(() => (turns += 1), 0);
  onTestFinished(() => clearInterval(turn));
  const specs = { ...viewSpecs, post: { ...viewSpecs.post, version: 7, columnNames: ['created'], indexes: [] } };
  const second = await opened(path, { specs, onProgress: (step) => progress.push(step) });
  expect(progress).toEqual([
    { view: 'post', done: 2000, total: 2501 },
    { view: 'post', done: 2501, total: 2501 },
  ]);
  expect(turns).toBeGreaterThan(0);
  expect(second.digest()).toBe(digest);
  expect(() => second.list('post', { where: { lamport: 1 }, limit: 1 })).toThrow('no column');
  await second.close();
  progress.length = 0;
  await (await opened(path, { specs, onProgress: (step) => progress.push(step) })).close();
  expect(progress).toEqual([]);
  const back = await opened(path);
  expect(back.list('post', { where: { lamport: 4 }, limit: 1 })[0]?.content).toBe('post 3');
  expect(back.digest()).toBe(digest);
});

it('goes on with a re-fold that was interrupted', async () => {
  const path = await file();
  const a = new Author('a');
  const first = await opened(path);
  await first.commit({ ops: posts(a, 4500), rows: [] });
  const digest = first.digest();
  await first.close();
  const specs = { ...viewSpecs, post: { ...viewSpecs.post, version: 2 } };
  const stop = (): void => {
    throw new Error('killed here');
  };
  await expect(SqliteStore.open(path, { specs, onProgress: stop })).rejects.toThrow('killed here');
  const done: number[] = [];
  const second = await opened(path, { specs, onProgress: (step) => done.push(step.done) });
  expect(done).toEqual([4000, 4500]);
  expect(second.digest()).toBe(digest);
});

it('folds sealed ops anew, also after an interruption, and gives room back to the disk', async () => {
  const path = await file();
  const a = new Author('a');
  const first = await opened(path);
  const task = a.next(taskBody({ voters: [a.node] }));
  const ops = [task, ...posts(a, 5_000)].map((op, at) => (at % 5 === 0 ? { ...op, sig: 'c2ln' } : op));
  await first.commit({ ops, rows: [] });
  await first.commit({ ops: [a.next({ type: 'task.started', slot: 1 }, { entity: task.header.entity })], rows: [] });
  const digest = first.digest();
  const before = first.sizeBytes();
  while ((await first.seal({ keep: 300 })) > 0);
  expect(first.sealedOps()).toBeGreaterThan(4_300);
  expect(first.digest()).toBe(digest);
  expect(first.sizeBytes()).toBeLessThan(before * 0.8);
  await first.close();
  const specs = { ...viewSpecs, post: { ...viewSpecs.post, version: 2 }, task: { ...viewSpecs.task, version: 77 } };
  const stop = (): void => {
    throw new Error('killed here');
  };
  await expect(SqliteStore.open(path, { specs, onProgress: stop })).rejects.toThrow('killed here');
  const second = await opened(path, { specs });
  expect(second.digest()).toBe(digest);
  expect(second.list('post', { limit: 10_000 })).toHaveLength(5_000);
});

it("follows a view's indexes without folding it anew", async () => {
  const path = await file();
  const store = await opened(path);
  await store.commit({ ops: posts(new Author('a'), 3), rows: [] });
  await store.close();
  const specs = { ...viewSpecs, post: { ...viewSpecs.post, indexes: [['created', ['lamport', 'desc'] as const]] } };
  await (await opened(path, { specs, onProgress: () => expect.unreachable('nothing to fold') })).close();
  const db = new DatabaseSync(path);
  const indexes = db.prepare(
    "SELECT name FROM sqlite_schema WHERE tbl_name = 'view_post' AND sql NOT NULL AND type = 'index'",
  );
  expect(indexes.all()).toEqual([{ name: 'view_post: created asc, lamport desc' }]);
  db.close();
});

it("reads pages in the seed's order from an index, and nulls too", async () => {
  const path = await file();
  await (await opened(path)).close();
  const db = new DatabaseSync(path);
  const plan = (sql: string): string =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => row['detail'])
      .join('; ');
  const sorts = 'ORDER BY "priority" desc, "created" asc, "key" LIMIT 10';
  expect(plan(`SELECT row FROM view_task WHERE "status" IS ? ${sorts}`)).toBe(
    'SEARCH view_task USING INDEX view_task: status asc, priority desc, created asc (status=?); USE TEMP B-TREE FOR LAST TERM OF ORDER BY',
  );
  expect(plan(`SELECT row FROM view_task ${sorts}`)).toBe(
    'SCAN view_task USING INDEX view_task: priority desc, created asc; USE TEMP B-TREE FOR LAST TERM OF ORDER BY',
  );
  db.close();
});

it('fails every commit of a turn when the disk is full, takes no more, and shows what was acknowledged when opened again', async () => {
  const path = await file();
  const a = new Author('a');
  const store = await opened(path, { maxBytes: 800_000 });
  let acknowledged = 0;
  let failed: PromiseSettledResult<unknown>[] = [];
  // The quota is 800 kB, of which empty tables take half, and each turn brings 40: the bound only keeps a broken quota from filling the real disk.
  for (let turn = 0; turn < 100 && failed.length === 0; turn++) {
    const ops = Array.from({ length: 4 }, () => a.next(postBody('x'.repeat(10_000))));
    const results = await Promise.allSettled(ops.map((op) => store.commit({ ops: [op], rows: [] })));
    if (results.some(({ status }) => status === 'rejected')) failed = results;
    else acknowledged += ops.length;
  }
  expect(acknowledged).toBeGreaterThan(0);
  expect(failed.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'rejected'));
  expect(failed[0]).toMatchObject({ reason: { code: 'store_failed', message: expect.stringContaining('full') } });
  await expect(store.commit({ ops: [], rows: [] })).rejects.toMatchObject({ code: 'store_failed' });
  expect(store.heads().get(a.node)?.seq).toBe(acknowledged);
  expect(store.lastArrival()).toBe(acknowledged);
  expect(store.count('post', {})).toBe(acknowledged);
  const digest = store.digest();
  await store.close();
  const again = await opened(path);
  expect(again.heads().get(a.node)?.seq).toBe(acknowledged);
  expect(again.opsOf(a.node, all)).toHaveLength(acknowledged);
  expect(again.digest()).toBe(digest);
});

it('shows rows as they were before a commit that failed at its end', async () => {
  let breaks = false;
  const onPoint: SqliteOptions['onPoint'] = (point) => {
    if (breaks && point === 'folded') throw new Error('the disk broke');
  };
  const store = await opened(await file(), { onPoint });
  const a = new Author('a');
  const task = a.next(taskBody({ voters: [a.node], title: 'held' }));
  const entity = task.header.entity;
  await store.commit({ ops: [task], rows: [] });
  const before = store.get('task', entity);
  expect(before?.created?.title).toBe('held');
  breaks = true;
  const started = a.next({ type: 'task.started', slot: 1 }, { entity });
  const post = a.next(postBody('never stored'));
  await expect(store.commit({ ops: [started, post], rows: [] })).rejects.toMatchObject({ code: 'store_failed' });
  expect(store.get('task', entity)).toEqual(before);
  expect(store.get('post', post.header.entity)).toBeUndefined();
});
