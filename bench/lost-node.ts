/** Five hosts, on each a skep node and a serf agent; one host is cut off, or stopped. How soon all others know, and whom they accuse wrongly on a busy machine. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabSwarm, until } from '../test/nemesis/lab-swarm.ts';
import { whyNoLab } from '../test/nemesis/lab.ts';
import type { Child } from './child.ts';
import type { Report } from './figures.ts';
import { judge, judgeRatio, SeriesBook } from './figures.ts';
import { install, versionOf } from './peer.ts';
import { SerfAgents } from './serf.ts';
import type { Sighting, System } from './sightings.ts';
import { Sightings } from './sightings.ts';
import type { Stage } from './stage.ts';

const NODES = 5;
const LOST = NODES;
const SYSTEMS: readonly System[] = ['skep', 'serf'];
/** Members talk for a while before one is lost. */
const SETTLED_MS = 8_000;
/** Somebody who has not noticed by then does not. */
const NOTICED_WITHIN_MS = 40_000;
const BACK_WITHIN_MS = 60_000;
/** Processes that want to run, beside the ten that are watched, on each core. */
const OVERCOMMIT = 4;
const BUSY_MS = 60_000;

type Fault = 'cut off' | 'stopped';

export async function lostNode(stage: Stage): Promise<Report> {
  const why = whyNoLab();
  if (why === undefined) install('serf', 'serf');
  const serf = versionOf('serf');
  const missing = [why, serf === undefined ? 'serf: apt-get install -y serf' : undefined].filter(
    (line) => line !== undefined,
  );
  const book = new SeriesBook();
  if (missing.length === 0) await measure(stage, book);
  return {
    name: 'lost-node',
    about: `${NODES} hosts in network namespaces, on each a skep node and a serf agent (profile lan), so that both meet the same moment. One host is lost: all its frames are dropped by nftables, or both its processes get SIGSTOP. The time until the last of the four others says "dead" (skep) or "failed" (serf). Then ${OVERCOMMIT} busy loops a core for ${BUSY_MS / 1_000} s a round, with nobody lost: how often anybody is called dead or failed.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts:
      missing.length > 0
        ? []
        : [
            ...(['cut off', 'stopped'] as const).map((fault) =>
              judgeRatio(
                `noticed everywhere, ${fault}, skep / serf`,
                book.need(`skep, ${fault}: last to know`),
                book.need(`serf, ${fault}: last to know`),
                { atMost: 0.5 },
              ),
            ),
            judge('called dead without reason', 'nodes', book.need('skep, busy: called dead').values, { atMost: 0 }),
          ],
    versions: { serf: serf ?? 'none' },
    missing,
    notes: [],
  };
}

async function measure(stage: Stage, book: SeriesBook): Promise<void> {
  const sightings = new Sightings();
  const swarm = await LabSwarm.open({
    nodes: Array.from({ length: NODES }, () => ({ agents: 0 })),
    leaseSeconds: 120,
    onLine: (node, line) => sightings.hearSkep(node.name, line),
  });
  const serf = new SerfAgents(stage, swarm.lab, (name, line) => sightings.hearSerf(name, line));
  try {
    await serf.start(swarm.lab.hosts.map(({ number }) => number));
    for (let round = 1; round <= stage.rounds; round++) {
      for (const fault of ['cut off', 'stopped'] as const) {
        await everybody(swarm, serf);
        await lose(fault, { stage, book, swarm, serf, sightings });
      }
      await everybody(swarm, serf);
      await busy({ stage, book, sightings });
    }
  } finally {
    await serf.close();
    await swarm.close();
  }
}

async function everybody(swarm: LabSwarm, serf: SerfAgents): Promise<void> {
  await swarm.linked();
  await until('serf sees all', BACK_WITHIN_MS, async () => (await serf.alive(1)) === NODES);
  await sleep(SETTLED_MS);
}

type Scene = { stage: Stage; book: SeriesBook; swarm: LabSwarm; serf: SerfAgents; sightings: Sightings };

async function lose(fault: Fault, { stage, book, swarm, serf, sightings }: Scene): Promise<void> {
  const node = swarm.node(LOST);
  const others = [1, 2, 3, 4];
  const sinceMs = performance.now();
  if (fault === 'cut off') await swarm.lab.setRule('lost', { kind: 'partition', left: others, right: [LOST] });
  else {
    node.pause();
    serf.signal(LOST, 'SIGSTOP');
  }
  const deaths = (system: System): Sighting[] =>
    sightings.since(sinceMs).filter((one) => one.system === system && one.state === 'dead' && one.at !== node.name);
  const known = (system: System): Sighting[] => deaths(system).filter((one) => one.node === node.name);
  await until('all know', NOTICED_WITHIN_MS, async () =>
    SYSTEMS.every((system) => new Set(known(system).map(({ at }) => at)).size === others.length),
  );
  const said: string[] = [];
  for (const system of SYSTEMS) {
    const times = known(system).map(({ ms }) => ms - sinceMs);
    book.add(`${system}, ${fault}: first to know`, 'ms', Math.min(...times));
    book.add(`${system}, ${fault}: last to know`, 'ms', Math.max(...times));
    book.add(`${system}, ${fault}: others called dead`, 'nodes', deaths(system).length - known(system).length);
    said.push(`${system} ${Math.round(Math.max(...times))} ms`);
  }
  const doubts = sightings.since(sinceMs).filter((one) => one.state === 'suspect' && one.node === node.name);
  book.add(`skep, ${fault}: first suspects it`, 'ms', Math.min(...doubts.map(({ ms }) => ms - sinceMs)));
  stage.say(`${fault}: ${said.join(', ')}`);
  await serf.end(LOST);
  if (fault === 'cut off') await swarm.lab.setRule('lost', undefined);
  else node.resume();
  await serf.start([LOST]);
}

async function busy({ stage, book, sightings }: Pick<Scene, 'stage' | 'book' | 'sightings'>): Promise<void> {
  const sinceMs = performance.now();
  const loops = Array.from({ length: OVERCOMMIT * availableParallelism() }, (_, index): Child =>
    stage.start({ name: `busy ${index}`, argv: ['sh', '-c', 'while :; do :; done'] }),
  );
  await sleep(BUSY_MS);
  await Promise.all(loops.map((loop) => loop.stop()));
  const seen = sightings.since(sinceMs);
  for (const system of SYSTEMS)
    book.add(
      `${system}, busy: called dead`,
      'nodes',
      seen.filter((one) => one.system === system && one.state === 'dead').length,
    );
  book.add('skep, busy: suspected', 'nodes', seen.filter((one) => one.state === 'suspect').length);
  stage.say(`busy: ${seen.length} sightings`);
}
