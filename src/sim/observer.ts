/** Where an outside observer stands at a node: before each write, and behind each commit. */
import type { NodeId } from '#core/brand.ts';
import type { Arrival } from '#ports.ts';
import type { MemoryStore } from '#store/memory.ts';
import { checkClaims } from './checks.ts';
import type { History } from './history.ts';

type Observed = { history: History; self: NodeId; store: MemoryStore };

/** The store as the turn loop uses it, seen by the observer before each write. */
export const watchedStore = ({ history, self, store }: Observed): Pick<MemoryStore, 'commit' | 'truncateLog'> => ({
  commit: (write) => {
    history.writing(self, write, store);
    return store.commit(write);
  },
  truncateLog: (node, seq) => store.truncateLog(node, seq),
});

/** What the node tells of, once it is on disk. */
export function sawArrivals(o: Observed & { arrivals: readonly Arrival[] }): void {
  const { history, self, store, arrivals } = o;
  history.committed(self, arrivals);
  checkClaims(o);
  for (const { op } of arrivals) {
    const row = op.body.type === 'task.ended' ? store.get('task', op.header.entity) : undefined;
    if (row !== undefined) history.shown(self, row);
  }
}
