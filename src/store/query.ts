/** What both stores ask of a query before they answer it. */
import type { Query, ViewSpec } from '#core/view/view.ts';
import { StoreError } from './errors.ts';

/** Throws for a column the view does not have and for a page without bounds: both are bugs of the caller. */
export function checkQuery(spec: Pick<ViewSpec<never>, 'name' | 'columnNames'>, query: Query): void {
  checkColumns(spec, Object.keys(query.where ?? {}));
  checkColumns(
    spec,
    (query.order ?? []).map(([column]) => column),
  );
  for (const bound of [query.limit, query.offset ?? 0]) {
    if (!Number.isSafeInteger(bound) || bound < 0) {
      throw new StoreError('bad_query', `view ${spec.name}: limit and offset are whole numbers from 0, got ${bound}`);
    }
  }
}

export function checkColumns(spec: Pick<ViewSpec<never>, 'name' | 'columnNames'>, columns: readonly string[]): void {
  for (const column of columns) {
    if (spec.columnNames.includes(column)) continue;
    const known = spec.columnNames.join(', ');
    throw new StoreError('bad_query', `view ${spec.name} has no column "${column}"; it has ${known}`);
  }
}
