/** Looking for messages in a million of them: how long each kind of query takes, beside a scan by LIKE in the same file, and what the index costs. */
import type { Report } from './figures.ts';
import { judge, SeriesBook } from './figures.ts';
import { installedVersion } from './installed.ts';
import type { Stage } from './stage.ts';

const MESSAGES = 1_000_000;
const OWN = new Set(['done', 'worstMs', 'slowestMs', 'likeMs']);

export async function search(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  const { dir } = stage;
  stage.say(`making ${MESSAGES} messages`);
  const { cpuUsPerOp = Number.NaN } = await stage.run('log/messages.ts', { dir, messages: MESSAGES });
  stage.say('making the index');
  const made = await stage.run('log/search-index.ts', { dir });
  for (let round = 1; round <= stage.rounds; round++) {
    const figures = await stage.run('log/search.ts', { dir });
    const of = (key: string): number => figures[key] ?? Number.NaN;
    for (const [kind, ms] of Object.entries(figures)) if (!OWN.has(kind)) book.add(kind, 'ms', ms);
    book.add('the slowest kind', 'ms', of('worstMs'));
    book.add('the slowest single search of any kind', 'ms', of('slowestMs'));
    book.add('a rare word by LIKE', 'ms', of('likeMs'));
    book.add('a rare word by LIKE / by the index', '×', of('likeMs') / of('a rare word'));
    stage.say(`round ${round}: the slowest kind ${of('worstMs').toFixed(1)} ms, LIKE ${of('likeMs').toFixed(0)} ms`);
  }
  const shown = (key: string): string => (made[key] ?? Number.NaN).toFixed(key.endsWith('Ms') ? 1 : 0);
  return {
    name: 'search',
    about:
      'A million messages of 200 speakers, 60 of a hundred in 40 open channels, 15 in ten by invitation, 25 to single agents, of 8 to 30 words each. A kind is the median of nine searches for the first 20, in the process of the store, with rights, snippets and rows. LIKE: the same file, the column that holds the message, newest first.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judge('the slowest of all kinds of searches in 1 M messages', 'ms', book.need('the slowest kind').values, {
        atMost: 100,
      }),
      judge('a rare word: LIKE / the index', '×', book.need('a rare word by LIKE / by the index').values, {
        atLeast: 100,
      }),
    ],
    versions: { node: process.version, zod: installedVersion('zod') },
    missing: [],
    notes: [
      `The index of 1 M messages is made in ${shown('buildS')} s (${shown('buildCpuS')} s of CPU), in steps: nothing else waited longer than ${shown('longestMs')} ms. It has ${shown('indexMb')} MB beside the ${shown('storeMb')} MB of the store. The store opens in ${shown('openBeforeMs')} ms without and ${shown('openAfterMs')} ms with it. A message costs ${cpuUsPerOp.toFixed(0)} µs of CPU to commit, in batches of 200; the index adds nothing to that.`,
    ],
  };
}
