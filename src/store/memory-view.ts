/** A view's rows in a Map, with the answers a SQLite table gives. */
import type { Column, Query, ViewSpec } from '#core/view/view.ts';
import { checkColumns, checkQuery } from './query.ts';
import type { ViewTable } from './view-set.ts';

type Entry<Row> = { key: string; row: Row; columns: Record<string, Column> };

export class MemoryView<Row> implements ViewTable<Row> {
  readonly spec: ViewSpec<Row>;
  private readonly entries = new Map<string, Entry<Row>>();

  constructor(spec: ViewSpec<Row>) {
    this.spec = spec;
  }

  read(key: string): Row | undefined {
    return this.entries.get(key)?.row;
  }

  write(key: string, row: Row | undefined): void {
    if (row === undefined) this.entries.delete(key);
    else this.entries.set(key, { key, row, columns: this.spec.columns(row) });
  }

  list(query: Query): Row[] {
    checkQuery(this.spec, query);
    const from = query.offset ?? 0;
    return this.matching(query.where ?? {})
      .toSorted((a, b) => compareEntries(a, b, query.order ?? []))
      .slice(from, from + query.limit)
      .map((entry) => entry.row);
  }

  count(where: NonNullable<Query['where']>): number {
    checkColumns(this.spec, Object.keys(where));
    return this.matching(where).length;
  }

  *rows(): Generator<readonly [string, Row]> {
    for (const entry of [...this.entries.values()].toSorted((a, b) => compareText(a.key, b.key))) {
      yield [entry.key, entry.row];
    }
  }

  private matching(where: NonNullable<Query['where']>): Entry<Row>[] {
    const wanted = Object.entries(where);
    const found: Entry<Row>[] = [];
    for (const entry of this.entries.values())
      if (wanted.every(([name, value]) => entry.columns[name] === value)) found.push(entry);
    return found;
  }
}

function compareEntries<Row>(a: Entry<Row>, b: Entry<Row>, order: NonNullable<Query['order']>): number {
  for (const [column, direction] of order) {
    const compared = compareColumns(a.columns[column] ?? null, b.columns[column] ?? null);
    if (compared !== 0) return direction === 'asc' ? compared : -compared;
  }
  return compareText(a.key, b.key);
}

/** As SQLite orders: null, then numbers, then texts. */
function compareColumns(a: Column, b: Column): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  return rank(a) - rank(b);
}

const rank = (value: Column): number => (value === null ? 0 : typeof value === 'number' ? 1 : 2);

/** By code point, which is the order of the UTF-8 bytes; `<` compares UTF-16 units, and puts surrogates too early. */
function compareText(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const compared = weight(a.charCodeAt(at)) - weight(b.charCodeAt(at));
    if (compared !== 0) return compared;
  }
  return a.length - b.length;
}

const weight = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);
