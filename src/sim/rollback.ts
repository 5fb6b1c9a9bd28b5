/** A disk that goes back in time: a snapshot of the machine is put back, or a copy of its data directory. */
import type { OpId } from '#core/brand.ts';
import type { LocalTable } from '#core/local.ts';
import type { Op } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { MemoryOptions, MemoryStore } from '#store/memory.ts';

const TABLES: readonly LocalTable[] = ['vote', 'proposal', 'start', 'meta', 'lease'];

/** All that is on that disk now, on one of its own. */
export function copyOfDisk(
  from: MemoryStore,
  make: (options: MemoryOptions) => MemoryStore,
  o: MemoryOptions,
): MemoryStore {
  const copy = make({ ...o, commitWhen: (run) => run() });
  const ops = from.arrivals({ after: 0, limit: Number.MAX_SAFE_INTEGER }).map(({ op }) => op);
  const rows = TABLES.flatMap((table) => from.localRows(table).map((row) => ({ table, ...row })));
  void copy.commit({ ops, rows });
  return copy;
}

/** Ops that were on the newer disk alone: no other machine can give them back. */
export function lostWith(disks: { newer: MemoryStore; older: MemoryStore; others: readonly MemoryStore[] }): OpId[] {
  const held = (store: MemoryStore, { header }: Op): boolean =>
    (store.heads().get(header.node)?.seq ?? 0) >= header.seq;
  return disks.newer
    .arrivals({ after: 0, limit: Number.MAX_SAFE_INTEGER })
    .flatMap(({ op }) => (held(disks.older, op) || disks.others.some((store) => held(store, op)) ? [] : [opId(op)]));
}
