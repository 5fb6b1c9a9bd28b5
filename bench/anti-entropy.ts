/** Repair of a long log: what two nodes say to each other until the one that lacks ten ops of a million has them, beside "everything since my maximum". */
import type { Report } from './figures.ts';
import { judge, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

const OPS = 1_000_000;

export async function antiEntropy(stage: Stage): Promise<Report> {
  stage.say(`making two logs of ${OPS} ops`);
  const figures = await stage.run('load/anti-entropy.ts', { dir: stage.dir, ops: OPS, rounds: stage.rounds });
  const book = new SeriesBook();
  const figure = (name: string): number => figures[name] ?? Number.NaN;
  for (let round = 1; round <= stage.rounds; round++) {
    book.add('bytes of the ten ops', 'bytes', figure(`ops${round}`));
    book.add('bytes besides them', 'bytes', figure(`besides${round}`));
    book.add('rounds', 'rounds', figure(`rounds${round}`));
    book.add('from the link to all ten on disk', 'ms', figure(`ms${round}`));
    book.add('bytes of a comparison in sync', 'bytes', figure(`inSync${round}`));
  }
  book.add('"since my maximum": found of ten', 'ops', figure('aboveFound'));
  book.add('"since my maximum": bytes', 'bytes', figure('aboveBytes'));
  book.add('"since 1 % below my maximum": found of ten', 'ops', figure('backFound'));
  book.add('"since 1 % below my maximum": bytes', 'bytes', figure('backBytes'));
  book.add('"everything": found of ten', 'ops', figure('allFound'));
  book.add('"everything": bytes', 'bytes', figure('allBytes'));
  const values = (name: string) => book.need(name).values;
  return {
    name: 'anti-entropy',
    about:
      'Two nodes with 1 M ops of twenty authors in SQLite; one lacks the newest op of each of ten authors who have been quiet since different ages of the log. They link over TLS. Counted is the JSON of all frames of the repair, in both directions, without the two texts and the signature of the ten ops; a round is a question of the node that lacks them. "Since" is the seed’s rule: everything above a Lamport stamp.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judge('bytes besides the ops', 'bytes', values('bytes besides them'), { atMost: 4096 }),
      judge('rounds', 'rounds', values('rounds'), { atMost: 2 }),
      judge('from the link to all ten on disk', 'ms', values('from the link to all ten on disk'), { atMost: 10 }),
      judge('bytes of a comparison in sync', 'bytes', values('bytes of a comparison in sync'), { atMost: 64 }),
    ],
    versions: {},
    missing: [],
    notes: [],
  };
}
