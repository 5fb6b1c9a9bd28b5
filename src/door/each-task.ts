/** Walks through many tasks without keeping others waiting. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Door } from './door.ts';
import type { KnownTask } from './json/task.ts';
import { isKnownTask } from './json/task.ts';

/** Rows between two turns of the event loop: others wait some milliseconds at most. */
const PAGE = 250;

type Walk = {
  open: 0 | 1;
  /** Rows looked at, at most. */
  max: number;
  door: Door;
  /** True: it has seen enough. */
  look: (row: KnownTask) => boolean;
};

/** The newest first, each once. Resolves with true when there are more than were looked at. */
export async function eachTask({ open, max, door, look }: Walk): Promise<boolean> {
  const seen = new Set<string>();
  for (let offset = 0; offset < max; offset += PAGE) {
    const page = door.node.store.list('task', { where: { open }, order: [['created', 'desc']], limit: PAGE, offset });
    // While the pages are read, tasks come and end: what was on the last page may be on this one again.
    for (const row of page.filter(isKnownTask)) if (seen.size !== seen.add(row.id).size && look(row)) return true;
    if (page.length < PAGE) return false;
    await turn();
  }
  return true;
}
