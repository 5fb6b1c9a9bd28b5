/** A view as a table: the row as JSON, beside it the columns that queries name. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Column, IndexColumn, Query, ViewSpec } from '#core/view/view.ts';
import { numberCell, textCell } from './cells.ts';
import { checkColumns, checkQuery } from './query.ts';
import type { ViewTable } from './view-set.ts';

/** Shapes of queries come from code, so there are few; a caller that invents them must not fill the memory with statements. */
const STATEMENTS_MAX = 128;

const quoted = (name: string): string => `"${name}"`;

/** SQLite would keep a JavaScript number as a float of 9 bytes. */
const cellOf = (value: Column): SQLInputValue =>
  typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;

export class ViewRows<Row> implements ViewTable<Row> {
  readonly spec: ViewSpec<Row>;
  private readonly db: DatabaseSync;
  private readonly table: string;
  private readonly sql: ReturnType<typeof sqlOf>;
  private readonly statements = new Map<string, StatementSync>();

  /** Statements are prepared when first used, so the table need not exist yet. */
  constructor(db: DatabaseSync, spec: ViewSpec<Row>) {
    this.db = db;
    this.spec = spec;
    this.table = quoted(`view_${spec.name}`);
    this.sql = sqlOf(this.table, spec.columnNames);
  }

  /** An empty table in place of whatever was there, without indexes: rows come first. */
  create(): void {
    this.statements.clear();
    this.db.exec(`DROP TABLE IF EXISTS ${this.table}; ${this.sql.create}`);
  }

  /** Makes the indexes that are missing and drops those that the view no longer names. */
  createIndexes(): void {
    const wanted = new Map([
      ...this.spec.indexes.map((index) => this.indexSql(index)),
      ...this.spec.sparse.map((column) => this.sparseSql(column)),
    ]);
    const held = this.db.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql NOT NULL",
    );
    for (const name of held.all(`view_${this.spec.name}`).map((row) => textCell(row, 'name'))) {
      if (!wanted.delete(name)) this.db.exec(`DROP INDEX ${quoted(name)}`);
    }
    for (const sql of wanted.values()) this.db.exec(sql);
  }

  /** An index is named after its columns, so another list of columns is another index. */
  private indexSql(index: readonly IndexColumn[]): readonly [name: string, sql: string] {
    const columns = index.map((column) =>
      typeof column === 'string' ? { name: column, direction: 'asc' } : { name: column[0], direction: column[1] },
    );
    const name = `view_${this.spec.name}: ${columns.map((column) => `${column.name} ${column.direction}`).join(', ')}`;
    const list = columns.map((column) => `${quoted(column.name)} ${column.direction}`).join(', ');
    return [name, `CREATE INDEX ${quoted(name)} ON ${this.table} (${list})`];
  }

  private sparseSql(column: string): readonly [name: string, sql: string] {
    const name = `view_${this.spec.name}: ${column} not null`;
    const cell = quoted(column);
    return [name, `CREATE INDEX ${quoted(name)} ON ${this.table} (${cell}) WHERE ${cell} IS NOT NULL`];
  }

  read(key: string): Row | undefined {
    const found = this.statement(this.sql.read).get(key);
    return found === undefined ? undefined : this.parsed(textCell(found, 'row'));
  }

  write(key: string, row: Row | undefined, before: Row | undefined): void {
    if (row === undefined) {
      this.statement(this.sql.remove).run(key);
      return;
    }
    const text = JSON.stringify(row);
    const values = this.values(row);
    if (before === undefined) {
      this.statement(this.sql.insert).run(key, text, ...values);
    } else if (this.values(before).every((value, at) => value === values[at])) {
      // Most ops change no column: then no index is touched.
      this.statement(this.sql.updateRow).run(text, key);
    } else {
      this.statement(this.sql.update).run(text, ...values, key);
    }
  }

  list(query: Query): Row[] {
    checkQuery(this.spec, query);
    const order = [...(query.order ?? []).map(([column, direction]) => `${quoted(column)} ${direction}`), '"key"'];
    const where = query.where ?? {};
    const sql = `SELECT "row" FROM ${this.table}${whereSql(where)} ORDER BY ${order.join(', ')} LIMIT ? OFFSET ?`;
    const found = this.statement(sql).all(...boundBy(where), query.limit, query.offset ?? 0);
    return found.map((row) => this.parsed(textCell(row, 'row')));
  }

  count(where: NonNullable<Query['where']>): number {
    checkColumns(this.spec, Object.keys(where));
    const sql = `SELECT count(*) AS n FROM ${this.table}${whereSql(where)}`;
    return numberCell(this.statement(sql).get(...boundBy(where)) ?? {}, 'n');
  }

  *rows(): Generator<readonly [string, Row]> {
    for (const found of this.statement(this.sql.all).iterate()) {
      yield [textCell(found, 'key'), this.parsed(textCell(found, 'row'))];
    }
  }

  private values(row: Row): SQLInputValue[] {
    const columns = this.spec.columns(row);
    return this.spec.columnNames.map((name) => cellOf(columns[name] ?? null));
  }

  /** Only this store writes these rows, in the shape of the view's version. */
  private parsed(text: string): Row {
    return JSON.parse(text);
  }

  private statement(sql: string): StatementSync {
    const held = this.statements.get(sql);
    if (held !== undefined) return held;
    if (this.statements.size >= STATEMENTS_MAX) this.statements.clear();
    const made = this.db.prepare(sql);
    this.statements.set(sql, made);
    return made;
  }
}

function sqlOf(table: string, columnNames: readonly string[]) {
  const columns = columnNames.map(quoted);
  const names = ['"key"', '"row"', ...columns];
  return {
    create: `CREATE TABLE ${table} (${['"key" TEXT PRIMARY KEY', '"row" TEXT NOT NULL', ...columns].join(', ')})`,
    read: `SELECT "row" FROM ${table} WHERE "key" = ?`,
    insert: `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    update: `UPDATE ${table} SET ${['"row"', ...columns].map((name) => `${name} = ?`).join(', ')} WHERE "key" = ?`,
    updateRow: `UPDATE ${table} SET "row" = ? WHERE "key" = ?`,
    remove: `DELETE FROM ${table} WHERE "key" = ?`,
    all: `SELECT "key", "row" FROM ${table} ORDER BY "key"`,
  };
}

/** `= ?` says that the column is not null, as a sparse index wants to hear. */
function whereSql(where: NonNullable<Query['where']>): string {
  const terms = Object.entries(where).map(([name, value]) => `${quoted(name)} ${value === null ? 'IS NULL' : '= ?'}`);
  return terms.length === 0 ? '' : ` WHERE ${terms.join(' AND ')}`;
}

/** The values that {@link whereSql} leaves open. */
const boundBy = (where: NonNullable<Query['where']>): SQLInputValue[] =>
  Object.values(where).flatMap((value) => (value === null ? [] : [value]));
