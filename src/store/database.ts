/** Opens the SQLite file the way this store needs it: ours alone, and durable when a transaction says so. */
import { DatabaseSync } from 'node:sqlite';
import { numberCell } from './cells.ts';
import { StoreError } from './errors.ts';

/** Enough for the hot pages of a log of a million ops; a node with 50 agents has 150 MB for everything. */
const CACHE_KIB = 16 * 1024;
/** A large transaction (a re-fold) grows the write-ahead log; after its checkpoint the file is cut to this again. */
const WAL_KEPT_BYTES = 64 * 1024 * 1024;

const SQLITE_BUSY = 5;

/**
 * Opens or makes the file. `maxBytes` refuses to let it grow further, as a full disk would. Throws `store_locked` while another process (or
 * another store of this one) has it open.
 */
export function openDatabase(path: string, maxBytes: number | undefined): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Only a new file takes this: freed pages can then be given back to the disk.
    db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // Exclusive before WAL: the index of the log then lies in our memory, and nobody else reads or writes until we close.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
    db.exec(
      `PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`,
    );
    db.exec('BEGIN EXCLUSIVE; COMMIT');
    if (maxBytes !== undefined) {
      const pageBytes = numberCell(db.prepare('PRAGMA page_size').get() ?? {}, 'page_size');
      db.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`);
    }
    return db;
  } catch (error) {
    db.close();
    throw isBusy(error)
      ? new StoreError('store_locked', `${path} is open in another process: a data directory runs once.`, {
          cause: error,
        })
      : error;
  }
}

/** Extended codes keep the primary one in their low byte. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  'errcode' in error &&
  typeof error.errcode === 'number' &&
  (error.errcode & 0xff) === SQLITE_BUSY;
