/** The table of ops and the heads of their logs. Everything that writes runs inside the store's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { NodeId } from '#core/brand.ts';
import { hashOf, nodeIdOf } from '#core/brand.ts';
import { EMPTY_HEAD } from '#core/chain.ts';
import type { Op } from '#core/op.ts';
import type { Arrival, Head } from '#ports.ts';
import type { SqlRow } from './cells.ts';
import { numberCell, textCell } from './cells.ts';
import type { LogHead } from './head-ledger.ts';
import { OP_COLUMNS, storedOp } from './stored-op.ts';

const arrivalOf = (row: SqlRow): Arrival => ({ n: numberCell(row, 'n'), op: storedOp(row) });

const typeNameOf = ({ body }: Op): string => (body.type === 'unknown' ? body.typeName : body.type);

export class OpLog {
  private readonly statements: ReturnType<typeof prepare>;
  private readonly db: DatabaseSync;
  /** Counts on while a transaction runs; {@link publish} shows it. */
  private last: number;
  private shownLast: number;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.statements = prepare(db);
    this.last = numberCell(this.statements.last.get() ?? {}, 'n');
    this.shownLast = this.last;
  }

  insert(op: Op): Arrival {
    const { node, seq, lamport, entity } = op.header;
    const n = this.last + 1;
    const texts = [op.hash, op.headerText, op.bodyText, op.sig ?? null] as const;
    this.statements.insert.run(n, node, seq, lamport, entity, typeNameOf(op), ...texts);
    this.last = n;
    return { n, op };
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
    for (const row of this.statements.opsOf.iterate(node, o.from, o.maxOps)) {
      const op = storedOp(row);
      bytes += Buffer.byteLength(op.headerText) + Buffer.byteLength(op.bodyText);
      if (bytes > o.maxBytes && found.length > 0) break;
      found.push(op);
    }
    return found;
  }

  opsAbout(entity: string, limit: number): Op[] {
    return this.statements.newestAbout.all(entity, limit).map(storedOp).reverse();
  }

  *allAbout(entity: string): Generator<Op> {
    for (const row of this.statements.allAbout.iterate(entity)) yield storedOp(row);
  }

  arrivals(o: { after: number; limit: number }): Arrival[] {
    return this.statements.arrivals.all(o.after, o.limit).map(arrivalOf);
  }

  /** As {@link arrivals}, with the type each op names, so that nobody parses what he does not want. */
  typedArrivals(o: { after: number; limit: number }): { n: number; type: string; op: Op }[] {
    return this.statements.arrivals
      .all(o.after, o.limit)
      .map((row) => ({ ...arrivalOf(row), type: textCell(row, 'type') }));
  }

  /** Ops of these types alone, by arrival; the others are passed over without a look into their texts. */
  *ofTypes(types: readonly string[]): Generator<Op> {
    const marks = types.map(() => '?').join(', ');
    const statement = this.db.prepare(`SELECT ${OP_COLUMNS} FROM op WHERE type IN (${marks}) ORDER BY n`);
    for (const row of statement.iterate(...types)) yield storedOp(row);
  }

  /** Moves a log's ops from `seq` on to the voided ones and gives the head that is left. */
  voidFrom(node: NodeId, seq: number): { voided: Op[]; head: Head } {
    const voided = this.statements.opsOf.all(node, seq, -1).map(storedOp);
    this.statements.void.run(node, seq);
    this.statements.remove.run(node, seq);
    const last = this.statements.opsOf.get(node, seq - 1, 1);
    return { voided, head: last === undefined ? EMPTY_HEAD : { seq: seq - 1, hash: storedOp(last).hash } };
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
    opsOf: db.prepare(`${select} WHERE node = ? AND seq >= ? ORDER BY seq LIMIT ?`),
    newestAbout: db.prepare(`${select} WHERE entity = ? ORDER BY lamport DESC, node DESC, seq DESC LIMIT ?`),
    allAbout: db.prepare(`${select} WHERE entity = ?`),
    arrivals: db.prepare(`SELECT n, type, ${OP_COLUMNS} FROM op WHERE n > ? ORDER BY n LIMIT ?`),
    void: db.prepare(
      'INSERT INTO voided (n, node, seq, hash, header, body, sig) SELECT n, node, seq, hash, header, body, sig FROM op WHERE node = ? AND seq >= ?',
    ),
    remove: db.prepare('DELETE FROM op WHERE node = ? AND seq >= ?'),
  };
}
