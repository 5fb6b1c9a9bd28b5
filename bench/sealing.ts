/** What a long log takes, and what is left of that when its old ops are sealed. */
import type { Report } from './figures.ts';
import { judge, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

const OPS = 1_000_000;
/** One op in a hundred stays as it came. */
const KEEP = 10_000;
/** It makes a million signatures, on whatever machine. */
const MAX_MS = 3_600_000;

export async function sealing(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  stage.say(`making and sealing a log of ${OPS} ops`);
  const figures = await stage.run('load/seal.ts', { dir: stage.dir, ops: OPS, keep: KEEP }, { maxMs: MAX_MS });
  const figure = (name: string): number => figures[name] ?? Number.NaN;
  const mb = (name: string): number => figure(name) / 1e6;
  book.add('ops', 'ops', figure('ops'));
  book.add('sealed', 'ops', figure('sealedOps'));
  book.add('log', 'MB', mb('logBytes'));
  book.add('log, sealed', 'MB', mb('sealedLogBytes'));
  book.add('log, sealed / plain', '%', (figure('sealedLogBytes') / figure('logBytes')) * 100);
  book.add('file with views', 'MB', mb('fileBytes'));
  book.add('file with views, sealed', 'MB', mb('sealedFileBytes'));
  book.add('sealing all of it', 's', figure('sealS'));
  book.add('longest transaction', 'ms', figure('longestMs'));
  book.add('all logs read and verified, sealed', 's', figure('readS'));
  book.add('all views folded anew, sealed', 's', figure('foldS'));
  return {
    name: 'sealing',
    about:
      'A log of 1 M ops of twenty authors in SQLite: tasks that one node creates, another works on and a third claims in vain, with texts of words as frequent as in a language, results with commits and bundles, posts; each op is a signed batch of its own. All but the newest 10,000 are sealed. "Log": the pages of the tables and indexes that hold ops. Afterwards every log is read page by page as a peer would get it: each text, each link of its chain, the signature at the end of each page and the head are checked; then all views are folded anew from nothing, and their digest must be the one from before. Once, not in rounds: the ratio is one of bytes.',
    rounds: 1,
    series: book.all(),
    verdicts: [judge('log, sealed / plain', '%', book.need('log, sealed / plain').values, { atMost: 20 })],
    versions: {},
    missing: [],
    notes: [],
  };
}
