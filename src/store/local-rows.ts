/** Rows that only this node knows: votes, proposals, starts. */
import type { DatabaseSync } from 'node:sqlite';
import type { LocalRow, LocalTable } from '#core/local.ts';
import { textCell } from './cells.ts';

export class LocalRows {
  private readonly statements: ReturnType<typeof prepare>;

  constructor(db: DatabaseSync) {
    this.statements = prepare(db);
  }

  /** Inside the store's transaction. */
  write({ table, key, value }: LocalRow): void {
    if (value === undefined) this.statements.remove.run(table, key);
    else this.statements.write.run(table, key, JSON.stringify(value));
  }

  get(table: LocalTable, key: string): unknown {
    const found = this.statements.get.get(table, key);
    return found === undefined ? undefined : JSON.parse(textCell(found, 'value'));
  }

  all(table: LocalTable): { key: string; value: unknown }[] {
    const found = this.statements.all.all(table);
    return found.map((row) => ({ key: textCell(row, 'key'), value: JSON.parse(textCell(row, 'value')) }));
  }
}

function prepare(db: DatabaseSync) {
  return {
    write: db.prepare('INSERT OR REPLACE INTO local (name, key, value) VALUES (?, ?, ?)'),
    remove: db.prepare('DELETE FROM local WHERE name = ? AND key = ?'),
    get: db.prepare('SELECT value FROM local WHERE name = ? AND key = ?'),
    all: db.prepare('SELECT key, value FROM local WHERE name = ? ORDER BY key'),
  };
}
