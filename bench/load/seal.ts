/** Writes a log of a million ops of twenty authors, seals it, looks at what it takes before and after, and checks all of it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { OpId } from '../../src/core/brand.ts';
import { opIdOf } from '../../src/core/brand.ts';
import { readOp, signedText } from '../../src/core/chain.ts';
import type { Op } from '../../src/core/op.ts';
import { opId } from '../../src/core/op.ts';
import type { Body } from '../../src/core/schema/body.ts';
import { createIdentity, nodeCrypto } from '../../src/fabric/identity.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { Author, postBody, taskBody } from '../log/author.ts';
import { Words } from '../log/words.ts';
import { inputOf, tell } from './window.ts';

const AUTHORS = 20;
const COMMIT_OPS = 5_000;
const READ_OPS = 256;
const READ_BYTES = 448 * 1024;
const SAY_EVERY_OPS = 100_000;

/** Tables and indexes that hold ops in either form. */
const LOG = ['op', 'op_log', 'op_timeline', 'run', 'run_log', 'run_arrival', 'run_entity'];
const AGENT = {
  type: 'agent.registered',
  tool: 'shell',
  capabilities: ['shell'],
  projectPath: null,
  tmuxSessionId: null,
  maxConcurrentTasks: 1,
} as const;

const input = inputOf<{ dir: string; ops: number; keep: number }>();
const path = join(input.dir, 'skep.db');
const words = new Words(17);
const clock = { now: 0 };
const identities = Array.from({ length: AUTHORS }, () => createIdentity());
const authors = identities.map((identity) => new Author(identity, clock));
const pick = (): Author => {
  const author = authors[words.between(0, AUTHORS - 1)];
  if (author === undefined) throw new Error('no author');
  return author;
};

const work = () => ({
  project: null,
  branch: `skep/${words.hex(32)}-${words.between(1, 9_999)}/1`,
  base: words.hex(40),
  head: words.hex(40),
  commits: words.between(1, 6),
  bundle: words.hex(64),
  sizeBytes: words.between(500, 90_000),
});

/** A task from its creation at one node to its end at another, of which a third claimed it in vain; now and then a post. Each is one signed batch. */
function* life(agents: ReadonlyMap<Author, OpId>): Generator<Op> {
  const [home, worker, loser] = [pick(), pick(), pick()];
  const say = (author: Author, body: Body, task?: OpId): Op[] => author.signed([author.next(body, task)]);
  const agentOf = (author: Author): OpId => agents.get(author) ?? opIdOf(author.node, 1);
  const shape = taskBody(home, { title: words.text(3, 9), priority: words.between(0, 9) });
  const [created] = say(home, {
    ...shape,
    description: words.text(15, 80),
    context: words.text(3, 12),
    voters: [home.node, worker.node, loser.node],
  });
  if (created === undefined) return;
  yield created;
  const task = opId(created);
  const [claim] = say(worker, { type: 'task.claimed', slot: 1, agent: agentOf(worker) }, task);
  if (claim === undefined) return;
  yield claim;
  yield* say(loser, { type: 'task.claimed', slot: 1, agent: agentOf(loser) }, task);
  const grant = { kind: 'granted', attempt: 1, claim: opId(claim), node: worker.node, agent: agentOf(worker) } as const;
  yield* say(home, { type: 'task.granted', slot: 1, value: grant }, task);
  yield* say(worker, { type: 'task.started', slot: 1 }, task);
  const rest = { kind: 'completed', attempt: 1, reason: null, error: null, by: null } as const;
  const value = { ...rest, result: words.text(8, 60), work: words.unit() < 0.5 ? work() : null };
  yield* say(worker, { type: 'task.ended', slot: 2, value }, task);
  if (words.unit() < 0.5) yield* say(pick(), postBody(words.text(5, 25)));
}

/** What each log begins with: its key, and an agent. */
function openings(): { ops: Op[]; agents: Map<Author, OpId> } {
  const agents = new Map<Author, OpId>();
  const ops = authors.flatMap((author, at) => {
    const agent = author.next({ ...AGENT, name: `agent-${at}` });
    agents.set(author, opId(agent));
    return author.signed([agent]);
  });
  return { ops, agents };
}

