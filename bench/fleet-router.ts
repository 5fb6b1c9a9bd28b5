/**
 * The router beside what codeswarm did at first: `ssh cat` of every outbox each 0.2 s. One real sshd, one worker with the stand-in for Codex. How long from a
 * word to the first delta back over ssh, what both take of the processor while nothing happens, and what the router's connection carries.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { MailboxPosition } from '../src/runtime/shared-mailbox/follower.ts';
import { NearEnd } from '../src/slurm/router/near-end.ts';
import type { FarLine } from '../src/slurm/router/wire.ts';
import { SshLab } from '../test/cli/ssh-lab.ts';
import { Fleet } from '../test/slurm/worker-rig.ts';
import type { Report } from './figures.ts';
import { judge, judgeRatio, median, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

/** Words of one conversation a round, by each. */
const WORDS = 10;
const REST_MS = 10_000;
const POLL_MS = 200;
const APPENDS = 6_000;
const [OUTBOXES, LINES_A_SECOND, SECONDS] = [16, 100, 5];
/** Clock ticks a second of /proc. */
const TICKS = 100;
const WAIT_MAX_MS = 60_000;
const run = promisify(execFile);

type Route = {
  tell: (text: string) => Promise<void>;
  heard: (text: string) => Promise<void>;
  close: () => Promise<void>;
};
type Lab = { fleet: Fleet; lab: SshLab };

