/** How far each view has been folded, and the folding of what is missing when a file is opened. */
import { setImmediate as turnEnd } from 'node:timers/promises';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BodyType } from '#core/schema/body.ts';
import type { ViewName } from '#core/view/view.ts';
import { numberCell, textCell } from './cells.ts';
import type { OpLog } from './op-log.ts';
import type { ViewTables } from './view-set.ts';
import { ViewSet } from './view-set.ts';

/** Ops folded in one transaction: some 50 ms of work, after which timers and sockets get their turn. */
const BATCH_OPS = 2_000;

/** `done` of `total` arrivals are folded into the view. */
export type Progress = { view: ViewName; done: number; total: number };

/** A view's table in the file. */
export type ViewFile = {
  readonly spec: {
    readonly name: ViewName;
    readonly version: number;
    readonly columnNames: readonly string[];
    readonly types: readonly BodyType[];
  };
  create(): void;
  createIndexes(): void;
};

/** A table fits a view whose version and columns are these. */
const shapeOf = ({ spec }: ViewFile): string => `${spec.version} ${spec.columnNames.join(' ')}`;

export class ViewCursors {
  private readonly db: DatabaseSync;
  private readonly files: readonly ViewFile[];
  private readonly move: StatementSync;

  constructor(db: DatabaseSync, files: readonly ViewFile[]) {
    this.db = db;
    this.files = files;
    // Only the views folded here move: another skep's view in this file is behind, and that skep will see it.
    this.move = db.prepare(
      `UPDATE cursor SET n = ? WHERE view IN (${files.map((file) => `'${file.spec.name}'`).join(', ')})`,
    );
  }

  /** All views hold everything up to `n`; inside the store's transaction. */
  advance(n: number): void {
    this.move.run(n);
  }

  /** Makes anew the views of another version and folds whatever is missing from the log. Interrupted, it goes on where it stood. */
  async catchUp(log: OpLog, tables: ViewTables, onProgress: (progress: Progress) => void): Promise<void> {
    const total = log.lastArrival();
    const at = this.prepareTables();
    const behind = this.files.filter((file) => (at.get(file.spec.name) ?? 0) < total);
    const names = behind.map((file) => file.spec.name);
    let done = Math.min(total, ...names.map((name) => at.get(name) ?? 0));
    const views = new ViewSet(tables, names);
    const types = new Set<string>(behind.flatMap((file) => file.spec.types));
    await this.foldSealed({ log, views, types, after: done, onFolded: (n) => this.tell(onProgress, names, n, total) });
    while (done < total) {
      done = this.foldBatch({ log, views, types, names, after: done, total });
      this.tell(onProgress, names, done, total);
      await turnEnd();
    }
    // After the rows: an index is made faster than it is kept.
    for (const file of this.files) file.createIndexes();
  }

  /**
   * Sealed ops first, run by run, in whichever order. The cursors stand still meanwhile: interrupted, all of it is folded once more, which changes
   * nothing.
   */
  private async foldSealed(o: {
    log: OpLog;
    views: ViewSet;
    types: ReadonlySet<string>;
    after: number;
    onFolded: (ops: number) => void;
  }): Promise<void> {
    let [folded, unwritten] = [0, 0];
    const write = (): void => {
      this.db.exec('BEGIN IMMEDIATE');
      o.views.write();
      this.db.exec('COMMIT');
      [folded, unwritten] = [folded + unwritten, 0];
      o.onFolded(folded);
    };
    for (const run of o.log.sealedAfter(o.after)) {
      for (const { type, op } of run) if (o.types.has(type)) o.views.fold(op);
      unwritten += run.length;
      if (unwritten < BATCH_OPS) continue;
      write();
      await turnEnd();
    }
    if (unwritten > 0) write();
  }

  private tell(
    onProgress: (progress: Progress) => void,
    views: readonly ViewName[],
    done: number,
    total: number,
  ): void {
    for (const view of views) onProgress({ view, done, total });
  }

  /** Makes the tables of views that are new or of another version; gives where each view stands. */
  private prepareTables(): Map<ViewName, number> {
    const rows = this.db.prepare('SELECT view, shape, n FROM cursor').all();
    const held = new Map(rows.map((row) => [textCell(row, 'view'), row]));
    const at = new Map<ViewName, number>();
    const write = this.db.prepare('INSERT OR REPLACE INTO cursor (view, shape, n) VALUES (?, ?, 0)');
    for (const file of this.files) {
      const { name } = file.spec;
      const row = held.get(name);
      const current = row !== undefined && textCell(row, 'shape') === shapeOf(file);
      at.set(name, current ? numberCell(row, 'n') : 0);
      if (current) continue;
      this.db.exec('BEGIN IMMEDIATE');
      file.create();
      write.run(name, shapeOf(file));
      this.db.exec('COMMIT');
    }
    return at;
  }

  /** Folds the next ops after `after` in one transaction and gives the arrival up to which the views then stand. */
  private foldBatch(o: {
    log: OpLog;
    views: ViewSet;
    types: ReadonlySet<string>;
    names: readonly ViewName[];
    after: number;
    total: number;
  }): number {
    const batch = o.log.typedArrivals({ after: o.after, limit: BATCH_OPS });
    const done = batch.at(-1)?.n ?? o.total;
    for (const { type, op } of batch) if (o.types.has(type)) o.views.fold(op);
    const marks = o.names.map(() => '?').join(', ');
    this.db.exec('BEGIN IMMEDIATE');
    o.views.write();
    this.db.prepare(`UPDATE cursor SET n = ? WHERE view IN (${marks})`).run(done, ...o.names);
    this.db.exec('COMMIT');
    return done;
  }
}
