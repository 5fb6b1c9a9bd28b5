/**
 * A copy of the SQLite file while its node goes on: SQLite's online backup over the store's own connection, the only one there can be under the
 * exclusive lock. What the store writes meanwhile goes into the copy, too, so it holds the last commit before its end. Why this way, and what
 * it costs: docs/decisions/0005.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { backup } from 'node:sqlite';
import type { NodeId } from '#core/brand.ts';
import { openDatabase } from './database.ts';
import { StoreError } from './errors.ts';
import { HeadLedger } from './head-ledger.ts';
import { OpLog } from './op-log.ts';

/** Pages a step. The store waits while a step runs, some 2 ms; between two steps it commits. */
const STEP_PAGES = 100;
/** After so many pages the copy is put on the disk: else the last step would wait for all of it, and the store with it. */
const SYNC_PAGES = 1_024;

export type SnapshotOptions = {
  onProgress: (pages: { done: number; total: number }) => void;
  signal: AbortSignal;
};

/** What a copy holds. */
export type SnapshotFacts = { heads: Record<NodeId, number>; lamport: number; lastArrival: number };

/** Copies of one open database, one after another. */
export class Snapshots {
  private readonly db: DatabaseSync;
  private readonly closing = new AbortController();
  /** The last copy, whatever became of it. */
  private last: Promise<unknown> = Promise.resolve();
  /** While a copy begins no transaction may: a first step that meets one would end it. */
  private beginning: Promise<void> | undefined;

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  /** Waits for the copies asked for before. Rejects with the signal's reason when that is aborted. */
  take(path: string, o: SnapshotOptions): Promise<SnapshotFacts> {
    const signal = AbortSignal.any([o.signal, this.closing.signal]);
    const taken = this.last.then(async () => {
      signal.throwIfAborted();
      const begun = Promise.withResolvers<void>();
      this.beginning = begun.promise;
      const onBegun = (): void => {
        this.beginning = undefined;
        begun.resolve();
      };
      await copyDatabase(this.db, path, { onProgress: o.onProgress, signal, onBegun });
      return readSnapshot(path);
    });
    this.last = taken.catch(() => undefined);
    return taken;
  }

  /** Runs a transaction: now, unless a copy begins. */
  whenBegun(run: () => void): void {
    if (this.beginning === undefined) run();
    else void this.beginning.then(run);
  }

  /** Ends the copy under way; resolves when none is. The database must stay open until then: closed under a backup, it tells it that all went well. */
  async close(): Promise<void> {
    this.closing.abort(new StoreError('store_closed', 'The store is closing; the copy is not whole.'));
    await this.last;
  }
}

/** `onBegun`: the first step is over. Called at least once, whatever comes. */
async function copyDatabase(
  db: DatabaseSync,
  path: string,
  o: SnapshotOptions & { onBegun: () => void },
): Promise<void> {
  const syncing = new RollingSync(path);
  try {
    const total = await backup(db, path, {
      rate: STEP_PAGES,
      progress: ({ totalPages, remainingPages }) => {
        o.onBegun();
        // A progress function that throws is the only way to end a backup.
        o.signal.throwIfAborted();
        const done = totalPages - remainingPages;
        syncing.reached(done);
        o.onProgress({ done, total: totalPages });
      },
    });
    o.onProgress({ done: total, total });
  } finally {
    o.onBegun();
    await syncing.close();
  }
  o.signal.throwIfAborted();
}

/** Makes the copy one file that stands by itself, and reads what it holds. */
function readSnapshot(path: string): SnapshotFacts {
  const db = openDatabase(path, undefined);
  try {
    db.exec('PRAGMA journal_mode = DELETE');
    const log = new OpLog(db);
    const ledger = new HeadLedger(log.heads());
    const heads: Record<NodeId, number> = {};
    for (const [node, { seq }] of ledger.heads()) heads[node] = seq;
    return { heads, lamport: ledger.lamport(), lastArrival: log.lastArrival() };
  } finally {
    db.close();
  }
}

/** Puts what was written so far on the disk, now and then, one call at a time. */
class RollingSync {
  private readonly path: string;
  private file: FileHandle | undefined;
  private running: Promise<void> | undefined;
  private failure: Error | undefined;
  private syncedPages = 0;

  constructor(path: string) {
    this.path = path;
  }

  reached(pages: number): void {
    if (this.running !== undefined || pages - this.syncedPages < SYNC_PAGES) return;
    this.syncedPages = pages;
    this.running = this.sync()
      .catch((error: unknown) => {
        this.failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.running = undefined;
      });
  }

  async close(): Promise<void> {
    await this.running;
    await this.file?.close();
    if (this.failure !== undefined) throw this.failure;
  }

  private async sync(): Promise<void> {
    this.file ??= await open(this.path, 'r');
    await this.file.datasync();
  }
}
