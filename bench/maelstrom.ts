/** Maelstrom's workloads in virtual time, in the shapes of the challenges 3c, 3d and 3e of Gossip Glomers, and lin-kv. */
import type { LinKvOutcome } from '../src/sim/maelstrom/lin-kv.ts';
import { linKvWorkload } from '../src/sim/maelstrom/lin-kv.ts';
import type { SpreadWorkload } from '../src/sim/maelstrom/spread.ts';
import { spreadWorkload } from '../src/sim/maelstrom/spread.ts';
import type { Report } from './figures.ts';
import { judge, quantile, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

type Shape = Pick<SpreadWorkload, 'settings'> & { name: string; messages: number; medianMs: number; maxMs: number };

/** The aims for messages; the limits of the challenges for latencies. */
const SHAPES: readonly Shape[] = [
  { name: 'product', settings: { corkMs: 0, links: 'all' }, messages: 15, medianMs: 400, maxMs: 600 },
  { name: '3d, cork of 50 ms', settings: { corkMs: 50, links: 'star' }, messages: 5, medianMs: 400, maxMs: 600 },
  {
    name: '3e, cork of 150 ms',
    settings: { corkMs: 150, links: 'star' },
    messages: 2.5,
    medianMs: 1_000,
    maxMs: 2_000,
  },
];
const THREE_D = { nodes: 25, latencyMs: 100, latency: 'constant', rate: 100, seconds: 20 } as const;
const THREE_C = { nodes: 25, latencyMs: 100, latency: 'exponential', rate: 100, seconds: 60 } as const;
const LIN_KV = { nodes: 5, latencyMs: 10, latency: 'exponential', rate: 20, seconds: 60, perKey: 40 } as const;
const PRODUCT = { corkMs: 0, links: 'all' } as const;

export async function maelstrom(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  for (let seed = 1; seed <= stage.rounds; seed++) {
    for (const shape of SHAPES) await spread(stage, book, { seed, shape });
    await apart(book, seed);
    for (const partitions of [false, true]) await keys(stage, book, { seed, partitions });
  }
  const values = (name: string): readonly number[] => book.need(name).values;
  return {
    name: 'maelstrom',
    about:
      'Maelstrom itself cannot be had where this runs: its messages, workloads and nemesis are those of an own harness in virtual time (docs/maelstrom.md). 25 nodes, 100 ms between any two, 100 operations a second for 20 s, half of them reads, which count, as there; all messages between nodes count, those of the start and of the ten quiet seconds before the last reads included; "at work" is without these two. Latency of a value: from its acknowledgement until the last node shows it. Product: each node linked with all, one message a peer and turn of the event loop. Cork: frames to a peer gather for so long, and all links go through one node. Published limits: 3d < 30 messages an operation, median < 400 ms, max < 600 ms; 3e < 20, < 1 s, < 2 s. A seed a round.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      ...SHAPES.flatMap(({ name, messages, medianMs, maxMs }) => [
        judge(`messages an operation, ${name}`, 'messages', values(`messages an operation, ${name}`), {
          atMost: messages,
        }),
        judge(`median latency, ${name}`, 'ms', values(`median latency, ${name}`), { atMost: medianMs }),
        judge(`highest latency, ${name}`, 'ms', values(`highest latency, ${name}`), { atMost: maxMs }),
      ]),
      judge('values lost with partitions (3c)', 'values', values('lost with partitions'), { atMost: 0 }),
      judge('lin-kv: keys without an order', 'keys', values('lin-kv, partitions: keys without an order'), {
        atMost: 0,
      }),
    ],
    versions: {},
    missing: [],
    notes: [
      'A cork of 50 ms for 3e, too, would cost what it costs in 3d: 4.5 messages. Its limits leave room for 150 ms.',
      'Of the messages of the product that are not values, most ask who is there: two links every half second at each node, also when nothing happens.',
    ],
  };
}

async function spread(stage: Stage, book: SeriesBook, o: { seed: number; shape: Shape }): Promise<void> {
  const { name, settings } = o.shape;
  const found = await spreadWorkload({
    ...THREE_D,
    settings,
    seed: o.seed,
    workload: 'broadcast',
    partitions: false,
  });
  book.add(`messages an operation, ${name}`, 'messages', found.messagesPerOperation);
  book.add(`messages an operation at work, ${name}`, 'messages', found.messagesPerOperationAtWork);
  book.add(`median latency, ${name}`, 'ms', quantile(found.latenciesMs, 0.5));
  book.add(`highest latency, ${name}`, 'ms', quantile(found.latenciesMs, 1));
  stage.say(
    `seed ${o.seed}, ${name}: ${found.messagesPerOperation.toFixed(2)} messages, ${Math.round(quantile(found.latenciesMs, 1))} ms at most`,
  );
}

async function apart(book: SeriesBook, seed: number): Promise<void> {
  const found = await spreadWorkload({ ...THREE_C, settings: PRODUCT, seed, workload: 'broadcast', partitions: true });
  book.add('lost with partitions', 'values', found.lost + found.unexpected);
  book.add('messages an operation with partitions', 'messages', found.messagesPerOperation);
  book.add('messages that partitions dropped', 'messages', found.dropped);
}

async function keys(stage: Stage, book: SeriesBook, o: { seed: number; partitions: boolean }): Promise<void> {
  const found: LinKvOutcome = await linKvWorkload({ ...LIN_KV, settings: PRODUCT, ...o });
  const name = o.partitions ? 'lin-kv, partitions' : 'lin-kv';
  book.add(`${name}: operations answered`, 'operations', found.answered);
  book.add(`${name}: not answered in 5 s`, 'operations', found.unanswered);
  book.add(`${name}: keys without an order`, 'keys', found.unexplained.length);
  book.add(`${name}: messages an operation`, 'messages', found.messages / found.answered);
  book.add(`${name}: p50`, 'ms', quantile(found.latenciesMs, 0.5));
  book.add(`${name}: p99`, 'ms', quantile(found.latenciesMs, 0.99));
  stage.say(`seed ${o.seed}, ${name}: ${found.answered} answered, ${found.unexplained.length} keys without an order`);
}
