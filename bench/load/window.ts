/** A closed loop of `window` requests at once for a fixed time: what every client of the append bench runs, whatever it talks to. */
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
  const figures = {
    done: true,
    opsPerSecond: (latencies.length / (last - from)) * 1000,
    opsAll,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** The program's argument. What it holds is checked by nobody: only the bench beside it writes it. */
export const inputOf = <T>(): T => JSON.parse(process.argv[2] ?? '{}');

/** 290 bytes, as the issue says: about what a post or a claim is. */
export const PAYLOAD = 'a fact of the swarm, as long as facts are. '.repeat(7).slice(0, 290);
