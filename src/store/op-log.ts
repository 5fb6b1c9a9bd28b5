/** The table of ops and the heads of their logs. Everything that writes runs inside the store's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { NodeId } from '#core/brand.ts';
import { hashOf, nodeIdOf } from '#core/brand.ts';
import { EMPTY_HEAD } from '#core/chain.ts';
import type { Op } from '#core/op.ts';
import { compareStamps, stampOf } from '#core/op.ts';
import type { Arrival, Head } from '#ports.ts';
import type { SqlRow } from './cells.ts';
import { numberCell, textCell } from './cells.ts';
import type { LogHead } from './head-ledger.ts';
import type { Entry } from './run.ts';
import { RUN_OPS, runLength, typeNameOf } from './run.ts';
import type { RunsAsked } from './run-table.ts';
import { RunTable } from './run-table.ts';
import { OP_COLUMNS, storedOp } from './stored-op.ts';

const arrivalOf = (row: SqlRow): Arrival => ({ n: numberCell(row, 'n'), op: storedOp(row) });

const entryOf = (row: SqlRow): Entry => ({ ...arrivalOf(row), type: textCell(row, 'type') });

export class OpLog {
  private readonly statements: ReturnType<typeof prepare>;
  private readonly db: DatabaseSync;
  private readonly runs: RunTable;
  /** Counts on while a transaction runs; {@link publish} shows it. */
  private last: number;
  private shownLast: number;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.statements = prepare(db);
    this.runs = new RunTable(db);
    this.last = Math.max(numberCell(this.statements.last.get() ?? {}, 'n'), this.runs.lastArrival());
    this.shownLast = this.last;
  }

  insert(op: Op): Arrival {
    const n = this.last + 1;
    this.put({ n, type: typeNameOf(op), op });
    this.last = n;
    return { n, op };
  }

  private put({ n, type, op }: Entry): void {
    const { node, seq, lamport, entity } = op.header;
    this.statements.insert.run(
      n,
      node,
      seq,
      lamport,
      entity,
      type,
      op.hash,
      op.headerText,
      op.bodyText,
      op.sig ?? null,
    );
  }

  /**
   * Moves the next ops of one log into a sealed run: its oldest that stand alone, if `atLeast` so many arrived up to `upTo`. Gives how many went into it; 0
   * where there is no such run.
   */
  seal(node: NodeId, { upTo, atLeast }: { upTo: number; atLeast: number }): number {
    const from = this.runs.lastOf(node) + 1;
    const rows = this.statements.typedOpsOf.all(node, from, RUN_OPS).map(entryOf);
    const old = rows.filter(({ n }) => n <= upTo);
    if (old.length < atLeast) return 0;
    const run = old.slice(0, runLength(old, Buffer));
    const last = run.at(-1)?.op.header.seq;
    if (last === undefined || !this.runs.add(run)) return 0;
    this.statements.removeUpTo.run(node, last);
    return run.length;
  }

  /** Ops of that log that could be sealed next, or were. */
  sealedUpTo(node: NodeId): number {
    return this.runs.lastOf(node);
  }

  sealedOps(): number {
    return this.runs.count();
  }

  /** What was written last has not been committed. */
  forget(): void {
    this.runs.forget();
  }

  writeHead(node: NodeId, head: LogHead): void {
    this.statements.writeHead.run(node, head.seq, head.hash, head.lamport);
  }

  /** The transaction is on disk. */
  publish(): void {
    this.shownLast = this.last;
  }

  /** The last number handed out, also of a voided op: none is used twice. */
  lastArrival(): number {
    return this.shownLast;
  }

  /** As {@link lastArrival}, with the transaction under way. */
  lastInserted(): number {
    return this.last;
  }

  /** Read from a small table, whatever the length of the logs. */
  *heads(): Generator<[NodeId, LogHead]> {
    for (const row of this.statements.heads.all()) {
      const head = {
        seq: numberCell(row, 'seq'),
        hash: hashOf(textCell(row, 'hash')),
        lamport: numberCell(row, 'lamport'),
      };
      yield [nodeIdOf(textCell(row, 'node')), head];
    }
  }

  opsOf(node: NodeId, o: { from: number; maxOps: number; maxBytes: number }): Op[] {
    const found: Op[] = [];
    let bytes = 0;
    for (const op of this.logFrom(node, o.from)) {
      if (found.length >= o.maxOps) break;
      bytes += Buffer.byteLength(op.headerText) + Buffer.byteLength(op.bodyText);
      if (bytes > o.maxBytes && found.length > 0) break;
      found.push(op);
    }
    return found;
  }

  private *logFrom(node: NodeId, from: number): Generator<Op> {
    if (from <= this.runs.lastOf(node)) for (const { op } of this.runs.of(node, from)) yield op;
    for (const row of this.statements.opsOf.iterate(node, from)) yield storedOp(row);
  }

  opsAbout(entity: string, limit: number): Op[] {
    const newest = this.statements.newestAbout.all(entity, limit).map(storedOp);
    const sealed = Array.from(this.runs.about(entity), ({ op }) => op);
    const all = [...sealed, ...newest].toSorted((a, b) => compareStamps(stampOf(a), stampOf(b)));
    return limit === 0 ? [] : all.slice(-limit);
  }

  *allAbout(entity: string): Generator<Op> {
    for (const { op } of this.runs.about(entity)) yield op;
    for (const row of this.statements.allAbout.iterate(entity)) yield storedOp(row);
  }

  arrivals(o: { after: number; limit: number }): Arrival[] {
    const open = this.statements.arrivals.all(o.after, o.limit).map(arrivalOf);
    if (o.after >= this.runs.lastArrival()) return open;
    const sealed = this.runs.arrivals(o.after, o.limit).map(({ n, op }) => ({ n, op }));
    return [...sealed, ...open].toSorted((a, b) => a.n - b.n).slice(0, o.limit);
  }

  /** As {@link arrivals}, of ops that are in no run, with the type each op names, so that nobody parses what he does not want. */
  typedArrivals(o: { after: number; limit: number }): Entry[] {
    return this.statements.arrivals.all(o.after, o.limit).map(entryOf);
  }

  /** The sealed ones after `n`, run by run: folds take them in any order. */
  sealedAfter(n: number): Generator<Entry[]> {
    return this.runs.runsAfter(n);
  }

  sealedRuns(o: RunsAsked & { atLeast: number }): { entries: Entry[]; last: number } {
    return this.runs.newerOf(o);
  }

  sealedOpsOf(o: RunsAsked): number {
    return this.runs.countNewerOf(o);
  }

  /** The first committed arrival after `n` that is in no run. */
  firstOpenAfter(n: number): number | undefined {
    const first = this.statements.firstAfter.get(n)?.['n'];
    return typeof first === 'number' && first <= this.shownLast ? first : undefined;
  }

  /** Arrivals of one type that are in no run, by arrival. */
  openOf(o: { type: string; after: number; upTo: number }): Entry[] {
    return this.statements.openOf.all(o.after, o.upTo, o.type).map(entryOf);
  }

  /** Ops of these types alone, by arrival; the others are passed over without a look into their texts. */
  *ofTypes(types: readonly string[]): Generator<Op> {
    const marks = types.map(() => '?').join(', ');
    const statement = this.db.prepare(`SELECT ${OP_COLUMNS} FROM op WHERE type IN (${marks}) ORDER BY n`);
    for (const { op } of this.runs.ofTypes(types)) yield op;
    for (const row of statement.iterate(...types)) yield storedOp(row);
  }

  /** Moves a log's ops from `seq` on to the voided ones and gives the head that is left. */
  voidFrom(node: NodeId, seq: number): { voided: Op[]; head: Head } {
    // Runs that hold any of it are opened: what stays of them stands alone again.
    for (const entry of this.runs.takeFrom(node, seq)) this.put(entry);
    const voided = this.statements.opsOf.all(node, seq).map(storedOp);
    this.statements.void.run(node, seq);
    this.statements.remove.run(node, seq);
    const [before] = this.opsOf(node, { from: seq - 1, maxOps: 1, maxBytes: 0 });
    const last = seq > 1 ? before : undefined;
    return { voided, head: last === undefined ? EMPTY_HEAD : { seq: seq - 1, hash: last.hash } };
  }
}

