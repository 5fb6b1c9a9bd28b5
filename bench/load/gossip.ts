/** What both contenders of the gossip bench do: spread small facts from every node to all others, at a steady pace and as fast as a window allows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../figures.ts';
import { tell } from './window.ts';

export type GossipSpec = { nodes: number; paced: number; paceMs: number; count: number; window: number };

/** A swarm of `nodes` in this process. */
export type Swarm = {
  /** Resolves when the author has acknowledged it; `n` names the fact. */
  publish: (author: number, n: number) => Promise<void>;
  /** Called for each node other than the author that has the fact. */
  onDelivery: (hear: (n: number) => void) => void;
  close: () => Promise<void>;
};

/** Longer than what either does to repair on its own takes: where a fact is not by then, it counts as lost. */
const SPREAD_MAX_MS = 5_000;

type Fact = { atMs: number[]; over: () => void };

/** Prints deliveries a second, processor time a delivery, and the time from the acknowledgement to each delivery at a steady pace. */
export async function runGossip(spec: GossipSpec, swarm: Swarm): Promise<void> {
  const facts = new Map<number, Fact>();
  let lastMs = 0;
  let delivered = 0;
  swarm.onDelivery((n) => {
    const fact = facts.get(n);
    if (fact === undefined) return;
    lastMs = performance.now();
    delivered += 1;
    fact.atMs.push(lastMs);
    if (fact.atMs.length === spec.nodes - 1) fact.over();
  });
  const spread = async (n: number): Promise<number[]> => {
    const over = Promise.withResolvers<void>();
    const fact: Fact = { atMs: [], over: over.resolve };
    facts.set(n, fact);
    await swarm.publish(n % spec.nodes, n);
    const ackMs = performance.now();
    const timer = setTimeout(over.resolve, SPREAD_MAX_MS);
    await over.promise;
    clearTimeout(timer);
    facts.delete(n);
    // A node that has it before its author answered has it at once.
    return fact.atMs.map((atMs) => Math.max(0, atMs - ackMs));
  };

  const underWay: Promise<number[]>[] = [];
  for (let n = 0; n < spec.paced; n++) {
    underWay.push(spread(n));
    await sleep(spec.paceMs);
  }
  const took = (await Promise.all(underWay)).flat();

  const paced = delivered;
  const began = performance.now();
  const cpu = process.cpuUsage();
  let next = spec.paced;
  const worker = async (): Promise<void> => {
    while (next < spec.paced + spec.count) await spread(next++);
  };
  await Promise.all(Array.from({ length: spec.window }, worker));
  const spent = process.cpuUsage(cpu);
  const deliveries = delivered - paced;
  tell({
    // Until the last one that came: whoever waits for a lost one says nothing about the others.
    deliveriesPerSecond: (deliveries / (lastMs - began)) * 1000,
    lost: (spec.paced + spec.count) * (spec.nodes - 1) - delivered,
    cpuUsPerDelivery: (spent.user + spent.system) / deliveries,
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
  });
  await swarm.close();
}
