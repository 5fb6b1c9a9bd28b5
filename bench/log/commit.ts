/** Commits made-up ops through a fresh store and says how fast. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Op } from '../../src/core/op.ts';
import { opId } from '../../src/core/op.ts';
import { createIdentity } from '../../src/fabric/identity.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { inputOf } from '../load/window.ts';
import { Author, lifeOf, postBody, taskBody } from './author.ts';

/** Ops of a cell: a second or two of work, however many a turn. */
const OPS: Record<number, number> = { 1: 3_000, 64: 40_000, 512: 60_000 };

const input = inputOf<{ dir: string; kind: string; perTurn: number }>();
const author = new Author(createIdentity(), { now: 0 });

function* opsOf(kind: string): Generator<Op, never> {
  for (let n = 0; ; n++) {
    if (kind === 'posts') {
      yield author.next(
        postBody(`post ${n}: the parser accepts trailing commas now; the suite is green, please look.`),
      );
      continue;
    }
    const task = author.next(taskBody(author, { title: `task ${n}`, priority: n % 10 }));
    yield task;
    if (kind !== 'tasks') yield* lifeOf(author, opId(task));
  }
}

const dir = mkdtempSync(join(input.dir, 'commit-'));
const store = await SqliteStore.open(join(dir, 'skep.db'));
const source = opsOf(input.kind);
const wanted = OPS[input.perTurn] ?? 40_000;
let count = 0;
let spentMs = 0;
let cpuUs = 0;
while (count < wanted) {
  const ops: Op[] = [];
  while (ops.length < input.perTurn) {
    const { value } = source.next();
    if (value !== undefined) ops.push(value);
  }
  const began = performance.now();
  const cpuBegan = process.cpuUsage();
  await Promise.all(ops.map((op) => store.commit({ ops: [op], rows: [] })));
  const spent = process.cpuUsage(cpuBegan);
  spentMs += performance.now() - began;
  cpuUs += spent.user + spent.system;
  count += ops.length;
}
await store.close();
rmSync(dir, { recursive: true });
process.stdout.write(
  `${JSON.stringify({ done: true, opsPerSecond: (count / spentMs) * 1000, cpuUsPerOp: cpuUs / count })}\n`,
);
