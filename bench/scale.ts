/** Push along trees in a simulated swarm of a thousand: what each op costs, and how soon all have it, while links lose a share of all frames. */
import { hash } from 'node:crypto';
import { FULL_LINKS_MAX } from '../src/core/overlay.ts';
import { Spread } from '../src/sim/spread/spread.ts';
import type { Report } from './figures.ts';
import { judge, quantile, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

const NODES = 1_000;
/** As many as take some minutes, once. */
const MANY = 10_000;
const LOSSES = [0, 0.01, 0.05];
const MANY_LOSSES = [0, 0.05];
const KNOBS = { authors: 20, hopMs: 60, fullLinksMax: FULL_LINKS_MAX, deadShare: 0 };

type Cell = { seed: number; nodes: number; opsPerAuthor: number; lossProbability: number };

const nameOf = (loss: number, nodes = NODES): string =>
  `${loss === 0 ? 'no loss' : `${loss * 100} % loss`}${nodes === NODES ? '' : `, ${nodes} nodes`}`;

export async function scale(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  for (let seed = 1; seed <= stage.rounds; seed++) {
    for (const lossProbability of LOSSES)
      await spread(stage, book, { seed, nodes: NODES, opsPerAuthor: 5, lossProbability });
  }
  for (const lossProbability of MANY_LOSSES)
    await spread(stage, book, { seed: 1, nodes: MANY, opsPerAuthor: 1, lossProbability });
  const payloads = (loss: number) => book.need(`payload frames a node and op, ${nameOf(loss)}`).values;
  const coverages = [...LOSSES.map((loss) => nameOf(loss)), ...MANY_LOSSES.map((loss) => nameOf(loss, MANY))].flatMap(
    (name) => book.need(`coverage, ${name}`).values,
  );
  return {
    name: 'scale',
    about: `${NODES} simulated nodes: the real overlay, push and presence on links of 60 ms; 20 authors, 5 ops each after a first one. Heads are never compared, so coverage is what push alone brought. A round is one link; a seed a round of the bench. ${MANY} nodes: one seed, one op of each author after its first.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judge('payload frames a node and op, no loss', 'frames', payloads(0), { atMost: 1.1 }),
      judge('payload frames a node and op, 5 % loss', 'frames', payloads(0.05), { atMost: 1.5 }),
      judge('coverage, all', '%', coverages, { atLeast: 100 }),
    ],
    versions: {},
    missing: [],
    notes: ['Simulated: no sockets, no disks, no signatures. Real links lose no single frames.'],
  };
}

async function spread(stage: Stage, book: SeriesBook, o: Cell): Promise<void> {
  const result = await new Spread({ ...KNOBS, ...o }, { sha256: (text) => hash('sha256', text) }).run();
  const name = nameOf(o.lossProbability, o.nodes);
  const each = result.nodes * result.ops;
  book.add(`payload frames a node and op, ${name}`, 'frames', result.payloads / each);
  book.add(`other frames a node and op, ${name}`, 'frames', result.controls / each);
  book.add(`bytes a node and op, ${name}`, 'B', (result.payloadBytes + result.controlBytes) / each);
  book.add(`coverage, ${name}`, '%', result.coverage * 100);
  book.add(`rounds until all have it, p50, ${name}`, 'rounds', quantile(result.rounds, 0.5));
  book.add(`rounds until all have it, p99, ${name}`, 'rounds', quantile(result.rounds, 0.99));
  stage.say(
    `seed ${o.seed}, ${name}: ${(result.payloads / each).toFixed(3)} payload frames, ${(result.coverage * 100).toFixed(3)} %`,
  );
}
