/** Tasks one after the other: from the request that creates one to the first line of the script that works it, by one clock. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../figures.ts';
import { AdminClient } from './admin.ts';
import { inputOf, tell } from './window.ts';

/** A task that takes longer is lost, not slow. */
const START_MAX_MS = 20_000;
/** Between two tasks: its agent is free again, and nobody waits for a disk. */
const REST_MS = 30;
const LOOK_MS = 3;
/** Long enough that each agent gets one of those that are created at once. */
const WARMUP_SECONDS = 0.5;

const input = inputOf<{ socket: string; dir: string; count: number; agents: number }>();
const client = await AdminClient.open(input.socket);

/** Wall clock of the script's first line, in milliseconds with microseconds: bash knows it without another process. */
async function startedAt(file: string): Promise<number> {
  const untilMs = performance.now() + START_MAX_MS;
  while (performance.now() < untilMs) {
    try {
      const text = readFileSync(file, 'utf8');
      if (text.endsWith('\n')) return Number(text) * 1000;
    } catch {
      // Not begun yet.
    }
    await sleep(LOOK_MS);
  }
  throw new Error(`nothing was started in ${START_MAX_MS} ms`);
}

async function create(description: string): Promise<string> {
  const body = { title: 'start', description, required_capabilities: ['shell'] };
  return String((await client.must(201, 'POST', '/api/swarm/tasks', body))['id']);
}

async function completed(task: string): Promise<void> {
  while ((await client.must(200, 'GET', `/api/swarm/tasks/${task}`))['status'] !== 'completed') await sleep(REST_MS);
}

// Every agent works once: the holder of its node runs then, as it does where there is work.
const warmup = Array.from({ length: input.agents }, () => create(`sleep ${WARMUP_SECONDS}`));
for (const task of await Promise.all(warmup)) await completed(task);

const tookMs: number[] = [];
for (let n = 0; n < input.count; n++) {
  const file = join(input.dir, `start-${n}`);
  // The wall clock, as the script reads it: the monotonic one of this process drifts from it where a machine's clock is slewed.
  const askedMs = Date.now();
  const task = await create(`echo "$EPOCHREALTIME" >'${file}.draft'; mv '${file}.draft' '${file}'`);
  tookMs.push((await startedAt(file)) - askedMs);
  await completed(task);
}
tell({ p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99) });
client.close();