export async function fleetRouter(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  const lab = await SshLab.open();
  const fleet = Fleet.withFake();
  const worker = fleet.start();
  try {
    await fleet.outbox().event('thread_started');
    for (let round = 1; round <= stage.rounds; round += 1) {
      for (const [name, open] of [
        ['router', routed],
        ['polling', polled],
      ] as const) {
        const route = await open({ fleet, lab });
        const before = cpuMs(lab);
        await sleep(REST_MS);
        book.add(`${name}, processor at rest`, 'ms/s', ((cpuMs(lab) - before) * 1_000) / REST_MS);
        const took: number[] = [];
        for (let n = 0; n < WORDS; n += 1) took.push(await told(route, `${name}-${round}-${n}`));
        book.add(`${name}, word to first delta`, 'ms', median(took));
        await route.close();
        stage.say(`round ${round}: ${name} ${median(took).toFixed(0)} ms`);
      }
      book.add('appends with acknowledgement', '/s', await appends({ fleet, lab }));
      const lost = await flood({ fleet, lab }, round);
      book.add(`lines lost of ${OUTBOXES * LINES_A_SECOND * SECONDS}`, '', lost);
      stage.say(
        `round ${round}: ${book.need('appends with acknowledgement').values.at(-1)?.toFixed(0)} appends/s, ${lost} lost`,
      );
    }
  } finally {
    await worker.kill();
    await fleet.remove();
    await lab.close();
  }
  return {
    name: 'fleet-router',
    about: `A worker with the stand-in for Codex behind a real sshd on loopback; ${REST_MS / 1_000} s of rest a round, then ${WORDS} words of one conversation.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judgeRatio(
        'word to first delta, over polling',
        book.need('router, word to first delta'),
        book.need('polling, word to first delta'),
        { atMost: 0.25 },
      ),
      judgeRatio(
        'processor at rest, over polling',
        book.need('router, processor at rest'),
        book.need('polling, processor at rest'),
        { atMost: 0.05 },
      ),
      judge('appends with acknowledgement', '/s', book.need('appends with acknowledgement').values, { atLeast: 2_000 }),
      judge('lines lost', '', book.need(`lines lost of ${OUTBOXES * LINES_A_SECOND * SECONDS}`).values, { atMost: 0 }),
    ],
    versions: { node: process.version, ssh: (await run('ssh', ['-V'])).stderr.trim() },
    missing: [],
    notes: [
      'The polling is codeswarm’s first router: `ssh ls` and then `ssh cat` of every outbox each 0.2 s, over one shared connection (ControlMaster), which flatters it; words by `ssh … >>`.',
      'Processor time of both ends: the clients of ssh, their server, and the far end.',
    ],
  };
}

/** From the word until the first delta of its answer is here. */
async function told({ tell, heard }: Route, text: string): Promise<number> {
  const since = performance.now();
  await Promise.all([tell(`say ${text}`), heard(text)]);
  return performance.now() - since;
}

async function near({ fleet, lab }: Lab, heard: (lines: readonly FarLine[]) => void): Promise<NearEnd> {
  const skep = join(import.meta.dirname, '../bin/skep.mjs');
  const ready = Promise.withResolvers<void>();
  const end = new NearEnd({
    command: [
      'ssh',
      '-T',
      '-F',
      lab.config,
      '-o',
      'ControlPath=none',
      'there',
      '--',
      process.execPath,
      skep,
      'slurm',
      'far-end',
      '--base',
      fleet.base,
    ],
    env: process.env,
    // Read before: nothing of it is news.
    positions: () => positionsIn(fleet),
    heard: async (lines) => heard(lines),
    changed: (why) => (why === undefined ? ready.resolve() : undefined),
  });
  end.start();
  await ready.promise;
  return end;
}

async function routed(lab: Lab): Promise<Route> {
  let seen = '';
  let wake = (): void => {};
  const end = await near(lab, (lines) => {
    for (const line of lines) {
      const text = line.t === 'line' ? JSON.stringify(line.record) : '';
      if (text.includes('assistant_delta')) seen += text;
    }
    wake();
  });
  return {
    tell: async (content) => void (await end.append('7_00', { type: 'user', content })),
    heard: (text) =>
      until(
        () => seen.includes(`"${text}"`),
        (listener) => (wake = listener),
      ),
    close: () => end.close(),
  };
}

async function polled({ fleet, lab }: Lab): Promise<Route> {
  const control = join(fleet.base, 'cm');
  const options = [
    '-F',
    lab.config,
    '-o',
    'ControlMaster=auto',
    '-o',
    `ControlPath=${control}`,
    '-o',
    'ControlPersist=60',
    'there',
    '--',
  ];
  const ssh = async (command: string): Promise<string> =>
    (await run('ssh', [...options, command], { maxBuffer: 64 * 1024 * 1024 })).stdout;
  let seen = '';
  let wake = (): void => {};
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      const box = `${fleet.base}/mailbox/outbox`;
      const names = (await ssh(`ls ${box}`)).split('\n').filter((name) => name !== '');
      const texts: string[] = [];
      for (const name of names) texts.push(await ssh(`cat ${box}/${name}`));
      seen = texts
        .join('')
        .split('\n')
        .filter((line) => line.includes('assistant_delta'))
        .join('');
      wake();
      await sleep(POLL_MS);
    }
  })();
  return {
    tell: async (content) =>
      void (await ssh(`printf '%s\\n' '${JSON.stringify({ type: 'user', content })}' >> ${fleet.inbox('7_00')}`)),
    heard: (text) =>
      until(
        () => seen.includes(`"${text}"`),
        (listener) => (wake = listener),
      ),
    close: async () => {
      isOver = true;
      await loop;
      await run('ssh', [...options.slice(0, -2), '-O', 'exit', 'there']).catch(() => {});
    },
  };
}

function positionsIn({ base }: Fleet): Record<string, MailboxPosition> {
  const box = join(base, 'mailbox/outbox');
  return Object.fromEntries(
    readdirSync(box).map((name) => {
      const { ino, size } = statSync(join(box, name));
      return [name.replace('.jsonl', ''), { inode: String(ino), offset: size }];
    }),
  );
}

async function until(isThere: () => boolean, on: (listener: () => void) => void): Promise<void> {
  const limit = performance.now() + WAIT_MAX_MS;
  while (!isThere()) {
    if (performance.now() > limit) throw new Error('the answer did not come');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1_000);
      on(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

async function appends(lab: Lab): Promise<number> {
  const end = await near(lab, () => {});
  const since = performance.now();
  await Promise.all(
    Array.from({ length: APPENDS }, (_, n) => end.append('9_00', { type: 'user', content: `word ${n}` })),
  );
  const seconds = (performance.now() - since) / 1_000;
  await end.close();
  return APPENDS / seconds;
}

/** Sixteen workers that write as fast as a busy fleet does. */
async function flood(lab: Lab, round: number): Promise<number> {
  const box = join(lab.fleet.base, 'mailbox/outbox');
  mkdirSync(box, { recursive: true });
  const heard = new Set<string>();
  const end = await near(lab, (lines) => {
    for (const line of lines) if (line.t === 'line') heard.add(`${line.mailbox} ${JSON.stringify(line.record)}`);
  });
  const wanted: string[] = [];
  for (let tick = 0; tick < SECONDS * 10; tick += 1) {
    const due = performance.now() + 100;
    for (let node = 0; node < OUTBOXES; node += 1) {
      const mailbox = `${100 + round}_${String(node).padStart(2, '0')}`;
      const records = Array.from({ length: LINES_A_SECOND / 10 }, (_, n) =>
        JSON.stringify({ type: 'codex_stderr', job_id: String(100 + round), node_id: node, line: `${tick} ${n}` }),
      );
      appendFileSync(join(box, `${mailbox}.jsonl`), `${records.join('\n')}\n`);
      wanted.push(...records.map((record) => `${mailbox} ${record}`));
    }
    await sleep(Math.max(0, due - performance.now()));
  }
  const limit = performance.now() + WAIT_MAX_MS;
  while (wanted.some((one) => !heard.has(one)) && performance.now() < limit) await sleep(50);
  await end.close();
  return wanted.filter((one) => !heard.has(one)).length;
}

/** Of this lab's sshd and whatever runs under it, of every ssh client here, and of those that have ended: they are counted by who waited for them. */
function cpuMs(lab: SshLab): number {
  let ticks = 0;
  const stats = readdirSync('/proc').flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid)) return [];
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = text
        .slice(text.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return [{ pid: Number(pid), fields, argv }];
    } catch {
      // It ended.
      return [];
    }
  });
  const parents = new Map(stats.map(({ pid, fields }) => [pid, fields[1] ?? 0]));
  const isUnder = (pid: number): boolean => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (at === lab.pid) return true;
    return false;
  };
  for (const { pid, fields, argv } of stats) {
    const [own, children] = [(fields[11] ?? 0) + (fields[12] ?? 0), (fields[13] ?? 0) + (fields[14] ?? 0)];
    if (pid === process.pid || isUnder(pid) || argv.includes(lab.config)) ticks += own + children;
  }
  return (ticks * 1_000) / TICKS;
}
