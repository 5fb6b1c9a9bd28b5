/**
 * A fleet on a real Slurm, told and heard through a real sshd: the router beside what codeswarm did at first, `ssh cat` of every outbox each 0.2 s. How
 * long from a word to the first delta of its answer, what both take of the processor while nothing happens, what the router carries, and how long a
 * launch takes beside a bare `srun` of the same program.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NearEnd } from '../src/slurm/router/near-end.ts';
import { PROGRAM } from '../test/slurm/router/rig.ts';
import type { Fleet } from '../test/slurm/worker-rig.ts';
import type { Report } from './figures.ts';
import { judge, judgeRatio, median, SeriesBook } from './figures.ts';
import { Site, type Reader } from './fleet/site.ts';
import type { Stage } from './stage.ts';

/** Words of one conversation a round. */
const WORDS = { router: 10, polling: 6 };
const REST_MS = 10_000;
/** A router looks often for 30 s after a word: that is no rest. */
const QUIET_AFTER_MS = 32_000;
const APPENDS = 6_000;
const [WRITERS, LINES_A_SECOND, SECONDS] = [16, 100, 5];
const LINES = WRITERS * LINES_A_SECOND * SECONDS;
const WAIT_MAX_MS = 60_000;
const LOOK_MS = 50;

export async function fleetRouter(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  const site = await Site.open(stage);
  let slurm: string;
  try {
    slurm = (await site.cluster.run('srun', ['--version'])).trim();
    const fleet = site.fleet();
    const said = await site.skep('slurm', 'launch', '--config', site.config(fleet, 'here'), '--prompt', 'say ready');
    const mailbox = `${/^JOB_ID=(\d+)$/m.exec(said)?.[1]}_00`;
    const router = await site.router(fleet);
    const poller = await site.poller(fleet);
    const launched = site.fleet();
    for (let round = 1; round <= stage.rounds; round += 1) {
      poller.poll(true);
      const polling = await conversed(poller, { mailbox, words: WORDS.polling, round });
      poller.poll(false);
      const routed = await conversed(router, { mailbox, words: WORDS.router, round });
      const quietAt = performance.now() + QUIET_AFTER_MS;
      book.add('router, word to first delta', 'ms', routed);
      book.add('polling, word to first delta', 'ms', polling);
      await launches(site, launched, book);
      book.add('appends with acknowledgement', '/s', await appends(site.farEnd(fleet)));
      book.add(`lines lost or doubled of ${LINES}`, '', await flood(site));
      await sleep(Math.max(0, quietAt - performance.now()));
      await rested({ router, poller }, book);
      const last = (name: string): string => book.need(name).values.at(-1)?.toFixed(1) ?? '';
      stage.say(
        `round ${round}: delta ${routed.toFixed(0)} ms against ${polling.toFixed(0)}, rest ${last('router, processor at rest')} ms/s against ${last('polling, processor at rest')}, ` +
          `${last('appends with acknowledgement')} appends/s, launch ${last('launch, to the first word of a worker')} ms against ${last('srun, to the first word of a worker')}`,
      );
    }
    await poller.close();
    await router.close();
  } finally {
    await site.close();
  }
  return report(stage, book, slurm);
}

function report({ rounds }: Stage, book: SeriesBook, slurm: string): Report {
  const ratio = (what: string, ending: string, atMost: number) =>
    judgeRatio(what, book.need(`router, ${ending}`), book.need(`polling, ${ending}`), { atMost });
  const lost = book.need(`lines lost or doubled of ${LINES}`).values;
  return {
    name: 'fleet-router',
    about:
      `A real Slurm of 18 virtual nodes and two real sshd on this machine; a worker with the stand-in for Codex, launched by skep slurm launch. A round: ${WORDS.polling} words by polling, ${WORDS.router} by the router's door, ` +
      `launches, ${APPENDS} appends at once, ${WRITERS} nodes that write ${LINES_A_SECOND} lines a second each by srun, and then, 32 s after the last word, ${REST_MS / 1_000} s of rest of both at the same time.`,
    rounds,
    series: book.all(),
    verdicts: [
      ratio('word to first delta, over polling', 'word to first delta', 0.25),
      ratio('processor at rest, over polling', 'processor at rest', 0.05),
      judge('appends with acknowledgement', '/s', book.need('appends with acknowledgement').values, { atLeast: 2_000 }),
      judge('lines lost or doubled', '', lost, { atMost: 0 }),
      judge('launch, over a bare srun', 'ms', book.need('launch, over a bare srun').values, { atMost: 1_000 }),
    ],
    versions: {
      node: process.version,
      slurm,
    },
    missing: [],
    notes: [
      'Polling is codeswarm’s first router: `ssh ls` and then `ssh cat` of every outbox each 0.2 s, of one agent, and words by `ssh … >>`. It has one shared connection (ControlMaster), which flatters it.',
      'Processor time counts both ends of both alike: the process of the router (or of whoever polls), its clients of ssh, the server of ssh with all it starts, and so the far end and each `cat`. The worker is not in it.',
      'The time to a delta begins at the router’s door, or at the polling process, and ends where a line of its output is read.',
      'Launch and srun start the same worker on this machine; the launch looks first at everything that would make it fail, and goes on without waiting (--detach).',
    ],
  };
}

