/** How much later a program that is started in a box says its first word than a bare one, and how much later all of it is over, in turns. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Boxes, BoxSpec } from '../src/box-ports.ts';
import { parsedProcId } from '../src/core/brand.ts';
import type { BoxKind } from '../src/core/schema/box-body.ts';
import { ContainerBoxes } from '../src/runtime/box/container.ts';
import { NspawnBoxes } from '../src/runtime/box/nspawn.ts';
import { SandboxBoxes } from '../src/runtime/box/sandbox.ts';
import type { ProcSpec, Runtime } from '../src/ports.ts';
import { simNodeId } from '../src/sim/crypto.ts';
import { containerImage } from '../test/runtime/container-image.ts';
import { rootFolder } from '../test/runtime/root-folder.ts';
import type { Report } from './figures.ts';
import { judge, median, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

/** Starts of each a round, taking turns. */
const STARTS = 15;

const BARS: Record<BoxKind, number> = { sandbox: 30, nspawn: 250, container: 400 };
const RUN = { argv: ['/usr/bin/printf', 'x'], env: { PATH: '/usr/local/bin:/usr/bin:/bin' }, cwd: '/' } as const;

type Subject = { boxes: Boxes; spec: BoxSpec };

export async function boxStart(stage: Stage): Promise<Report> {
  const all = [
    subjectIn(stage.dir, new SandboxBoxes(), null),
    subjectIn(stage.dir, new NspawnBoxes(), rootFolder()),
    subjectIn(stage.dir, new ContainerBoxes(), containerImage()),
  ];
  const versions: Record<string, string> = {};
  const missing: string[] = [];
  const subjects: Subject[] = [];
  for (const subject of all) {
    const found = await subject.boxes.check(subject.spec);
    if (found.works) {
      subjects.push(subject);
      versions[subject.boxes.kind] = found.version;
    } else missing.push(`${subject.boxes.kind}: ${found.reason} (${found.wayOut})`);
  }
  const book = new SeriesBook();
  // The first round finds nothing in memory.
  for (let round = 0; round <= stage.rounds; round += 1) {
    const took = new Map<string, Took[]>([...subjects.map(({ boxes }) => boxes.kind), 'bare'].map((key) => [key, []]));
    for (let n = 0; n < STARTS; n += 1) {
      took.get('bare')?.push(await timed(RUN));
      for (const { boxes, spec } of subjects) took.get(boxes.kind)?.push(await timed(intoBox(boxes, spec)));
    }
    if (round === 0) continue;
    const bare = medians(took.get('bare'));
    book.add('bare', 'ms', bare.startMs);
    book.add('bare, to its end', 'ms', bare.endMs);
    for (const { boxes } of subjects) {
      const inBox = medians(took.get(boxes.kind));
      book.add(boxes.kind, 'ms', inBox.startMs);
      book.add(`${boxes.kind}, above`, 'ms', inBox.startMs - bare.startMs);
      book.add(`${boxes.kind}, to its end`, 'ms', inBox.endMs);
      stage.say(`round ${round}: ${boxes.kind} ${inBox.startMs.toFixed(1)} ms, bare ${bare.startMs.toFixed(1)} ms`);
    }
  }
  return {
    name: 'box-start',
    about: `From spawn to the first byte of \`printf x\`, ${STARTS} times a round in turns: bare, and by what each kind of box makes of it, without a holder.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: subjects.map(({ boxes: { kind } }) =>
      judge(`start in a box of ${kind} above the bare one`, 'ms', book.need(`${kind}, above`).values, {
        atMost: BARS[kind],
      }),
    ),
    versions,
    missing,
    notes: [
      'To its end: made and taken away, a container also removed. Earlier results judged by that.',
      'A box of nspawn runs a dozen programs one after the other (mounts, namespaces, rights), Podman two of its own and runc: on a machine with more work than processors each waits for its turn.',
    ],
  };
}

function subjectIn(dir: string, boxes: Boxes, image: string | null): Subject {
  const directory = join(dir, boxes.kind);
  const socketDir = join(directory, 'sockets');
  mkdirSync(socketDir, { recursive: true });
  const limits = { memoryBytes: null, cpus: null, processes: null };
  const fixed = { name: 'h-bench', node: simNodeId(1), mounts: [], secrets: [], limits };
  return { boxes, spec: { ...fixed, directory, image, socketDir } };
}

type Started = Pick<ProcSpec, 'argv' | 'env'>;

/** What the runtime beneath is asked to start. */
function intoBox(boxes: Boxes, spec: BoxSpec): Started {
  const asked: Started[] = [];
  const no = (): never => {
    throw new Error('only started here');
  };
  const noted: Runtime = {
    start: (one) => {
      asked.push(one);
      return Promise.reject(new Error('only noted'));
    },
    exec: no,
    attach: no,
    forget: no,
    close: async () => {},
  };
  const home = '/home/agent';
  boxes
    .runtime(spec, noted)
    .start({ ...RUN, id: parsedProcId('bench'), outboxMaxBytes: 0, cwd: home })
    .catch(() => {});
  const [first] = asked;
  if (first === undefined) throw new Error('the box started nothing');
  return first;
}

type Took = { startMs: number; endMs: number };

const medians = (took: readonly Took[] = []): Took => ({
  startMs: median(took.map((one) => one.startMs)),
  endMs: median(took.map((one) => one.endMs)),
});

function timed({ argv, env }: Started): Promise<Took> {
  const [program, ...args] = argv;
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: '/', env, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    let startMs = 0;
    child.stdout.once('data', () => (startMs = performance.now() - began));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve({ startMs, endMs: performance.now() - began })
        : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}
