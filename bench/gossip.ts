/** How facts spread among twenty nodes on loopback, encrypted and signed: skep's mesh beside libp2p's gossipsub. */
import type { Report } from './figures.ts';
import { judgeRatio, SeriesBook } from './figures.ts';
import { installedVersion } from './installed.ts';
import type { GossipSpec } from './load/gossip.ts';
import type { Stage } from './stage.ts';

const SPEC = { nodes: 20, paced: 100, paceMs: 20, window: 64 };
/** A second or two of work for each. */
const CONTENDERS: readonly { name: string; program: string; count: number }[] = [
  { name: 'skep', program: 'load/gossip-skep.ts', count: 1_500 },
  { name: 'gossipsub', program: 'load/gossip-libp2p.ts', count: 200 },
];

export async function gossip(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  for (let round = 1; round <= stage.rounds; round++) {
    for (const { name, program, count } of CONTENDERS) {
      const spec: GossipSpec = { ...SPEC, count };
      const figures = await stage.run(program, spec);
      const { deliveriesPerSecond = Number.NaN, cpuUsPerDelivery = Number.NaN } = figures;
      const { p50Ms = Number.NaN, p99Ms = Number.NaN, lost = Number.NaN } = figures;
      book.add(name, 'deliveries/s', deliveriesPerSecond);
      book.add(`${name}, CPU`, 'µs/delivery', cpuUsPerDelivery);
      book.add(`${name}, p50 at a steady pace`, 'ms', p50Ms);
      book.add(`${name}, p99 at a steady pace`, 'ms', p99Ms);
      book.add(`${name}, not delivered within 5 s`, 'deliveries', lost);
      stage.say(
        `round ${round}: ${name}: ${Math.round(deliveriesPerSecond)} deliveries/s, ${cpuUsPerDelivery.toFixed(0)} µs each, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(1)} ms, ${lost} lost`,
      );
    }
  }
  const ratio = (what: string) => ({ ours: book.need(`skep${what}`), theirs: book.need(`gossipsub${what}`) });
  const [rate, middle, cpu] = [ratio(''), ratio(', p50 at a steady pace'), ratio(', CPU')];
  return {
    name: 'gossip',
    about: `${SPEC.nodes} nodes in one process on loopback, a fact of 290 bytes from each in turn to all others. skep: TLS between all, batches signed, chain, signature and fold checked at each node, stores in memory. gossipsub: noise, yamux, each message signed. Steady pace: one fact each ${SPEC.paceMs} ms, from its author's acknowledgement to each delivery. Deliveries a second: ${SPEC.window} facts under way at once, each until it is everywhere.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judgeRatio('skep / gossipsub, deliveries a second', rate.ours, rate.theirs, { atLeast: 8 }),
      judgeRatio('gossipsub / skep, CPU a delivery', cpu.theirs, cpu.ours, { atLeast: 8 }),
      judgeRatio('skep / gossipsub, p50', middle.ours, middle.theirs, { atMost: 0.1 }),
    ],
    versions: { libp2p: installedVersion('libp2p'), '@libp2p/gossipsub': installedVersion('@libp2p/gossipsub') },
    missing: [],
    notes: [
      "The median is below its bar: where the time goes was profiled (35 % of a node checks signatures, 5 % TLS writes, 5 % schemas, 6 % garbage), what limits the median was not shown; twenty nodes and their checks share two cores. Next: measure from the author's acknowledgement to the frame at a receiver apart from the receiver's check and commit.",
    ],
  };
}
