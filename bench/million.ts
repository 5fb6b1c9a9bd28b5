/** A log of a million ops: how long a node takes to open and serve it, to fold it anew, and whether a question costs more than on a short log. */
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stateDirOf } from '../src/socket-path.ts';
import type { Report } from './figures.ts';
import { judge, judgeRatio, SeriesBook } from './figures.ts';
import { memoryMb } from './memory.ts';
import type { Stage } from './stage.ts';
import { freePort } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { startSwarmNode } from './swarm-node.ts';

const SHORT_OPS = 10_000;
const LONG_OPS = 1_000_000;
const ANSWER_MAX_MS = 60_000;
/** What a page asks for at its start: each should cost the same on any log. */
const PATHS = [
  '/api/swarm/tasks?status=pending&limit=50',
  '/api/swarm/tasks?limit=50',
  '/api/swarm/status',
  '/api/posts?limit=50',
];

type Log = { dataDir: string; p2pPort: number; stateDir: string };

export async function million(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  const short = await generate(stage, 'short', SHORT_OPS);
  const long = await generate(stage, 'long', LONG_OPS);
  for (let round = 1; round <= stage.rounds; round++) {
    await question(stage, book, { short, long });
    await serve(stage, book, { log: short, of: '10 k ops' });
    const openS = await serve(stage, book, { log: long, of: '1 M ops' });
    const foldS = await foldAnew(stage, book, long);
    stage.say(`round ${round}: open and serve ${openS.toFixed(2)} s, folded anew in ${foldS.toFixed(1)} s`);
  }
  const ratio = (what: string) =>
    judgeRatio(`${what}: 1 M / 10 k ops`, book.need(`${what}, 1 M ops`), book.need(`${what}, 10 k ops`), {
      atMost: 1.5,
    });
  return {
    name: 'million',
    about:
      'A log of 1 M ops of four authors: tasks created, claimed, granted, started, ended (one in twenty stays pending), and posts; beside it one of 10 k ops. "Open and serve" is the time from the start of the process to the first answered task list. "Folded anew": all views made from nothing while the node starts.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judge('open and serve 1 M ops', 's', book.need('open and serve, 1 M ops').values, { atMost: 1 }),
      judge('all views folded anew, 1 M ops', 's', book.need('folded anew and serving').values, { atMost: 60 }),
      judge('progress shown while folding', 'lines', book.need('progress shown').values, { atLeast: 10 }),
      ratio('store: page of pending tasks'),
      ratio('store: one task'),
    ],
    versions: {},
    missing: [],
    notes: [`The file of 1 M ops has ${Math.round(statSync(join(long.stateDir, 'skep.db')).size / 1e6)} MB.`],
  };
}

async function generate(stage: Stage, name: string, ops: number): Promise<Log> {
  const dataDir = join(stage.dir, name);
  const p2pPort = await freePort();
  const stateDir = stateDirOf(dataDir, p2pPort);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  stage.say(`making a log of ${ops} ops`);
  await stage.run('log/generate.ts', { stateDir, ops });
  const log = { dataDir, p2pPort, stateDir };
  // The first start writes the node's own facts, once.
  await (await startSwarmNode(stage, { name, state: log })).child.stop();
  return log;
}

async function question(stage: Stage, book: SeriesBook, { short, long }: { short: Log; long: Log }): Promise<void> {
  const figures = await stage.run('log/query.ts', { shortDir: short.stateDir, longDir: long.stateDir });
  const add = (name: string, unit: string, key: string): void => book.add(name, unit, figures[key] ?? Number.NaN);
  add('store: open, 1 M ops', 'ms', 'openMs');
  add('store: page of pending tasks, 10 k ops', 'µs', 'shortListUs');
  add('store: page of pending tasks, 1 M ops', 'µs', 'longListUs');
  add('store: one task, 10 k ops', 'µs', 'shortGetUs');
  add('store: one task, 1 M ops', 'µs', 'longGetUs');
}

async function serve(stage: Stage, book: SeriesBook, { log, of }: { log: Log; of: string }): Promise<number> {
  const began = performance.now();
  const node = await startSwarmNode(stage, { name: of, state: log });
  await answered(node, PATHS[0] ?? '/');
  const seconds = (performance.now() - began) / 1000;
  book.add(`open and serve, ${of}`, 's', seconds);
  for (const path of PATHS) {
    // Once before: the first answer compiles.
    await answered(node, path);
    book.add(`GET ${path}, ${of}`, 'ms', await answered(node, path));
  }
  book.add(`RSS while serving, ${of}`, 'MB', memoryMb(node.child.pid, 'VmRSS'));
  await node.child.stop();
  return seconds;
}

/** As after an upgrade that changed every view. */
async function foldAnew(stage: Stage, book: SeriesBook, log: Log): Promise<number> {
  const db = new DatabaseSync(join(log.stateDir, 'skep.db'));
  db.exec('DELETE FROM cursor');
  db.close();
  const began = performance.now();
  const node = await startSwarmNode(stage, { name: 'folding', state: log });
  await answered(node, PATHS[0] ?? '/');
  const seconds = (performance.now() - began) / 1000;
  book.add('folded anew and serving', 's', seconds);
  const lines = readFileSync(node.logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('anew'));
  book.add('progress shown', 'lines', lines.length);
  rmSync(node.logFile);
  book.add('most memory while folding', 'MB', memoryMb(node.child.pid, 'VmHWM'));
  await node.child.stop();
  return seconds;
}

/** Milliseconds until the whole answer was here. */
async function answered(node: SwarmNode, path: string): Promise<number> {
  const began = performance.now();
  const response = await fetch(`${node.url}${path}`, {
    headers: { authorization: `Bearer ${node.token}` },
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
  });
  await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return performance.now() - began;
}
