/** Makes the index of a store by searching in it, and says how long that took, how large it is, and what it costs at the next start. */
import { join } from 'node:path';
import { parseSearch } from '../../src/core/search/query.ts';
import { searchMessages } from '../../src/core/search/search.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { inputOf } from '../load/window.ts';

const input = inputOf<{ dir: string }>();
const path = join(input.dir, 'skep.db');

async function opened(): Promise<{ store: SqliteStore; ms: number }> {
  const began = performance.now();
  const store = await SqliteStore.open(path);
  return { store, ms: performance.now() - began };
}

const before = await opened();
const bytesBefore = before.store.sizeBytes();
const query = parseSearch('nowhere');
if ('refused' in query) throw new Error(query.message);
const asked = { query, from: undefined, channel: undefined, reader: 'operator', sort: 'newest', limit: 20 } as const;

/** The longest that anything else had to wait. */
let [longestMs, ticked] = [0, performance.now()];
const ticks = setInterval(() => {
  const now = performance.now();
  longestMs = Math.max(longestMs, now - ticked);
  ticked = now;
}, 1);
const cpuBegan = process.cpuUsage();
const began = performance.now();
for (let left = 1; left > 0;) {
  ({ left } = await searchMessages(before.store, { ...asked, cursor: undefined }));
  process.stderr.write(`${left} ops left\n`);
}
const spent = process.cpuUsage(cpuBegan);
const buildS = (performance.now() - began) / 1_000;
clearInterval(ticks);
const indexMb = (before.store.sizeBytes() - bytesBefore) / 1e6;
await before.store.close();
const after = await opened();
await after.store.close();
process.stdout.write(
  `${JSON.stringify({
    done: true,
    buildS,
    buildCpuS: (spent.user + spent.system) / 1e6,
    longestMs,
    storeMb: bytesBefore / 1e6,
    indexMb,
    openBeforeMs: before.ms,
    openAfterMs: after.ms,
  })}\n`,
);
