/** Five nodes on five hosts, cut in two: how long after the heal until all of them hold what any of them held. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LabSwarm } from '../test/nemesis/lab-swarm.ts';
import { whyNoLab } from '../test/nemesis/lab.ts';
import { createTask, sharing } from '../test/nemesis/tasks.ts';
import type { Report } from './figures.ts';
import { judge, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

/** Long: the links are given up and dialled again. Short: nobody has given anything up, and TCP waits to send again. */
const PARTITIONS = [
  { name: 'after 30 s apart', forMs: 30_000, atMost: 1_000 },
  { name: 'after 3 s apart', forMs: 3_000, atMost: undefined },
];
const WITHIN_MS = 60_000;
const LOOK_MS = 20;

export async function heal(stage: Stage): Promise<Report> {
  const why = whyNoLab();
  const book = new SeriesBook();
  if (why === undefined) await measure(stage, book);
  const bars = PARTITIONS.filter(({ atMost }) => atMost !== undefined && why === undefined);
  return {
    name: 'heal',
    about:
      'Five nodes in five network namespaces, without seeds; frames between two and three of them are dropped, each side makes tasks, and the drop ends. The time until every node holds every op that any node held at that moment, as asked of all five every 20 ms.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: bars.map(({ name, atMost }) =>
      judge(`agreement ${name}`, 'ms', book.need(name).values, { atMost: atMost ?? 0 }),
    ),
    versions: {},
    missing: why === undefined ? [] : [why],
    notes: [
      'Each lost peer is dialled once a second from both ends, with 400 ms to accept; the first of twelve dials is soon, and what it brings goes on to all.',
    ],
  };
}

async function measure(stage: Stage, book: SeriesBook): Promise<void> {
  const nodes = Array.from({ length: 5 }, () => ({ agents: 1 }));
  const swarm = await LabSwarm.open({ nodes, hasSeeds: false, leaseSeconds: 120 });
  try {
    await swarm.linked();
    for (let round = 1; round <= stage.rounds; round += 1) {
      for (const { name, forMs } of PARTITIONS) {
        // Links must have held for a while, as they have in a swarm at work.
        await sleep(6_000);
        await swarm.lab.setRule('half', { kind: 'partition', left: [1, 2], right: [3, 4, 5] });
        await sleep(forMs / 2);
        for (const node of swarm.nodes) await createTask(node, { title: name, description: 'true' });
        await sleep(forMs / 2);
        await swarm.lab.setRule('half', undefined);
        const tookMs = await sharing(swarm.nodes, { withinMs: WITHIN_MS, lookMs: LOOK_MS });
        book.add(name, 'ms', tookMs);
        stage.say(`round ${round}: ${Math.round(tookMs)} ms ${name}`);
      }
    }
  } finally {
    await swarm.close();
  }
}