async function build(): Promise<void> {
  const store = await SqliteStore.open(path);
  const { ops: first, agents } = openings();
  let [waiting, made] = [first, 0];
  while (made < input.ops) {
    while (waiting.length < COMMIT_OPS) waiting.push(...life(agents));
    await store.commit({ ops: waiting, rows: [] });
    if (Math.floor(made / SAY_EVERY_OPS) < Math.floor((made + waiting.length) / SAY_EVERY_OPS))
      process.stderr.write(`${made + waiting.length} ops made\n`);
    made += waiting.length;
    waiting = [];
  }
  await store.close();
}

/** Bytes of pages that hold ops, and of all. */
function sizes(): { log: number; file: number } {
  const db = new DatabaseSync(path);
  const of = (where: string): number =>
    Number(db.prepare(`SELECT total(pgsize) AS bytes FROM dbstat WHERE ${where}`).get()?.['bytes']);
  const log = of(`name IN (${LOG.map((name) => `'${name}'`).join(', ')})`);
  const file = of('1');
  db.close();
  return { log, file };
}

/** Reads every log page by page as a peer would get it, and checks each text, each link of the chain and the signature at the end of each page. */
function verify(store: SqliteStore): { ops: number; seconds: number } {
  const began = performance.now();
  let ops = 0;
  for (const { node, publicKey } of identities) {
    const crypto = nodeCrypto(createIdentity());
    let prev: string | undefined;
    for (let from = 1; ;) {
      const page = store.opsOf(node, { from, maxOps: READ_OPS, maxBytes: READ_BYTES });
      const read = page.slice(0, page.findLastIndex((op) => op.sig !== undefined) + 1);
      const last = read.at(-1);
      if (last?.sig === undefined) break;
      for (const { headerText, bodyText } of read) {
        const op = readOp([headerText, bodyText], crypto);
        if (op === undefined || (prev !== undefined && op.header.prev !== prev)) throw new Error('a chain is broken');
        prev = op.hash;
      }
      if (!crypto.verify({ publicKey, text: signedText(last.hash), sig: last.sig }))
        throw new Error('a signature is wrong');
      ops += read.length;
      from = last.header.seq + 1;
    }
    if (prev !== store.heads().get(node)?.hash) throw new Error('a head is another one');
  }
  return { ops, seconds: (performance.now() - began) / 1000 };
}

/** As after an upgrade that changed every view. */
async function foldAnew(): Promise<{ seconds: number; digest: string }> {
  const db = new DatabaseSync(path);
  db.exec('DELETE FROM cursor');
  db.close();
  const began = performance.now();
  const store = await SqliteStore.open(path);
  const seconds = (performance.now() - began) / 1000;
  const digest = store.digest();
  await store.close();
  return { seconds, digest };
}

async function seal(): Promise<{ seconds: number; longestMs: number; sealed: number }> {
  const store = await SqliteStore.open(path);
  const began = performance.now();
  let longestMs = 0;
  for (;;) {
    const at = performance.now();
    if ((await store.seal({ keep: input.keep })) === 0) break;
    longestMs = Math.max(longestMs, performance.now() - at);
  }
  const seconds = (performance.now() - began) / 1000;
  const sealed = store.sealedOps();
  await store.close();
  return { seconds, longestMs, sealed };
}

async function verified(): Promise<{ ops: number; seconds: number }> {
  const store = await SqliteStore.open(path);
  const found = verify(store);
  await store.close();
  return found;
}

/** The digest of the rows as they are. */
async function digest(): Promise<string> {
  const store = await SqliteStore.open(path);
  const found = store.digest();
  await store.close();
  return found;
}

await build();
const plain = { sizes: sizes(), digest: await digest() };
process.stderr.write('sealing\n');
const done = await seal();
const after = sizes();
process.stderr.write('reading all of it\n');
const read = await verified();
process.stderr.write('folding anew\n');
const folded = await foldAnew();
if (folded.digest !== plain.digest) throw new Error('the rows are others than before');
tell({
  ops: read.ops,
  sealedOps: done.sealed,
  logBytes: plain.sizes.log,
  fileBytes: plain.sizes.file,
  sealedLogBytes: after.log,
  sealedFileBytes: after.file,
  sealS: done.seconds,
  longestMs: done.longestMs,
  readS: read.seconds,
  foldS: folded.seconds,
});
rmSync(path);
