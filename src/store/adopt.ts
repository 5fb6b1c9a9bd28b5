/** Makes a copied SQLite file the store of a new node: nothing in it may let that node vote, start or append as the old one did. */
import { z } from 'zod';
import type { NodeId } from '#core/brand.ts';
import { nodeIdSchema } from '#core/schema/ids.ts';
import type { OpStore } from '#ports.ts';
import { openDatabase } from './database.ts';
import { HeadLedger } from './head-ledger.ts';
import { OpLog } from './op-log.ts';
import { migrate } from './schema.ts';
import { LocalRows } from './local-rows.ts';

/** Key of the row of `meta` that says whose backup a store was made from. */
const ADOPTED = 'restored';

const adoptedSchema = z.object({
  /** Whose backup this store was made from, and how much of its log that held. */
  old: nodeIdSchema,
  lastSeq: z.number().int().nonnegative(),
  /** For whom it was made. */
  node: nodeIdSchema,
});
export type Adopted = z.output<typeof adoptedSchema>;

/**
 * Drops every row that only the old node could know (votes, proposals, starts, whom it met) and writes down for whom the store is now. Ops and
 * views stay: the old node's log is one author's log among others. All in one transaction; durable when this returns. Throws a StoreError:
 * `store_newer` for the file of a newer skep, `store_locked`.
 */
export function adoptDatabase(
  path: string,
  o: { old: NodeId; node: NodeId },
): Adopted & { heads: Map<NodeId, number> } {
  const db = openDatabase(path, undefined);
  try {
    migrate(db);
    const held = new HeadLedger(new OpLog(db).heads()).heads();
    const heads = new Map([...held].map(([node, { seq }]) => [node, seq]));
    const adopted: Adopted = { ...o, lastSeq: heads.get(o.old) ?? 0 };
    const rows = new LocalRows(db);
    db.exec('BEGIN IMMEDIATE; DELETE FROM local');
    rows.write({ table: 'meta', key: ADOPTED, value: adopted });
    db.exec('COMMIT');
    return { ...adopted, heads };
  } finally {
    db.close();
  }
}

/** Undefined for a store that began empty. */
export function readAdopted(store: Pick<OpStore, 'localRow'>): Adopted | undefined {
  const row = store.localRow('meta', ADOPTED);
  return row === undefined ? undefined : adoptedSchema.parse(row);
}
