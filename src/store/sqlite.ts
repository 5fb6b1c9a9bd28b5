/** The store on disk: one SQLite file for the log, its views and this node's own rows. Why no library stands between: docs/decisions/0003. */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Hash, NodeId } from '#core/brand.ts';
import { hashOf } from '#core/brand.ts';
import type { LocalTable } from '#core/local.ts';
import type { Op } from '#core/op.ts';
import type { IndexAnswer, IndexQuery } from '#core/search/message-index.ts';
import type { Query } from '#core/view/view.ts';
import type { RowOf, Specs } from '#core/view/views.ts';
import { viewSpecs } from '#core/view/views.ts';
import type { Arrival, Head, OpStore, Write } from '#ports.ts';
import { numberCell } from './cells.ts';
import type { Outcome } from './commit-queue.ts';
import { CommitQueue } from './commit-queue.ts';
import { openDatabase } from './database.ts';
import { HeadLedger } from './head-ledger.ts';
import { LocalRows } from './local-rows.ts';
import { OpLog } from './op-log.ts';
import { MessageIndex } from './message-index.ts';
import { migrate } from './schema.ts';
import { RUN_OPS } from './run.ts';
import type { SnapshotFacts, SnapshotOptions } from './snapshot.ts';
import { Snapshots } from './snapshot.ts';
import type { Progress, ViewFile } from './view-cursors.ts';
import { ViewCursors } from './view-cursors.ts';
import { ViewRows } from './view-rows.ts';
import type { ViewTables } from './view-set.ts';
import { ViewSet, viewTables } from './view-set.ts';

/** Where a transaction stands; `inserted` comes once an op, `committed` before any promise resolves. */
export type CommitPoint = 'begin' | 'began' | 'inserted' | 'folded' | 'committed';

/** More than the rows of one run take. */
const VACUUM_PAGES = 256;

export type SqliteOptions = {
  /** Called after each batch while views are folded anew at opening. */
  onProgress?: (progress: Progress) => void;
  /** The file grows no further than this; a commit that would need more fails, as on a full disk. */
  maxBytes?: number;
  /** Views other than the usual ones; for tests of a change of version. */
  specs?: Specs;
  /** When the commits of a turn run: at the end of the turn of the event loop, unless whoever calls has gathered them already. */
  commitWhen?: (run: () => void) => void;
  /** Called synchronously as each transaction passes; for tests that kill the process there. */
  onPoint?: (point: CommitPoint) => void;
};

type Job = { kind: 'write'; write: Write } | { kind: 'truncate'; node: NodeId; seq: number } | Seal;
/** `sealed` is told how many ops went into a run. */
type Seal = { kind: 'seal'; keep: number; atLeast: number; sealed: (ops: number) => void };

type Parts = { log: OpLog; rows: LocalRows; tables: ViewTables; cursors: ViewCursors };

export class SqliteStore implements OpStore {
  private readonly db: DatabaseSync;
  private readonly log: OpLog;
  private readonly rows: LocalRows;
  private readonly views: ViewSet;
  private readonly cursors: ViewCursors;
  private readonly ledger: HeadLedger;
  private readonly queue: CommitQueue<Job, readonly Arrival[]>;
  private readonly onPoint: (point: CommitPoint) => void;
  private readonly commitWhen: (run: () => void) => void;
  private readonly snapshots: Snapshots;
  private readonly index: MessageIndex;

  private constructor(db: DatabaseSync, parts: Parts, options: SqliteOptions) {
    this.db = db;
    this.snapshots = new Snapshots(db);
    this.commitWhen = options.commitWhen ?? setImmediate;
    this.log = parts.log;
    this.rows = parts.rows;
    this.views = new ViewSet(parts.tables);
    this.cursors = parts.cursors;
    this.ledger = new HeadLedger(parts.log.heads());
    this.queue = new CommitQueue(
      (run) => this.commitWhen(() => this.snapshots.whenBegun(run)),
      (jobs) => this.transact(jobs),
    );
    const whenBegun = (run: () => void): void => this.snapshots.whenBegun(run);
    this.index = new MessageIndex({ db, log: parts.log, views: this.views, whenBegun });
    this.onPoint = options.onPoint ?? (() => {});
  }

