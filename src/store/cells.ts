/** Reading cells of SQLite rows with their types: a cell of another type means that somebody else wrote the file. */
import type { SQLOutputValue } from 'node:sqlite';
import { StoreError } from './errors.ts';

export type SqlRow = Readonly<Record<string, SQLOutputValue>>;

export function textCell(row: SqlRow, name: string): string {
  const value = row[name];
  if (typeof value === 'string') return value;
  throw new StoreError(
    'store_damaged',
    `column ${name}: expected a text, got ${value === null ? 'null' : typeof value}`,
  );
}

export function numberCell(row: SqlRow, name: string): number {
  const value = row[name];
  if (typeof value === 'number') return value;
  throw new StoreError(
    'store_damaged',
    `column ${name}: expected a number, got ${value === null ? 'null' : typeof value}`,
  );
}

export const nullableTextCell = (row: SqlRow, name: string): string | undefined =>
  row[name] === null ? undefined : textCell(row, name);

export function bytesCell(row: SqlRow, name: string): Uint8Array {
  const value = row[name];
  if (value instanceof Uint8Array) return value;
  throw new StoreError(
    'store_damaged',
    `column ${name}: expected bytes, got ${value === null ? 'null' : typeof value}`,
  );
}
