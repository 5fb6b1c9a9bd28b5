/** Writes so many messages of four nodes into a new store, and says what an op cost. */
import { join } from 'node:path';
import type { Op } from '../../src/core/op.ts';
import { createIdentity } from '../../src/fabric/identity.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { inputOf } from '../load/window.ts';
import { Author } from './author.ts';
import { beginnings, Sayings } from './said.ts';

const BATCH_OPS = 200;
const SAY_EVERY_OPS = 200_000;

const input = inputOf<{ dir: string; messages: number }>();
const clock = { now: 0 };
const authors = Array.from({ length: 4 }, () => new Author(createIdentity(), clock));
const [first] = authors;
if (first === undefined) throw new Error('no author');
const store = await SqliteStore.open(join(input.dir, 'skep.db'));
const commit = async (author: Author, ops: readonly Op[]): Promise<void> => {
  await store.commit({ ops: author.signed(ops), rows: [] });
};

for (const [index, author] of authors.entries()) await commit(author, [author.registers(`author-${index}`)]);
await commit(
  first,
  Array.from(beginnings(), ({ body, by }) => first.next(body, undefined, { by })),
);
const sayings = new Sayings();
let [made, cpuUs] = [0, 0];
for (let turn = 0; made < input.messages; turn++) {
  const author = authors[turn % authors.length] ?? first;
  const ops = Array.from({ length: BATCH_OPS }, () => {
    const { body, by, wallMs } = sayings.next();
    return author.next(body, undefined, { by, wallMs });
  });
  const signed = author.signed(ops);
  const began = process.cpuUsage();
  await store.commit({ ops: signed, rows: [] });
  const spent = process.cpuUsage(began);
  cpuUs += spent.user + spent.system;
  made += ops.length;
  if (made % SAY_EVERY_OPS === 0) process.stderr.write(`${made} messages made\n`);
}
await store.close();
process.stdout.write(`${JSON.stringify({ done: true, cpuUsPerOp: cpuUs / made })}\n`);
