/** Durable append: one post a request through the admin socket of a real node, against JetStream's publish and Redis's XADD. */
import type { Child } from './child.ts';
import type { Report } from './figures.ts';
import { judgeRatio, SeriesBook } from './figures.ts';
import { APT_LINE, startNats, startRedis, versionOf } from './peer.ts';
import type { Stage } from './stage.ts';
import { syncCostMs } from './stage.ts';
import { startSwarmNode } from './swarm-node.ts';

const WINDOWS = [1, 64];
const WARMUP_MS = 700;
const RUN_MS = 2_500;

type Contender = { name: string; child: Child; program: string; input: (cell: string) => Record<string, string> };

export async function append(stage: Stage): Promise<Report> {
  const [nats, redis] = [versionOf('nats-server'), versionOf('redis-server')];
  const contenders = await startAll(stage, { nats, redis });
  const book = new SeriesBook();
  for (let round = 1; round <= stage.rounds; round++) {
    for (const window of WINDOWS) {
      for (const one of contenders) await measure(stage, book, { one, window, round });
    }
    book.add('fdatasync of 4 KB', 'ms', syncCostMs(stage.dir));
  }
  const rate = (name: string) => book.get(`${name}, window 64`);
  const skep = book.need('skep, window 64');
  const [overNats, overRedis] = [rate('JetStream'), rate('Redis')];
  return {
    name: 'append',
    about:
      'Acknowledged append of a 290-byte text, each client in its own process. skep: admin socket, parse, chain, sign, fold, fsync before the answer. JetStream: publish-ack on files, which does not wait for the disk. Redis: XADD with appendfsync always, over its unix socket.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      ...(overNats === undefined ? [] : [judgeRatio('skep / JetStream, window 64', skep, overNats, { atLeast: 1.5 })]),
      ...(overRedis === undefined ? [] : [judgeRatio('skep / Redis, window 64', skep, overRedis, { atLeast: 2 })]),
    ],
    versions: {
      ...(nats === undefined ? {} : { 'nats-server': nats }),
      ...(redis === undefined ? {} : { 'redis-server': redis }),
    },
    missing: [
      ...(nats === undefined ? [`nats-server is not on PATH: ${APT_LINE}`] : []),
      ...(redis === undefined ? [`redis-server is not on PATH: ${APT_LINE}`] : []),
    ],
    notes: [],
  };
}

async function startAll(
  stage: Stage,
  has: { nats: string | undefined; redis: string | undefined },
): Promise<Contender[]> {
  const node = await startSwarmNode(stage, { name: 'node' });
  const contenders: Contender[] = [
    { name: 'skep', child: node.child, program: 'load/skep.ts', input: () => ({ socket: node.adminSocket }) },
  ];
  if (has.nats !== undefined) {
    const { child, url } = await startNats(stage);
    contenders.push({ name: 'JetStream', child, program: 'load/nats.ts', input: (stream) => ({ url, stream }) });
  }
  if (has.redis !== undefined) {
    const { child, socket } = await startRedis(stage);
    contenders.push({ name: 'Redis', child, program: 'load/redis.ts', input: (stream) => ({ socket, stream }) });
  }
  return contenders;
}

async function measure(
  stage: Stage,
  book: SeriesBook,
  { one, window, round }: { one: Contender; window: number; round: number },
): Promise<void> {
  const cell = `${one.name}, window ${window}`;
  const cpuBefore = one.child.cpuUs();
  const spec = { window, warmupMs: WARMUP_MS, runMs: RUN_MS };
  const figures = await stage.run(one.program, { ...spec, ...one.input(`cell-${window}-${round}`) });
  const { opsPerSecond = Number.NaN, opsAll = Number.NaN, p50Ms = Number.NaN, p99Ms = Number.NaN } = figures;
  book.add(cell, 'ops/s', opsPerSecond);
  book.add(`${cell}, p50`, 'ms', p50Ms);
  book.add(`${cell}, p99`, 'ms', p99Ms);
  book.add(`${cell}, CPU of the server`, 'µs/op', (one.child.cpuUs() - cpuBefore) / opsAll);
  stage.say(
    `round ${round}: ${cell}: ${Math.round(opsPerSecond)} ops/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(1)} ms`,
  );
}
