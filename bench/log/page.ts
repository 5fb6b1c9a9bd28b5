/** Writes a node's log of a large swarm that a page is opened on: tasks of which one in five is open, and agents that no task fits. */
import { join } from 'node:path';
import type { Op } from '../../src/core/op.ts';
import { opId } from '../../src/core/op.ts';
import { loadIdentity } from '../../src/fabric/identity.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { inputOf } from '../load/window.ts';
import { Author, lifeOf, taskBody } from './author.ts';

const BATCH_OPS = 200;
/** One task in so many stays pending. */
const PENDING_EVERY = 5;

const input = inputOf<{ stateDir: string; tasks: number; agents: number }>();
const author = new Author(loadIdentity(input.stateDir), { now: 0 });
const store = await SqliteStore.open(join(input.stateDir, 'skep.db'));
let waiting: Op[] = [];
const flush = async (): Promise<void> => {
  if (waiting.length > 0) await store.commit({ ops: author.signed(waiting), rows: [] });
  waiting = [];
};
const write = async (op: Op): Promise<void> => {
  if (waiting.push(op) >= BATCH_OPS) await flush();
};

await write(author.registers('bench'));
for (let n = 1; n <= input.agents; n += 1) {
  await write(
    author.next({
      type: 'agent.registered',
      name: `agent-${n}`,
      tool: 'shell',
      capabilities: [`group-${n % 10}`],
      tmuxSessionId: null,
      projectPath: null,
      maxConcurrentTasks: 1,
    }),
  );
}
for (let n = 1; n <= input.tasks; n += 1) {
  const task = author.next(taskBody(author, { title: `Mend the parser, part ${n}`, priority: n % 10 }));
  await write(task);
  if (n % PENDING_EVERY !== 0) for (const op of lifeOf(author, opId(task))) await write(op);
}
await flush();
await store.close();
process.stdout.write(`${JSON.stringify({ done: true })}\n`);
