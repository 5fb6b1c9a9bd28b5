/**
 * The process that the kill tests kill: it appends to a store as fast as it can and tells on its standard output what it tries (`try <node>
 * <seq> <hash>`) and what was acknowledged (`ack …`). Arguments: path, seed, the point at which it kills itself (or `none`), and which pass of it.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Op } from '#core/op.ts';
import { opId } from '#core/op.ts';
import { viewSpecs } from '#core/view/views.ts';
import { SqliteStore } from '#store/sqlite.ts';
import { Author, postBody, taskBody } from './author.ts';
import { randomOf } from './random.ts';

/** A life without a kill ends here, and the test says that the kill did not bite. */
const TURNS_MAX = 3_000;
const COMMITS_MAX = 60;
/** About as long as a commit takes. */
const KILL_DELAY_MAX_MICROS = 600;

const [path = '', seed = '0', point = 'none', nth = '1'] = process.argv.slice(2);
const random = randomOf(Number(seed));
let passes = 0;

/** Kills from another thread, some microseconds after it is told to: this thread is then inside the commit, writing its pages. */
const killer = `
  const { workerData } = require('node:worker_threads');
  Atomics.wait(workerData.go, 0, 0);
  const until = process.hrtime.bigint() + BigInt(workerData.delayMicros) * 1000n;
  while (process.hrtime.bigint() < until);
  process.kill(process.pid, 'SIGKILL');
`;
const go = new Int32Array(new SharedArrayBuffer(4));
if (point === 'writing') {
  const worker = new Worker(killer, { eval: true, workerData: { go, delayMicros: random(KILL_DELAY_MAX_MICROS) } });
  await once(worker, 'online');
}

function pass(name: string): void {
  if (name !== (point === 'writing' ? 'folded' : point)) return;
  passes += 1;
  if (passes !== Number(nth)) return;
  if (point !== 'writing') process.kill(process.pid, 'SIGKILL');
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
}

/** At once and whole: a line of a killed process must not wait in a buffer of its own. A full pipe is emptied by the test. */
function say(word: string, ops: readonly Op[]): void {
  let rest = Buffer.from(ops.map((op) => `${word} ${op.header.node} ${op.header.seq} ${op.hash}\n`).join(''));
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}

/** A post, a task, or something about the task before: ops of all sizes, some of which make new rows and some change old ones. */
function nextOp(author: Author, task: Op | undefined): Op {
  const kind = random(4);
  if (kind === 0 || task === undefined)
    return author.next(taskBody({ voters: [author.node], description: 'd'.repeat(random(9000)) }));
  if (kind === 1) return author.next(postBody('x'.repeat(1 + random(900))));
  if (kind === 2) return author.next({ type: 'task.claimed', slot: 1, agent: opId(task) }, { entity: opId(task) });
  return author.next({ type: 'task.started', slot: 1 + random(3) }, { entity: opId(task) });
}

// A version of its own makes it fold everything anew, so that kills meet that too.
const specs = point === 'refolded' ? { ...viewSpecs, task: { ...viewSpecs.task, version: -1 } } : viewSpecs;
const store = await SqliteStore.open(path, { specs, onPoint: pass, onProgress: () => pass('refolded') });
const authors = ['own', 'peer'].map((name) => {
  const author = new Author(name);
  author.head = store.heads().get(author.node) ?? author.head;
  author.lamport = store.lamport();
  return author;
});
let task: Op | undefined;

async function commitOne(author: Author): Promise<void> {
  const ops = Array.from({ length: 1 + random(4) }, () => {
    const op = nextOp(author, task);
    if (op.body.type === 'task.created') task = op;
    return op;
  });
  say('try', ops);
  await store.commit({ ops, rows: [{ table: 'meta', key: author.node, value: author.head.seq }] });
  say('ack', ops);
}

for (let turn = 0; turn < TURNS_MAX; turn++) {
  // A large turn writes for a while, so that kills fall into the writing too and not only before or after it.
  const commits = 1 + random(random(3) === 0 ? COMMITS_MAX : 6);
  await Promise.all(Array.from({ length: commits }, () => commitOne(authors[random(2)] ?? new Author('nobody'))));
}