function prepare(db: DatabaseSync) {
  const select = `SELECT n, ${OP_COLUMNS} FROM op`;
  return {
    last: db.prepare('SELECT max(ifnull((SELECT max(n) FROM op), 0), ifnull((SELECT max(n) FROM voided), 0)) AS n'),
    insert: db.prepare(
      'INSERT INTO op (n, node, seq, lamport, entity, type, hash, header, body, sig) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    heads: db.prepare('SELECT node, seq, hash, lamport FROM head'),
    writeHead: db.prepare('INSERT OR REPLACE INTO head (node, seq, hash, lamport) VALUES (?, ?, ?, ?)'),
    opsOf: db.prepare(`${select} WHERE node = ? AND seq >= ? ORDER BY seq`),
    typedOpsOf: db.prepare(`SELECT n, type, ${OP_COLUMNS} FROM op WHERE node = ? AND seq >= ? ORDER BY seq LIMIT ?`),
    removeUpTo: db.prepare('DELETE FROM op WHERE node = ? AND seq <= ?'),
    newestAbout: db.prepare(`${select} WHERE entity = ? ORDER BY lamport DESC, node DESC, seq DESC LIMIT ?`),
    allAbout: db.prepare(`${select} WHERE entity = ?`),
    arrivals: db.prepare(`SELECT n, type, ${OP_COLUMNS} FROM op WHERE n > ? ORDER BY n LIMIT ?`),
    firstAfter: db.prepare('SELECT min(n) AS n FROM op WHERE n > ?'),
    openOf: db.prepare(`SELECT n, type, ${OP_COLUMNS} FROM op WHERE n > ? AND n <= ? AND type = ? ORDER BY n`),
    void: db.prepare(
      'INSERT INTO voided (n, node, seq, hash, header, body, sig) SELECT n, node, seq, hash, header, body, sig FROM op WHERE node = ? AND seq >= ?',
    ),
    remove: db.prepare('DELETE FROM op WHERE node = ? AND seq >= ?'),
  };
}