/** Median over the words of one conversation. */
async function conversed(reader: Reader, o: { mailbox: string; words: number; round: number }): Promise<number> {
  // The first word of a conversation waits for the next look, and Slurm is asked whether the allocation runs: that is no part of it.
  await reader.answered(o.mailbox, `first-${o.words}-${o.round}`);
  const took: number[] = [];
  for (let n = 0; n < o.words; n += 1) {
    const since = performance.now();
    await reader.answered(o.mailbox, `word-${o.words}-${o.round}-${n}`);
    took.push(performance.now() - since);
  }
  return median(took);
}

async function rested(
  { router, poller }: { router: Reader; poller: Reader & { poll: (isOn: boolean) => void } },
  book: SeriesBook,
): Promise<void> {
  poller.poll(true);
  const readers = [router, poller];
  const [began, before] = [performance.now(), readers.map((one) => one.cpuMs())];
  await sleep(REST_MS);
  const seconds = (performance.now() - began) / 1_000;
  const used = readers.map((one, at) => (one.cpuMs() - (before[at] ?? 0)) / seconds);
  book.add('router, processor at rest', 'ms/s', used[0] ?? Number.NaN);
  book.add('polling, processor at rest', 'ms/s', used[1] ?? Number.NaN);
}

async function launches(site: Site, fleet: Fleet, book: SeriesBook): Promise<void> {
  const { base } = fleet;
  const worker = [PROGRAM, 'slurm', 'worker', '--base', base];
  const bare = await site.firstWordMs(fleet, () => site.start('srun', ['-Q', '-N1', '-n1', ...worker]));
  const config = site.config(fleet, 'here');
  const argv = ['slurm', 'launch', '--detach', '--config', config];
  const launched = await site.firstWordMs(fleet, () => site.start(PROGRAM, argv));
  book.add('srun, to the first word of a worker', 'ms', bare);
  book.add('launch, to the first word of a worker', 'ms', launched);
  book.add('launch, over a bare srun', 'ms', launched - bare);
}

async function appends(command: [string, ...string[]]): Promise<number> {
  const ready = Promise.withResolvers<void>();
  const end = new NearEnd({
    command,
    env: process.env,
    positions: () => ({}),
    heard: async () => {},
    changed: (why) => (why === undefined ? ready.resolve() : undefined),
  });
  end.start();
  await ready.promise;
  const since = performance.now();
  await Promise.all(
    Array.from({ length: APPENDS }, (_, n) => end.append('9_00', { type: 'user', content: `word ${n}` })),
  );
  const seconds = (performance.now() - since) / 1_000;
  await end.close();
  return APPENDS / seconds;
}

/** Sixteen nodes that write as fast as a busy fleet does, and a router of their own; how many lines it did not tell once. */
async function flood(site: Site): Promise<number> {
  const fleet = site.fleet();
  const router = await site.router(fleet);
  const program = join(import.meta.dirname, 'fleet/writer.ts');
  const words = [process.execPath, program, fleet.base, String(LINES_A_SECOND), String(SECONDS)];
  await site.cluster.run('srun', ['-Q', `-N${WRITERS}`, `-n${WRITERS}`, ...words]);
  const limit = performance.now() + WAIT_MAX_MS;
  while (router.told().length < LINES && performance.now() < limit) await sleep(LOOK_MS);
  const told = router.told();
  await router.close();
  const doubled = told.length - new Set(told).size;
  const wanted = Array.from({ length: LINES }, (_, n) => `${n % WRITERS} ${Math.floor(n / WRITERS)}`);
  const heard = new Set(told);
  return wanted.filter((one) => !heard.has(one)).length + doubled;
}
