/** Sealed runs in the file: found by log, by place in the order of arrival, and by what they speak of. All inside the store's transaction. */
import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { NodeId } from '#core/brand.ts';
import { hashOf } from '#core/brand.ts';
import type { SqlRow } from './cells.ts';
import { bytesCell, numberCell, textCell } from './cells.ts';
import type { Entry } from './run.ts';
import { placeOf, readRun, writeRun } from './run.ts';

/** Runs kept as they were last read: pages and single ops of one log follow one another. At most some 450 KB each. */
const HELD_MAX = 8;
/** An entity is found by so many bits of its hash: runs that are looked into in vain are rare, and the index is small. */
const KEY_BYTES = 6;

const crypto = { sha256: (text: string) => hashOf(hash('sha256', text)) };
const keyOf = (entity: string): number => Buffer.from(hash('sha256', entity), 'hex').readUIntBE(0, KEY_BYTES);

const keysOf = (entries: readonly Entry[]): Set<number> => new Set(entries.map(({ op }) => keyOf(op.header.entity)));

export class RunTable {
  private readonly statements: ReturnType<typeof prepare>;
  private readonly held = new Map<number, Entry[]>();
  /** The number of the last sealed op of each log. */
  private lasts = new Map<string, number>();
  private sealedOps = 0;
  private lastN = 0;

  constructor(db: DatabaseSync) {
    this.statements = prepare(db);
    this.look();
  }

  /** Ops in all runs. */
  count(): number {
    return this.sealedOps;
  }

  /** The number of the last sealed op of a log; 0 where none is. */
  lastOf(node: NodeId): number {
    return this.lasts.get(node) ?? 0;
  }

  /** The last arrival in any run. */
  lastArrival(): number {
    return this.lastN;
  }

  /** False, and nothing changed, where the run would not give back the same texts. */
  add(entries: readonly Entry[]): boolean {
    const place = placeOf(entries);
    if (place === undefined) return false;
    const text = writeRun(entries);
    if (!isSame(entries, readRun(text, crypto))) return false;
    const types = ` ${[...new Set(entries.map(({ type }) => type))].join(' ')} `;
    const { node, first, last, firstN, lastN } = place;
    const { lastInsertRowid } = this.statements.add.run(
      node,
      first,
      last,
      firstN,
      lastN,
      types,
      zstdCompressSync(Buffer.from(text)),
    );
    for (const key of keysOf(entries)) this.statements.addEntity.run(key, lastInsertRowid);
    this.lasts.set(node, last);
    this.lastN = Math.max(this.lastN, lastN);
    this.sealedOps += entries.length;
    return true;
  }

  /** Ops of one log from a number on, run by run. */
  *of(node: NodeId, from: number): Generator<Entry> {
    for (const row of this.statements.of.iterate(node, from)) {
      for (const entry of this.read(row)) if (entry.op.header.seq >= from) yield entry;
    }
  }

  *about(entity: string): Generator<Entry> {
    for (const row of this.statements.about.iterate(keyOf(entity))) {
      for (const entry of this.read(row)) if (entry.op.header.entity === entity) yield entry;
    }
  }

  /** All whose type is one of these; runs without any are passed over. */
  *ofTypes(types: readonly string[]): Generator<Entry> {
    const wanted = new Set(types);
    for (const row of this.statements.all.all()) {
      if (!types.some((type) => textCell(row, 'types').includes(` ${type} `))) continue;
      for (const entry of this.read(this.statements.one.get(numberCell(row, 'id')) ?? {}))
        if (wanted.has(entry.type)) yield entry;
    }
  }

  /** Of runs after `afterRun` that hold this type, the entries that arrived after `after`; runs until they are `atLeast` so many. `last`: the run up to which that is all. */
  newerOf(o: RunsAsked & { atLeast: number }): { entries: Entry[]; last: number } {
    const entries: Entry[] = [];
    for (const row of this.statements.newerOf.iterate(o.afterRun, o.after, `% ${o.type} %`)) {
      entries.push(...this.read(row).filter(({ n, type }) => n > o.after && type === o.type));
      if (entries.length >= o.atLeast) return { entries, last: numberCell(row, 'id') };
    }
    return { entries, last: numberCell(this.statements.lastRun.get() ?? {}, 'id') };
  }

  /** How many ops the runs of {@link newerOf} hold, of all types. */
  countNewerOf(o: RunsAsked): number {
    return numberCell(this.statements.countNewerOf.get(o.afterRun, o.after, `% ${o.type} %`) ?? {}, 'ops');
  }

