/**
 * A view is a table of rows folded from ops. Folds are commutative and idempotent: any order of arrival and any repetition of the same ops
 * give the same row, because each field is set once, is a set, or keeps the value with the highest stamp.
 */
import type { KnownOp } from '../op.ts';
import type { BodyType } from '../schema/body.ts';

/** Values a store can index and compare. */
export type Column = string | number | null;

export type ViewSpec<Row> = {
  name: ViewName;
  /** Raised when the fold changes: the store then folds this view anew from the log, as it does when `columnNames` changed. */
  version: number;
  /** The op types this view folds; others never reach it. */
  types: readonly BodyType[];
  /** Which row an op changes. */
  key(op: KnownOp): string;
  /** The row after the op; `row` is undefined for the first op seen of this key. Never changes `row` in place. */
  fold(row: Row | undefined, op: KnownOp): Row;
  /** Names of all columns: a store makes its table before the first row. */
  columnNames: readonly string[];
  /** Indexed values of a row: one for each of `columnNames`. */
  columns(row: Row): Record<string, Column>;
  /** Indexes, each a list of columns in the order in which queries ask for them. */
  indexes: readonly (readonly IndexColumn[])[];
  /** Columns that few rows have: each gets an index of the rows where it is not null, which costs the others nothing. */
  sparse: readonly string[];
};

/** Ascending unless it says so: an order that mixes directions is only read from an index that mixes them alike. */
export type IndexColumn = string | readonly [column: string, direction: 'desc'];

export type ViewName =
  | 'node'
  | 'agent'
  | 'project'
  | 'task'
  | 'post'
  | 'usage'
  | 'approval'
  | 'rule'
  | 'cap'
  | 'message'
  | 'channel'
  | 'member'
  | 'identity'
  | 'invite'
  | 'cursor'
  | 'skill'
  | 'proposal'
  | 'merge'
  | 'file';

/** One page of a view. Rows compare by `order`, then by key (ascending), so a page is the same however it was reached. */
export type Query = {
  where?: Readonly<Record<string, Column>>;
  order?: readonly (readonly [column: string, direction: 'asc' | 'desc'])[];
  limit: number;
  offset?: number;
};
