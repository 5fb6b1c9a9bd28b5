/** Whole nodes in a calm simulated swarm of up to a hundred: what they say when they join, when nothing happens, and for a task. */
import type { Report } from './figures.ts';
import { SeriesBook } from './figures.ts';
import { heapBytes } from './heap.ts';
import type { Stage } from './stage.ts';
import { wholeSwarm } from '../src/sim/whole.ts';

const SIZES = [5, 10, 30, 64, 100];
const TASKS = 20;

export async function scaleWhole(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  const notes = [
    'Simulated: links of 1 to 20 ms, writes of 0 to 15 ms; no sockets. One seed each. The heap holds the store, too, with all ops of the swarm.',
  ];
  for (const nodes of SIZES) {
    const found = await wholeSwarm({ nodes, tasks: TASKS, seed: 1, heapBytes });
    const add = (what: string, unit: string, value: number): void => book.add(`${nodes} nodes: ${what}`, unit, value);
    add('from the start until all hold the first ops of all', 'ms', found.joinMs);
    add('frames of the join, a node', 'frames', found.joinFramesPerNode);
    add('bytes of the join, a node', 'KB', found.joinBytesPerNode / 1_000);
    add('idle, a node', 'frames/s', found.idleFrames);
    add('idle, bytes a node', 'B/s', found.idleBytes);
    add('frames of a task, a node', 'frames', found.taskFrames / nodes);
    add('bytes of a task, a node', 'KB', found.taskBytes / nodes / 1_000);
    add('heap, a node', 'KB', found.heapBytesPerNode / 1_000);
    notes.push(...found.violations.map((violation) => `${nodes} nodes: ${violation}`));
    stage.say(
      `${nodes} nodes: ${found.idleFrames.toFixed(1)} frames/s idle, ${Math.round(found.taskFrames / nodes)} a task`,
    );
  }
  return {
    name: 'scale-whole',
    about: `Whole simulated nodes, one agent each, in a calm swarm: all start at once; nothing happens for 30 s; then ${TASKS} tasks in ten seconds, each claimed by every node with an idle agent, granted by three or five voters, worked and ended. Up to 64 nodes all are linked with all.`,
    rounds: 1,
    series: book.all(),
    verdicts: [],
    versions: {},
    missing: [],
    notes,
  };
}
