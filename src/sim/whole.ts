/** Whole nodes in a calm swarm: what they say to one another when nothing happens, what a task costs, and what a node holds. */
import { Random } from './random.ts';
import { SKELETON_STORM } from './storm-knobs.ts';
import { Swarm } from './swarm.ts';

export type WholeResult = {
  nodes: number;
  /** From the start of all at once until each holds the first ops of all. */
  joinMs: number;
  joinFramesPerNode: number;
  joinBytesPerNode: number;
  /** A node and second, while nothing happens. */
  idleFrames: number;
  idleBytes: number;
  /** A task, all nodes together, above what an idle swarm says. */
  taskFrames: number;
  taskBytes: number;
  heapBytesPerNode: number;
  violations: readonly string[];
};

const JOINED_WITHIN_MS = 60_000;
const SETTLED_MS = 30_000;
const IDLE_MS = 30_000;
const TASKS_MS = 10_000;
const TASKS_WITHIN_MS = 60_000;
const EVENTS_MAX = 200_000_000;
const CALM = {
  ...SKELETON_STORM,
  agentsPerNode: 1,
  lossProbability: 0,
  duplicateProbability: 0,
  slowDiskProbability: 0,
  failProbability: 0,
  hangProbability: 0,
};

/** `heapBytes`: what this process holds, after a collection. */
export async function wholeSwarm(o: {
  nodes: number;
  tasks: number;
  seed: number;
  heapBytes?: () => number;
}): Promise<WholeResult> {
  const heapBytes = o.heapBytes ?? (() => 0);
  const heapBefore = heapBytes();
  const random = new Random(o.seed);
  const swarm = new Swarm({ random: random.fork(), knobs: { ...CALM, nodes: o.nodes } });
  const { time, history } = swarm;
  const { traffic } = swarm.network;
  const until = (untilMs: number, enough?: () => boolean): Promise<void> =>
    time.run({ untilMs, maxEvents: EVENTS_MAX, ...(enough === undefined ? {} : { enough }) });
  const during = async (run: () => Promise<void>): Promise<{ frames: number; bytes: number; ms: number }> => {
    const before = { ...traffic, ms: time.nowMs };
    await run();
    const { frames, bytes } = traffic;
    return { frames: frames - before.frames, bytes: bytes - before.bytes, ms: time.nowMs - before.ms };
  };
  swarm.start();
  // A node's own first op and its agent's: two of each.
  const knowsAll = (): boolean => swarm.nodes.every((node) => node.committed().lastArrival() >= 2 * o.nodes);
  const join = await during(() => until(JOINED_WITHIN_MS, knowsAll));
  await until(time.nowMs + SETTLED_MS);
  const idle = await during(() => until(time.nowMs + IDLE_MS));
  const fromMs = time.nowMs;
  const work = await during(async () => {
    for (let n = 0; n < o.tasks; n++)
      time.after(random.unit() * TASKS_MS, () => {
        const home = random.pick(swarm.nodes);
        if (home !== undefined) void swarm.create(home, { title: `task ${n}` });
      });
    await until(fromMs + TASKS_MS);
    await until(fromMs + TASKS_WITHIN_MS, () => swarm.isSettled());
  });
  if (time.nowMs >= fromMs + TASKS_WITHIN_MS) history.broken('eventually/settled: tasks are open, or nodes differ');
  swarm.check();
  const perTask = (count: number, idleCount: number): number => (count - (idleCount * work.ms) / idle.ms) / o.tasks;
  return {
    nodes: o.nodes,
    joinMs: join.ms,
    joinFramesPerNode: join.frames / o.nodes,
    joinBytesPerNode: join.bytes / o.nodes,
    idleFrames: (idle.frames * 1_000) / (idle.ms * o.nodes),
    idleBytes: (idle.bytes * 1_000) / (idle.ms * o.nodes),
    taskFrames: perTask(work.frames, idle.frames),
    taskBytes: perTask(work.bytes, idle.bytes),
    heapBytesPerNode: (heapBytes() - heapBefore) / o.nodes,
    violations: history.violations,
  };
}
