/**
 * Kills a process that writes to a SQLite store, many times, at drawn moments and at chosen points inside a commit, and checks after each kill
 * what the file holds: everything acknowledged with its bytes, nothing under a number that was used before, and views as the log says.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isChain } from '#core/chain.ts';
import type { Op } from '#core/op.ts';
import type { OpStore } from '#ports.ts';
import { MemoryStore } from '#store/memory.ts';
import { SqliteStore } from '#store/sqlite.ts';
import { testCrypto } from './author.ts';
import { randomOf } from './random.ts';

/** Kills that hit one file before it is thrown away: enough to build on what a crash left, few enough to be read whole each time. */
const KILLS_A_FILE = 8;
/** A child that is not dead by then hangs. */
const LIFE_MAX_MS = 15_000;

const POINTS = ['begin', 'began', 'inserted', 'folded', 'writing', 'committed', 'refolded', 'moment'] as const;
type Point = (typeof POINTS)[number];

export type Tally = {
  kills: Record<Point, number>;
  acknowledged: number;
  /** Kills after which ops were on disk that nobody had acknowledged yet. */
  storedUnacknowledged: number;
  /** Kills after which ops that were handed in were not on disk. */
  lost: number;
};

/** One file and what is known to be in it, by `<node> <seq>`. */
type Subject = { path: string; stored: Map<string, string>; compileCache: string };
type Life = { tried: Map<string, string>; acknowledged: Map<string, string> };

/** Runs `kills` kills, two files side by side, and throws at the first broken promise. */
export async function runKills(kills: number, seed: number): Promise<Tally> {
  const tally: Tally = {
    kills: { begin: 0, began: 0, inserted: 0, folded: 0, writing: 0, committed: 0, refolded: 0, moment: 0 },
    acknowledged: 0,
    storedUnacknowledged: 0,
    lost: 0,
  };
  const dir = await mkdtemp(join(tmpdir(), 'skep-kill-'));
  try {
    const lanes = [0, 1].map(async (lane) =>
      runLane({ dir, lane, kills: Math.ceil((kills - lane) / 2), seed: seed + lane, tally }),
    );
    // Both to their end, also when one fails: the directory is theirs until then.
    const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    await rm(dir, { recursive: true });
  }
  return tally;
}

async function runLane(o: { dir: string; lane: number; kills: number; seed: number; tally: Tally }): Promise<void> {
  const random = randomOf(o.seed);
  let subject: Subject | undefined;
  for (let kill = 0; kill < o.kills; kill++) {
    if (subject === undefined || kill % KILLS_A_FILE === 0) {
      const path = join(o.dir, `${o.lane}-${kill}.db`);
      subject = { path, stored: new Map(), compileCache: join(o.dir, 'compiled') };
    }
    // Half of the kills come at a drawn moment; a re-fold needs something to fold.
    const drawn = POINTS[random(POINTS.length * 2)] ?? 'moment';
    const point = drawn === 'refolded' && subject.stored.size === 0 ? 'moment' : drawn;
    const life = await liveAndDie(subject, point, random);
    o.tally.kills[point] += 1;
    o.tally.acknowledged += life.acknowledged.size;
    await examine(subject, life, o.tally);
  }
}

/** Starts a child, kills it (or sees it kill itself) and gives what it said. */
async function liveAndDie(subject: Subject, point: Point, random: (below: number) => number): Promise<Life> {
  const nth = point === 'inserted' ? 1 + random(60) : point === 'refolded' ? 1 : 1 + random(12);
  const args = [join(import.meta.dirname, 'kill-child.ts'), subject.path, String(random(2 ** 31)), point, String(nth)];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIFE_MAX_MS,
    env: { NODE_COMPILE_CACHE: subject.compileCache },
  });
  // After so many bytes of its story, and then a moment more: anywhere in a turn, in a transaction, in a checkpoint.
  const killAfterBytes = random(60_000);
  const killAfterMs = random(4);
  let output = '';
  let errors = '';
  let killed = false;
  child.stderr.on('data', (piece) => (errors += String(piece)));
  child.stdout.on('data', (piece) => {
    output += String(piece);
    if (killed || point !== 'moment' || output.length < killAfterBytes) return;
    killed = true;
    setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  });
  const signal = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_code, how) => resolve(how));
  });
  expect({ signal, errors, point }).toEqual({ signal: 'SIGKILL', errors: '', point });
  return lifeOf(output);
}

/** Whole lines alone: the last one may be torn. */
function lifeOf(output: string): Life {
  const life: Life = { tried: new Map(), acknowledged: new Map() };
  for (const line of output.slice(0, output.lastIndexOf('\n') + 1).split('\n')) {
    const [word, node, seq, hash] = line.split(' ');
    if (hash !== undefined) (word === 'ack' ? life.acknowledged : life.tried).set(`${node} ${seq}`, hash);
  }
  return life;
}

async function examine(subject: Subject, life: Life, tally: Tally): Promise<void> {
  const store = await SqliteStore.open(subject.path);
  try {
    const found = readLogs(store);
    for (const [name, hash] of life.acknowledged) expect(`${name} ${found.get(name)}`).toBe(`${name} ${hash}`);
    for (const [name, hash] of subject.stored) expect(`${name} ${found.get(name)}`).toBe(`${name} ${hash}`);
    const fresh = [...found.keys()].filter((name) => !subject.stored.has(name));
    for (const name of fresh) expect(`${name} ${found.get(name)}`).toBe(`${name} ${life.tried.get(name)}`);
    if (fresh.some((name) => !life.acknowledged.has(name))) tally.storedUnacknowledged += 1;
    if ([...life.tried.keys()].some((name) => !found.has(name))) tally.lost += 1;
    subject.stored = found;
    await expectViewsOf(store);
  } finally {
    await store.close();
  }
}

/** All ops by name, each checked: its hash is that of its bytes, its chain holds, and the row written with it stands at the same number. */
function readLogs(store: OpStore): Map<string, string> {
  const found = new Map<string, string>();
  for (const [node, head] of store.heads()) {
    const ops = store.opsOf(node, { from: 1, maxOps: head.seq + 1, maxBytes: 1e9 });
    expect(ops.length).toBe(head.seq);
    expect(ops.at(-1)?.hash).toBe(head.hash);
    expect(isChain(ops)).toBe(true);
    expect(ops.every(isItsBytes)).toBe(true);
    expect(store.localRow('meta', node)).toBe(head.seq);
    for (const op of ops) found.set(`${node} ${op.header.seq}`, op.hash);
  }
  expect(store.lastArrival()).toBe(found.size);
  return found;
}

const isItsBytes = (op: Op): boolean =>
  testCrypto.sha256(op.headerText) === op.hash && testCrypto.sha256(op.bodyText) === op.header.bodyHash;

/** The views equal those that another store folds from the same ops. */
async function expectViewsOf(store: OpStore): Promise<void> {
  const arrivals = store.arrivals({ after: 0, limit: 1e6 });
  expect(arrivals.map(({ n }) => n)).toEqual(Array.from(arrivals.keys(), (at) => at + 1));
  const fresh = new MemoryStore({ crypto: testCrypto });
  await fresh.commit({ ops: arrivals.map(({ op }) => op), rows: [] });
  expect(store.digest()).toBe(fresh.digest());
}
