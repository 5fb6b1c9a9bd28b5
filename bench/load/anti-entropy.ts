/**
 * Two nodes hold a million ops of twenty authors; one lacks the newest op of each of ten authors who have been quiet since long ago. They link over
 * TLS, and what they say to each other until the ten are on disk is counted.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Op } from '../../src/core/op.ts';
import type { Frame } from '../../src/core/schema/frame.ts';
import { FRAME } from '../../src/core/schema/frame.ts';
import { encodeFrame, PREFIX_BYTES } from '../../src/fabric/framing.ts';
import { createIdentity, nodeCrypto } from '../../src/fabric/identity.ts';
import { MeshTransport } from '../../src/fabric/mesh.ts';
import { Engine, realClock } from '../../src/host/engine.ts';
import type { OpStore } from '../../src/ports.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { Author, postBody } from '../log/author.ts';
import { inputOf, tell } from './window.ts';

const AUTHORS = 20;
const QUIET = 10;
const BATCH_OPS = 250;
const FOUND_MAX_MS = 60_000;
const LOOK_MS = 5;
/** Beyond the interval at which linked nodes compare. */
const LATER_MS = 61_000;

const input = inputOf<{ dir: string; ops: number; rounds: number }>();
const ignore = (): void => undefined;

/** Said by either node. */
type Said = { by: 'lacking' | 'whole'; frame: Frame; bytes: number };

const authors = Array.from({ length: AUTHORS }, (_, n) => {
  // Each quiet one stopped at its own age of the log; the others share one clock that goes on.
  const clock = { now: Math.floor((n * input.ops) / AUTHORS) };
  return { clock, author: new Author(createIdentity(), clock), isQuiet: n < QUIET };
});

async function build(): Promise<{ lacking: SqliteStore; whole: SqliteStore }> {
  const path = join(input.dir, 'lacking.db');
  const store = await SqliteStore.open(path);
  const add = (author: Author, ops: readonly Op[]) => store.commit({ ops: author.signed(ops), rows: [] });
  for (const [n, { author }] of authors.entries()) await add(author, [author.registers(`author-${n}`)]);
  for (let made = 0, turn = 0; made < input.ops; made += BATCH_OPS, turn++) {
    const one = authors[turn % AUTHORS];
    if (one === undefined) continue;
    if (!one.isQuiet) one.clock.now = Math.max(one.clock.now, made);
    await add(
      one.author,
      Array.from({ length: BATCH_OPS }, () => one.author.next(postBody(`looked at ${made}, fine.`))),
    );
  }
  await store.close();
  copyFileSync(path, join(input.dir, 'whole.db'));
  return { lacking: await SqliteStore.open(path), whole: await SqliteStore.open(join(input.dir, 'whole.db')) };
}

async function openNode(
  store: OpStore,
  o: { seeds: string[]; said: (frame: Frame) => void; arrived: (op: Op) => void },
) {
  const identity = createIdentity();
  const crypto = nodeCrypto(identity);
  const transport = new MeshTransport({ identity, secret: 'a secret that only this bench knows', seeds: o.seeds });
  const send = transport.send.bind(transport);
  transport.send = (to, frame) => {
    for (const _one of to) o.said(frame);
    return send(to, frame);
  };
  let linkedMs = 0;
  const engine = new Engine({
    self: identity.node,
    store,
    transport,
    crypto,
    settings: { votersMax: 5, fullLinksMax: 64, leaseMs: 120_000, hasPath: () => false, hasProject: () => false },
    onAction: ignore,
    onArrivals: (arrivals) => {
      for (const { op } of arrivals) o.arrived(op);
    },
    onPresence: ignore,
    onGlimpse: ignore,
    onLink: () => {
      linkedMs = performance.now();
    },
    onUnlink: ignore,
    onFailed: (error) => {
      throw error;
    },
  });
  engine.boot();
  await engine.link();
  return { engine, transport, linkedMs: () => linkedMs };
}

async function until(isSo: () => boolean): Promise<void> {
  const untilMs = performance.now() + FOUND_MAX_MS;
  while (!isSo()) {
    if (performance.now() > untilMs) throw new Error('the missing ops were not found');
    await sleep(LOOK_MS);
  }
}