  /**
   * Opens or makes the file, migrates it, and brings its views up to date. Throws a StoreError: `store_locked` while it is open elsewhere,
   * `store_newer` for the file of a newer skep.
   */
  static async open(path: string, options: SqliteOptions = {}): Promise<SqliteStore> {
    const db = openDatabase(path, options.maxBytes);
    try {
      migrate(db);
      const files: ViewFile[] = [];
      const tables = viewTables(options.specs ?? viewSpecs, (spec) => {
        const rows = new ViewRows(db, spec);
        files.push(rows);
        return rows;
      });
      const parts = { log: new OpLog(db), rows: new LocalRows(db), tables, cursors: new ViewCursors(db, files) };
      await parts.cursors.catchUp(parts.log, tables, options.onProgress ?? (() => {}));
      return new SqliteStore(db, parts, options);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  commit(write: Write): Promise<readonly Arrival[]> {
    return this.queue.add({ kind: 'write', write });
  }

  async truncateLog(node: NodeId, seq: number): Promise<void> {
    await this.queue.add({ kind: 'truncate', node, seq });
  }

  async seal({ keep, atLeast = RUN_OPS }: { keep: number; atLeast?: number }): Promise<number> {
    let ops = 0;
    await this.queue.add({ kind: 'seal', keep, atLeast, sealed: (count) => (ops = count) });
    return ops;
  }

  sealedOps(): number {
    return this.log.sealedOps();
  }

  /** Of the file, without what waits in its write-ahead log. */
  sizeBytes(): number {
    const of = (name: string): number => numberCell(this.db.prepare(`PRAGMA ${name}`).get() ?? {}, name);
    return of('page_count') * of('page_size');
  }

  /** A live map: it follows later commits. */
  heads(): ReadonlyMap<NodeId, Head> {
    return this.ledger.heads();
  }

  lamport(): number {
    return this.ledger.lamport();
  }

  opsOf(node: NodeId, o: { from: number; maxOps: number; maxBytes: number }): Op[] {
    return this.log.opsOf(node, o);
  }

  opsAbout(entity: string, limit: number): Op[] {
    return this.log.opsAbout(entity, limit);
  }

  arrivals(o: { after: number; limit: number }): Arrival[] {
    return this.log.arrivals(o);
  }

  lastArrival(): number {
    return this.log.lastArrival();
  }

  localRow(table: LocalTable, key: string): unknown {
    return this.rows.get(table, key);
  }

  localRows(table: LocalTable): { key: string; value: unknown }[] {
    return this.rows.all(table);
  }

  get<N extends keyof RowOf>(view: N, key: string): RowOf[N] | undefined {
    return this.views.get(view, key);
  }

  list<N extends keyof RowOf>(view: N, query: Query): RowOf[N][] {
    return this.views.list(view, query);
  }

  count(view: keyof RowOf, where: NonNullable<Query['where']>): number {
    return this.views.count(view, where);
  }

  findMessages(query: IndexQuery): Promise<IndexAnswer> {
    return this.index.find(query);
  }

  /** Reads every row of every view: for a check, not for a request. */
  digest(): Hash {
    const hash = createHash('sha256');
    for (const line of this.views.digestLines()) hash.update(line);
    return hashOf(hash.digest('hex'));
  }

  /**
   * A copy of the whole file at `path`, where nothing is yet, as of some commit between call and end; commits go on meanwhile. One at a time: a
   * second one waits. Rejects when the signal is aborted, or the store closed; what was written so far stays.
   */
  snapshot(path: string, o: Pick<SnapshotOptions, 'onProgress' | 'signal'>): Promise<SnapshotFacts> {
    return this.snapshots.take(path, o);
  }

  async close(): Promise<void> {
    const ended = this.snapshots.close();
    this.queue.close();
    this.index.close();
    await ended;
    if (this.db.isOpen) this.db.close();
  }

  /** One turn's jobs in one transaction. It returns after the fsync, or throws, and then nothing of it shows. */
  private transact(jobs: readonly Job[]): Outcome<readonly Arrival[]>[] {
    this.onPoint('begin');
    try {
      this.db.exec('BEGIN IMMEDIATE');
      this.onPoint('began');
      const outcomes = jobs.map((job) => this.run(job));
      this.views.write();
      for (const [node, head] of this.ledger.moved()) this.log.writeHead(node, head);
      if (this.log.lastInserted() > this.log.lastArrival()) this.cursors.advance(this.log.lastInserted());
      this.onPoint('folded');
      this.db.exec('COMMIT');
      this.onPoint('committed');
      this.log.publish();
      this.ledger.publish();
      this.index.onCommit();
      return outcomes;
    } catch (cause) {
      this.views.forget();
      this.rollBack(cause);
      this.log.forget();
      throw cause;
    }
  }

  private run(job: Job): Outcome<readonly Arrival[]> {
    if (job.kind === 'write') return this.write(job.write);
    return job.kind === 'truncate' ? this.truncate(job) : this.sealNext(job);
  }

  /** One run, of the first log that has enough old ops. */
  private sealNext({ keep, atLeast, sealed }: Seal): Outcome<readonly Arrival[]> {
    const upTo = this.log.lastArrival() - keep;
    for (const [node, { seq }] of this.ledger.heads()) {
      if (seq - this.log.sealedUpTo(node) < atLeast) continue;
      const ops = this.log.seal(node, { upTo, atLeast });
      if (ops === 0) continue;
      sealed(ops);
      // What the rows took goes back to the disk, a run's worth at a time; a file of an earlier skep keeps it for what comes.
      this.db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
      break;
    }
    return { value: [] };
  }

  private write({ ops, rows }: Write): Outcome<readonly Arrival[]> {
    const error = this.ledger.advance(ops);
    if (error !== undefined) return { error };
    const arrivals = ops.map((op) => this.insert(op));
    for (const row of rows) this.rows.write(row);
    return { value: arrivals };
  }

  private insert(op: Op): Arrival {
    const arrival = this.log.insert(op);
    this.views.fold(op);
    this.onPoint('inserted');
    return arrival;
  }

  private truncate({ node, seq }: { node: NodeId; seq: number }): Outcome<readonly Arrival[]> {
    if (this.ledger.current(node).seq < seq) return { value: [] };
    const { voided, head } = this.log.voidFrom(node, seq);
    this.ledger.cut(node, head);
    this.index.clear();
    this.views.retract(voided, {
      about: (entity) => this.log.allAbout(entity),
      ofTypes: (types) => this.log.ofTypes(types),
    });
    return { value: [] };
  }

  /** Some failures have rolled back already. */
  private rollBack(cause: unknown): void {
    if (!this.db.isTransaction) return;
    try {
      this.db.exec('ROLLBACK');
    } catch (error) {
      throw new AggregateError([cause, error], 'A commit failed, and so did taking it back.', { cause: error });
    }
  }
}
