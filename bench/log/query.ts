/** Asks a short log and a long one the same questions, in turns, and gives the median time of each. */
import { join } from 'node:path';
import { quantile } from '../figures.ts';
import { inputOf } from '../load/window.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';

const TIMES = 2_000;
const PAGE = 50;

const input = inputOf<{ shortDir: string; longDir: string }>();

/** Opens a log and reads which tasks there are, so that single ones can be asked for at random. */
async function opened(dir: string) {
  const began = performance.now();
  const store = await SqliteStore.open(join(dir, 'skep.db'));
  const openMs = performance.now() - began;
  const keys = store.list('task', { limit: 1_000_000 }).map((row) => row.id);
  const list = (): number =>
    store.list('task', {
      where: { status: 'pending' },
      order: [
        ['priority', 'desc'],
        ['created', 'asc'],
      ],
      limit: PAGE,
    }).length;
  const get = (): number =>
    store.get('task', keys[Math.floor(Math.random() * keys.length)] ?? '') === undefined ? 0 : 1;
  return { store, openMs, list, get };
}

function timed(ask: () => number, expected: number): number {
  const began = performance.now();
  if (ask() !== expected) throw new Error('the log does not hold what was asked for');
  return (performance.now() - began) * 1000;
}

const [short, long] = [await opened(input.shortDir), await opened(input.longDir)];
const times = {
  shortList: Array<number>(),
  longList: Array<number>(),
  shortGet: Array<number>(),
  longGet: Array<number>(),
};
for (let n = 0; n < TIMES; n++) {
  times.shortList.push(timed(short.list, PAGE));
  times.longList.push(timed(long.list, PAGE));
  times.shortGet.push(timed(short.get, 1));
  times.longGet.push(timed(long.get, 1));
}
await short.store.close();
await long.store.close();
const medians = Object.entries(times).map(([name, values]) => [`${name}Us`, quantile(values, 0.5)]);
process.stdout.write(`${JSON.stringify({ done: true, openMs: long.openMs, ...Object.fromEntries(medians) })}\n`);
