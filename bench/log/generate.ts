/** Writes a made-up log through the store: tasks that mostly ran to their end, and posts, of four authors in turns. */
import { join } from 'node:path';
import type { Op } from '../../src/core/op.ts';
import { opId } from '../../src/core/op.ts';
import { createIdentity, loadIdentity } from '../../src/fabric/identity.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { inputOf } from '../load/window.ts';
import { Author, lifeOf, postBody, taskBody } from './author.ts';

/** Ops an author writes before the next one does: one signed batch, one transaction. */
const BATCH_OPS = 210;
/** One task in so many stays pending. */
const PENDING_EVERY = 20;
const SAY_EVERY_OPS = 100_000;

const input = inputOf<{ stateDir: string; ops: number }>();
const clock = { now: 0 };
// The first is the node that will serve this log: a node knows its own log by its key.
const authors = [loadIdentity(input.stateDir), createIdentity(), createIdentity(), createIdentity()].map(
  (identity) => new Author(identity, clock),
);
const store = await SqliteStore.open(join(input.stateDir, 'skep.db'));
const commit = async (author: Author, ops: readonly Op[]): Promise<void> => {
  await store.commit({ ops: author.signed(ops), rows: [] });
};

let tasks = 0;
/** A task with its life, and two posts: seven ops, three of a task that stays pending. */
function* chapter(author: Author): Generator<Op> {
  tasks += 1;
  const task = author.next(taskBody(author, { title: `task ${tasks}`, priority: tasks % 10 }));
  yield task;
  if (tasks % PENDING_EVERY !== 0) yield* lifeOf(author, opId(task));
  yield author.next(
    postBody(`task ${tasks}: the parser accepts trailing commas now; the suite is green, please look.`),
  );
  yield author.next(postBody(`task ${tasks}: looked, fine.`));
}

let made = 0;
for (const [index, author] of authors.entries()) await commit(author, [author.registers(`author-${index}`)]);
for (let turn = 0; made < input.ops; turn++) {
  const author = authors[turn % authors.length];
  if (author === undefined) throw new Error('no author');
  const ops: Op[] = [];
  while (ops.length < BATCH_OPS) ops.push(...chapter(author));
  await commit(author, ops);
  if (Math.floor(made / SAY_EVERY_OPS) < Math.floor((made + ops.length) / SAY_EVERY_OPS)) {
    process.stderr.write(`${made + ops.length} ops made\n`);
  }
  made += ops.length;
}
await store.close();
process.stdout.write(`${JSON.stringify({ done: true, ops: made, tasks })}\n`);