/** What is stored of an op: its two texts and its signature. */
const bytesOf = (op: Op): number =>
  Buffer.byteLength(op.headerText) + Buffer.byteLength(op.bodyText) + Buffer.byteLength(op.sig ?? '');

/** The newest of each quiet author, in the whole store only. */
async function addMissing(whole: OpStore): Promise<Op[]> {
  const missing: Op[] = [];
  for (const { author, isQuiet } of authors) {
    if (!isQuiet) continue;
    const ops = author.signed([author.next(postBody('one more, which the other does not hold yet'))]);
    await whole.commit({ ops, rows: [] });
    missing.push(...ops);
  }
  return missing;
}

/** What a node that asks for everything above its own highest stamp, or 1 % below it, would get. */
function sinceMaximum(missing: readonly Op[], lacking: OpStore) {
  const db = new DatabaseSync(join(input.dir, 'copy.db'), { readOnly: true });
  const ask = (above: number) => {
    const row = db.prepare('SELECT total(length(header) + length(body)) AS bytes FROM op WHERE lamport > ?').get(above);
    const found = missing.filter((op) => op.header.lamport > above).length;
    return { bytes: Number(row?.['bytes']), found };
  };
  const [above, back, all] = [lacking.lamport(), Math.floor(lacking.lamport() * 0.99), 0].map(ask);
  db.close();
  return { above, back, all };
}

async function round(n: number, stores: { lacking: SqliteStore; whole: SqliteStore }): Promise<Record<string, number>> {
  const missing = await addMissing(stores.whole);
  const wanted = new Set(missing.map((op) => op.hash));
  const said: Said[] = [];
  let foundMs = 0;
  const hear = (by: Said['by']) => (frame: Frame) =>
    void said.push({ by, frame, bytes: encodeFrame(frame).length - PREFIX_BYTES });
  const whole = await openNode(stores.whole, { seeds: [], said: hear('whole'), arrived: ignore });
  const seeds = [`127.0.0.1:${whole.transport.address()?.port}`];
  const lacking = await openNode(stores.lacking, {
    seeds,
    said: hear('lacking'),
    arrived: (op) => {
      if (wanted.delete(op.hash) && wanted.size === 0) foundMs = performance.now();
    },
  });
  await until(() => foundMs > 0);
  const texts = missing.reduce((sum, op) => sum + bytesOf(op), 0);
  const synced = said.filter(({ frame }) => frame.type === FRAME.heads || 'op' in frame || frame.type === FRAME.ops);
  const turns = synced.filter((one, at) => one.by === 'lacking' && synced[at - 1]?.by !== 'lacking').length;
  const bytes = synced.reduce((sum, one) => sum + one.bytes, 0);
  said.length = 0;
  const clock = realClock();
  lacking.engine.core.tick({ ...clock, nowMs: clock.nowMs + LATER_MS });
  lacking.engine.kick();
  await until(() => said.some(({ frame, by }) => by === 'lacking' && frame.type === FRAME.heads));
  const inSync = said.find(({ frame, by }) => by === 'lacking' && frame.type === FRAME.heads)?.bytes ?? Number.NaN;
  for (const { engine, transport } of [lacking, whole]) {
    engine.close();
    await transport.close();
  }
  return {
    [`besides${n}`]: bytes - texts,
    [`ops${n}`]: texts,
    [`rounds${n}`]: turns,
    [`ms${n}`]: foundMs - Math.max(lacking.linkedMs(), whole.linkedMs()),
    [`inSync${n}`]: inSync,
  };
}

const stores = await build();
let figures: Record<string, number> = {};
for (let n = 1; n <= input.rounds; n++) figures = { ...figures, ...(await round(n, stores)) };
const missing = await addMissing(stores.whole);
await stores.whole.snapshot(join(input.dir, 'copy.db'), { onProgress: ignore, signal: new AbortController().signal });
const { above, back, all } = sinceMaximum(missing, stores.lacking);
tell({
  ...figures,
  aboveBytes: above?.bytes ?? Number.NaN,
  aboveFound: above?.found ?? Number.NaN,
  backBytes: back?.bytes ?? Number.NaN,
  backFound: back?.found ?? Number.NaN,
  allBytes: all?.bytes ?? Number.NaN,
  allFound: all?.found ?? Number.NaN,
});
await stores.lacking.close();
await stores.whole.close();
