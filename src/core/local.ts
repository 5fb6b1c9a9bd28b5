/** Rows that only this node knows: in the same file and group commit as the ops, never replicated. */
export type LocalTable = 'vote' | 'proposal' | 'start' | 'meta' | 'lease';

/** `value` undefined removes the row. */
export type LocalRow = { table: LocalTable; key: string; value: unknown };
