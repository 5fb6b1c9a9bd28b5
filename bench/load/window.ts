/** A closed loop of `window` requests at once for a fixed time: what every client of the append bench runs, whatever it talks to. */
import { cpuUsSoFar } from '../child.ts';
import { quantile } from '../figures.ts';

export type WindowSpec = { window: number; warmupMs: number; runMs: number };

/** Calls `one` again and again, and prints the figures as the program's one line. `opsAll` counts the warm-up too. */
export async function runWindow(spec: WindowSpec, one: () => Promise<void>): Promise<void> {
  const began = performance.now();
  const from = began + spec.warmupMs;
  const until = from + spec.runMs;
  const latencies: number[] = [];
  let opsAll = 0;
  let last = from;
  const worker = async (): Promise<void> => {
    for (let sent = performance.now(); sent < until; sent = performance.now()) {
      await one();
      const answered = performance.now();
      opsAll += 1;
      if (sent < from) continue;
      latencies.push(answered - sent);
      last = answered;
    }
  };
  await Promise.all(Array.from({ length: spec.window }, worker));
  tell({
    opsPerSecond: (latencies.length / (last - from)) * 1000,
    opsAll,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  });
}

export type CountSpec = { window: number; count: number; pids: readonly number[] };

/** The same for a fixed number of requests, each of its own number from 0: where each needs something that was made before. The first tenth warms up. */
export async function runCount(spec: CountSpec, one: (n: number) => Promise<void>): Promise<void> {
  const warmup = Math.floor(spec.count / 10);
  const latencies: number[] = [];
  let from = performance.now();
  let cpuUs = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < spec.count) {
      const n = next++;
      if (n === warmup) {
        from = performance.now();
        cpuUs = cpuUsOf(spec.pids);
      }
      const sent = performance.now();
      await one(n);
      if (n >= warmup) latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: spec.window }, worker));
  tell({
    opsPerSecond: (latencies.length / (performance.now() - from)) * 1000,
    cpuUsPerOp: (cpuUsOf(spec.pids) - cpuUs) / latencies.length,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  });
}

/** What these processes, the servers that are measured, have used so far. */
const cpuUsOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuUsSoFar(pid), 0);

/** The program's one line. */
export const tell = (figures: Record<string, number>): void =>
  void process.stdout.write(`${JSON.stringify({ done: true, ...figures })}\n`);

/** The program's argument. What it holds is checked by nobody: only the bench beside it writes it. */
export const inputOf = <T>(): T => JSON.parse(process.argv[2] ?? '{}');

/** 290 bytes, as the issue says: about what a post or a claim is. */
export const PAYLOAD = 'a fact of the swarm, as long as facts are. '.repeat(7).slice(0, 290);
