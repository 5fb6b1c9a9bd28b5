/** Who is there, in simulated swarms of a thousand and of ten thousand: what knowing costs, and how soon all know of a loss. */
import { hash } from 'node:crypto';
import { hashOf, nodeIdOf } from '../src/core/brand.ts';
import { FULL_LINKS_MAX } from '../src/core/overlay.ts';
import { Rings } from '../src/core/rings.ts';
import { Members } from '../src/sim/spread/members.ts';
import type { Report } from './figures.ts';
import { quantile, SeriesBook } from './figures.ts';
import { heapBytes } from './heap.ts';
import type { Stage } from './stage.ts';

const KNOBS = { hopMs: 60, fullLinksMax: FULL_LINKS_MAX, lossProbability: 0 };
/** Ten thousand take minutes: once. */
const SIZES = [
  { nodes: 100, lost: 1, isOnce: false },
  { nodes: 1_000, lost: 3, isOnce: false },
  { nodes: 10_000, lost: 3, isOnce: true },
];
/** Rings of a few members are measured over many copies. */
const PLACES = 20_000;
const sha256 = (text: string): string => hash('sha256', text);

export async function scaleMembers(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  for (const { nodes, lost, isOnce } of SIZES) {
    book.add(`${nodes} nodes: own rings of all members`, 'KB', ringsBytes(nodes) / 1_000);
    for (let seed = 1; seed <= (isOnce ? 1 : stage.rounds); seed++) {
      const found = await new Members({ ...KNOBS, nodes, lost, seed }, { sha256, heapBytes }).run();
      const add = (what: string, unit: string, value: number): void => book.add(`${nodes} nodes: ${what}`, unit, value);
      add('questions and answers, a node', 'frames/s', found.probesPerSecond);
      add('bytes of questions and answers, a node', 'B/s', found.probeBytesPerSecond);
      add('heartbeats, a node', 'frames/s', found.heartbeatsPerSecond);
      add('bytes of heartbeats, a node', 'B/s', found.heartbeatBytesPerSecond);
      add('heap beside the rings, a node', 'KB', found.heapBytesPerNode / 1_000);
      add('lost node known, of all pairs', '%', found.known * 100);
      add('until it is dead at half of the nodes', 'ms', quantile(found.deadMs, 0.5));
      add('until it is dead at the last node', 'ms', quantile(found.deadMs, 1));
      add('wrong suspicions', 'sightings', found.suspectedWrongly);
      add('wrong deaths', 'sightings', found.buriedWrongly);
      stage.say(`${nodes} nodes, seed ${seed}: dead everywhere after ${Math.round(quantile(found.deadMs, 1))} ms`);
    }
  }
  return {
    name: 'scale-members',
    about:
      'Simulated nodes: the real overlay, presence and failure detector on links of 60 ms, six links a node. Nothing happens for 15 s; then one or three of them fall silent without a word, and their links lead nowhere. No ops, no processor that is busy. Ten thousand nodes: one seed.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [],
    versions: {},
    missing: [],
    notes: [
      'Simulated: no sockets, no TLS, no disks. A real node also holds a row of each member in its database, and a head of each author.',
    ],
  };
}

/** What the rings of so many members hold. */
function ringsBytes(nodes: number): number {
  const ids = Array.from({ length: nodes }, (_, index) => nodeIdOf(sha256(`node ${index}`).slice(0, 32)));
  const make = (): Rings => {
    const rings = new Rings((text) => hashOf(sha256(text)));
    for (const id of ids) rings.add(id);
    return rings;
  };
  const warm = make();
  const before = heapBytes();
  const copies = Array.from({ length: Math.ceil(PLACES / nodes) }, make);
  const held = (heapBytes() - before) / copies.length;
  return copies.every((rings) => rings.size() === warm.size()) ? held : Number.NaN;
}