  /** Run by run, each in its own order: those that have an arrival after `n`. */
  *runsAfter(n: number): Generator<Entry[]> {
    const ids = this.statements.after.all(n).map((row) => numberCell(row, 'id'));
    for (const id of ids) yield this.read(this.statements.one.get(id) ?? {}).filter((entry) => entry.n > n);
  }

  /** The first `limit` arrivals after `n`, in order. */
  arrivals(n: number, limit: number): Entry[] {
    let found: Entry[] = [];
    for (const row of this.statements.after.all(n)) {
      // Runs come by their first arrival: what this one and all later ones hold comes after what was found.
      if (found.length >= limit && numberCell(row, 'first_n') > (found[limit - 1]?.n ?? 0)) break;
      const run = this.read(this.statements.one.get(numberCell(row, 'id')) ?? {});
      found = [...found, ...run.filter((entry) => entry.n > n)].toSorted((a, b) => a.n - b.n).slice(0, limit);
    }
    return found;
  }

  /** Takes out the runs of a log that hold `seq` or come after it, and gives their ops. */
  takeFrom(node: NodeId, seq: number): Entry[] {
    const taken: Entry[] = [];
    for (const row of this.statements.of.all(node, seq)) {
      const id = numberCell(row, 'id');
      const entries = this.read(row);
      for (const key of keysOf(entries)) this.statements.removeEntity.run(key, id);
      this.statements.remove.run(id);
      this.held.delete(id);
      taken.push(...entries);
    }
    this.look();
    return taken;
  }

  /** What was written last has not been committed. */
  forget(): void {
    this.held.clear();
    this.look();
  }

  private look(): void {
    const rows = this.statements.lasts.all();
    this.lasts = new Map(rows.map((row) => [textCell(row, 'node'), numberCell(row, 'last')]));
    this.sealedOps = rows.reduce((sum, row) => sum + numberCell(row, 'ops'), 0);
    this.lastN = Math.max(0, ...rows.map((row) => numberCell(row, 'last_n')));
  }

  private read(row: SqlRow): Entry[] {
    const id = numberCell(row, 'id');
    const held = this.held.get(id);
    if (held !== undefined) return held;
    const entries = readRun(zstdDecompressSync(bytesCell(row, 'data')).toString(), crypto);
    for (const old of this.held.keys()) if (this.held.size >= HELD_MAX) this.held.delete(old);
    this.held.set(id, entries);
    return entries;
  }
}

/** Runs that were written after a run, and hold ops of a type that arrived after a place. */
export type RunsAsked = { type: string; after: number; afterRun: number };

const isSame = (entries: readonly Entry[], read: readonly Entry[]): boolean =>
  entries.length === read.length &&
  entries.every(({ n, type, op }, at) => {
    const other = read[at];
    if (other === undefined || other.n !== n || other.type !== type) return false;
    return other.op.headerText === op.headerText && other.op.bodyText === op.bodyText && other.op.hash === op.hash;
  });

function prepare(db: DatabaseSync) {
  return {
    lasts: db.prepare(
      'SELECT node, max(last) AS last, max(last_n) AS last_n, sum(last - first + 1) AS ops FROM run GROUP BY node',
    ),
    add: db.prepare('INSERT INTO run (node, first, last, first_n, last_n, types, data) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    addEntity: db.prepare('INSERT INTO run_entity (entity, run) VALUES (?, ?)'),
    of: db.prepare('SELECT id, data FROM run WHERE node = ? AND last >= ? ORDER BY last'),
    about: db.prepare('SELECT id, data FROM run WHERE id IN (SELECT run FROM run_entity WHERE entity = ?) ORDER BY id'),
    all: db.prepare('SELECT id, types FROM run ORDER BY id'),
    one: db.prepare('SELECT id, data FROM run WHERE id = ?'),
    after: db.prepare('SELECT id, first_n FROM run WHERE last_n > ? ORDER BY first_n, id'),
    newerOf: db.prepare('SELECT id, data FROM run WHERE id > ? AND last_n > ? AND types LIKE ? ORDER BY id'),
    countNewerOf: db.prepare(
      'SELECT ifnull(sum(last - first + 1), 0) AS ops FROM run WHERE id > ? AND last_n > ? AND types LIKE ?',
    ),
    lastRun: db.prepare('SELECT ifnull(max(id), 0) AS id FROM run'),
    remove: db.prepare('DELETE FROM run WHERE id = ?'),
    removeEntity: db.prepare('DELETE FROM run_entity WHERE entity = ? AND run = ?'),
  };
}
