/** Creating tasks over HTTP, durable before the answer, against a route that keeps them in memory and against a transaction a request. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from './child.ts';
import type { Report } from './figures.ts';
import { judgeRatio, SeriesBook } from './figures.ts';
import { installedVersion } from './installed.ts';
import type { Stage } from './stage.ts';
import { syncCostMs } from './stage.ts';
import { startSwarmNode } from './swarm-node.ts';

const SECONDS = 4;
const WARMUP_SECONDS = 1;

type Contender = { name: string; child: Child; url: string; token: string };

export async function httpCreate(stage: Stage): Promise<Report> {
  const contenders = await startAll(stage);
  for (const one of contenders) await load(stage, one, WARMUP_SECONDS);
  const book = new SeriesBook();
  for (let round = 1; round <= stage.rounds; round++) {
    for (const one of contenders) {
      const cpuBefore = one.child.cpuUs();
      const {
        opsPerSecond = Number.NaN,
        opsAll = Number.NaN,
        p50Ms = Number.NaN,
        p99Ms = Number.NaN,
      } = await load(stage, one, SECONDS);
      book.add(one.name, 'req/s', opsPerSecond);
      book.add(`${one.name}, p50`, 'ms', p50Ms);
      book.add(`${one.name}, p99`, 'ms', p99Ms);
      book.add(`${one.name}, CPU of the server`, 'µs/req', (one.child.cpuUs() - cpuBefore) / opsAll);
      stage.say(`round ${round}: ${one.name}: ${Math.round(opsPerSecond)} req/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms`);
    }
    book.add('fdatasync of 4 KB', 'ms', syncCostMs(stage.dir));
  }
  const skep = book.need('skep');
  return {
    name: 'http-create',
    about:
      'POST /api/swarm/tasks, 32 connections, 4 s each. skep: the whole node, token, Host check, validation, chain, signature, fold, fsync before the answer. In memory: fastify with the same zod schema and a Map. One transaction a request: fastify, the same schema, op, signature and store, each request committed alone.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judgeRatio('skep / fastify in memory', skep, book.need('in memory'), { atLeast: 0.5 }),
      judgeRatio('skep / one transaction a request', skep, book.need('one transaction a request'), { atLeast: 1.8 }),
    ],
    versions: {
      fastify: installedVersion('fastify'),
      zod: installedVersion('zod'),
      autocannon: installedVersion('autocannon'),
    },
    missing: [],
    notes: [],
  };
}

async function startAll(stage: Stage): Promise<Contender[]> {
  const node = await startSwarmNode(stage, { name: 'node' });
  const memory = await stage.serve('server/memory.ts', {});
  const dir = join(stage.dir, 'one-transaction');
  mkdirSync(dir);
  const single = await stage.serve('server/one-transaction.ts', { dir });
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  return [
    { name: 'skep', child: node.child, url: node.url, token: node.token },
    { name: 'in memory', child: memory.child, url: url(memory.port), token: 'none' },
    { name: 'one transaction a request', child: single.child, url: url(single.port), token: 'none' },
  ];
}

const load = (stage: Stage, { url, token }: Contender, seconds: number) =>
  stage.run('load/http.ts', { url, token, seconds });
