/** The store alone: commits of one op each, so many in one turn of the event loop, in one process without any door. */
import type { Report } from './figures.ts';
import { SeriesBook } from './figures.ts';
import { installedVersion } from './installed.ts';
import type { Stage } from './stage.ts';
import { syncCostMs } from './stage.ts';

const TURNS = [1, 64, 512];
const KINDS = ['posts', 'tasks', 'lives of tasks'];

export async function store(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  for (let round = 1; round <= stage.rounds; round++) {
    for (const kind of KINDS) {
      for (const perTurn of TURNS) {
        const cell = `${kind}, ${perTurn} a turn`;
        const figures = await stage.run('log/commit.ts', { dir: stage.dir, kind, perTurn });
        const { opsPerSecond = Number.NaN, cpuUsPerOp = Number.NaN } = figures;
        book.add(cell, 'ops/s', opsPerSecond);
        book.add(`${cell}, CPU`, 'µs/op', cpuUsPerOp);
        stage.say(
          `round ${round}: ${cell}: ${Math.round(opsPerSecond)} ops/s, ${cpuUsPerOp.toFixed(1)} µs of CPU an op`,
        );
      }
    }
    book.add('fdatasync of 4 KB', 'ms', syncCostMs(stage.dir));
  }
  return {
    name: 'store',
    about:
      'SqliteStore.commit alone, ops made beforehand: log, head, views and cursor in one transaction a turn, with one fsync. A life of a task is created, claimed, granted, started, ended. It shows what the store costs of what the other benches measure; nothing is promised of it.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [],
    versions: { zod: installedVersion('zod') },
    missing: [],
    notes: [],
  };
}
