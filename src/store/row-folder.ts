/** Folds the ops of one transaction into the rows of one view: each row is read once and written once. */
import type { KnownOp, Op } from '#core/op.ts';
import { isKnown } from '#core/op.ts';
import type { BodyType } from '#core/schema/body.ts';
import type { ViewSpec } from '#core/view/view.ts';
import { RowCache } from './row-cache.ts';

/** Where a view's rows lie. */
export interface RowTable<Row> {
  readonly spec: ViewSpec<Row>;
  read(key: string): Row | undefined;
  /** `row` undefined removes it; `before` is what `read` gave. */
  write(key: string, row: Row | undefined, before: Row | undefined): void;
}

/** Ops to fold anew from, without those that no longer count. */
export type OpSource = { about(entity: string): Iterable<Op>; ofTypes(types: readonly BodyType[]): Iterable<Op> };

type Entry<Row> = { before: Row | undefined; row: Row | undefined };

export class RowFolder<Row> {
  private readonly table: RowTable<Row>;
  private readonly types: ReadonlySet<string>;
  private entries = new Map<string, Entry<Row>>();
  private readonly held = new RowCache<Row>();

  constructor(table: RowTable<Row>) {
    this.table = table;
    this.types = new Set(table.spec.types);
  }

  fold(op: KnownOp): void {
    const { spec } = this.table;
    const entry = this.entry(spec.key(op));
    entry.row = spec.fold(entry.row, op);
  }

  /**
   * Makes the rows that `voided` ops touched anew from the ops that still count. A row named after the entity of its ops is made from that
   * entity's ops; any other row from all ops of the view's types.
   */
  retract(voided: readonly KnownOp[], source: OpSource): void {
    const { spec } = this.table;
    const entities = new Set<string>();
    const others = new Set<string>();
    for (const op of voided) {
      if (!this.types.has(op.body.type)) continue;
      const key = spec.key(op);
      this.entry(key).row = undefined;
      (key === op.header.entity ? entities : others).add(key);
    }
    for (const key of entities) this.foldAll(source.about(key), (found) => found === key);
    if (others.size > 0) this.foldAll(source.ofTypes(spec.types), (found) => others.has(found));
  }

  /** Writes the rows that changed. */
  write(): void {
    for (const [key, { row, before }] of this.entries) {
      if (row === before) continue;
      this.table.write(key, row, before);
      this.held.set(key, row);
    }
    this.entries = new Map();
  }

  /** The row as committed. It is shared: nobody may change it. */
  read(key: string): Row | undefined {
    const held = this.held.get(key);
    if (held !== undefined) return held;
    const row = this.table.read(key);
    this.held.set(key, row);
    return row;
  }

  /** What was written last has not been committed. */
  forget(): void {
    this.held.clear();
  }

  private foldAll(ops: Iterable<Op>, wanted: (key: string) => boolean): void {
    for (const op of ops) {
      if (isKnown(op) && this.types.has(op.body.type) && wanted(this.table.spec.key(op))) this.fold(op);
    }
  }

  private entry(key: string): Entry<Row> {
    const held = this.entries.get(key);
    if (held !== undefined) return held;
    const before = this.read(key);
    const entry = { before, row: before };
    this.entries.set(key, entry);
    return entry;
  }
}
