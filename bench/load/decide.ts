/**
 * One decision a task: its first slot is decided `cancelled`, at five voters, and answered when the decision is on disk at its home as an op. The
 * tasks are made before the clock runs, and every voter knows them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AdminClient } from './admin.ts';
import type { CountSpec } from './window.ts';
import { inputOf, runCount } from './window.ts';

const VOTERS = 5;
const MAKE_WINDOW = 256;
const KNOWN_MAX_MS = 60_000;
const LOOK_MS = 50;

const input = inputOf<CountSpec & { sockets: string[] }>();
const [home, ...others] = await Promise.all(input.sockets.map((socket) => AdminClient.open(socket)));
if (home === undefined) throw new Error('no node to ask');

const tasks: string[] = [];
let made = 0;
const make = async (): Promise<void> => {
  while (made++ < input.count) {
    const title = 'nobody is able to work this';
    const task = await home.must(201, 'POST', '/api/swarm/tasks', {
      title,
      required_capabilities: ['nobody-has-this'],
    });
    if (!Array.isArray(task['voters']) || task['voters'].length !== VOTERS)
      throw new Error(`expected ${VOTERS} voters, got ${JSON.stringify(task['voters'])}`);
    tasks.push(String(task['id']));
  }
};
await Promise.all(Array.from({ length: MAKE_WINDOW }, make));

/** Ops of all logs that a node holds. */
async function held(node: AdminClient): Promise<number> {
  const { heads } = await node.must(200, 'GET', '/api/swarm/digest');
  return Object.values(heads ?? {}).reduce((sum: number, seq) => sum + Number(seq), 0);
}

const untilMs = performance.now() + KNOWN_MAX_MS;
for (;;) {
  const counts = await Promise.all([home, ...others].map(held));
  if (new Set(counts).size === 1) break;
  if (performance.now() > untilMs) throw new Error('the nodes do not come to hold the same');
  await sleep(LOOK_MS);
}

await runCount({ ...input, count: tasks.length }, async (n) => {
  await home.must(200, 'POST', `/api/swarm/tasks/${tasks[n]}/cancel`, {});
});
for (const client of [home, ...others]) client.close();
