/** What is decided among nodes: slots at five voters beside etcd's transactions, and how soon a created task has its agent. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from './child.ts';
import type { Report } from './figures.ts';
import { judge, judgeRatio, SeriesBook } from './figures.ts';
import { install, startEtcd, versionOf } from './peer.ts';
import type { Stage } from './stage.ts';
import { syncCostMs } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { linked, startSwarmNode } from './swarm-node.ts';

const VOTERS = 5;
const WINDOWS = [1, 64];
const COUNTS: Readonly<Record<number, number>> = { 1: 100, 64: 2_000 };
const STARTS = 40;
const STARTERS = 3;

const NOTES = [
  'Where the time goes (profiles of all five nodes, of the measured region alone): 64 at once move as one batch. For each batch a voter commits twice, its votes and then the ops of the decisions, and so does home; three of these stand one behind the other. Of the time of a voter half is the commit (two thirds of it SQLite’s COMMIT with its fsync), a sixth reading frames and checking them, a tenth voting. Of the time of home a quarter is the commit and a fifth the writing to four TLS sockets. At one decision at a time ten fsyncs share one disk, where etcd has three. All processes share two cores: five of JavaScript and SQLite beside three of Go.',
  'Tried, and no difference beyond the noise of this machine: fdatasync in place of the fsync of SQLite; a checkpoint every 8,000 pages in place of 1,000. Reading votes and proposals from the file is 2 % of a voter’s time, so holding them in memory would not show. Done since the last run: a door asks no more for the rows of all nodes at each task (8 % of home, before the measured region).',
  'What would help next: one call for the votes on many slots, for at 64 at once home writes, and each voter reads, one frame a slot; and the op of a decision that a voter has voted for committed with its next votes, which nothing waits for (one fsync a batch and voter less, at one at a time six in place of ten).',
];

type Contender = { name: string; children: readonly Child[]; program: string; input: (cell: string) => object };

export async function decisions(stage: Stage): Promise<Report> {
  install('etcd', 'etcd-server');
  const version = versionOf('etcd');
  const voters = await startSwarm(stage, { name: 'voter', count: VOTERS, agents: 0 });
  const trio = await startSwarm(stage, { name: 'trio', count: STARTERS, agents: 1 });
  const contenders: Contender[] = [
    {
      name: 'skep, 5 voters',
      children: voters.map(({ child }) => child),
      program: 'load/decide.ts',
      input: () => ({ sockets: voters.map(({ adminSocket }) => adminSocket) }),
    },
  ];
  if (version !== undefined) {
    const { children, hosts } = await startEtcd(stage);
    contenders.push({
      name: 'etcd, 3 nodes',
      children,
      program: 'load/etcd.ts',
      input: (prefix) => ({ hosts, prefix }),
    });
  }
  const book = new SeriesBook();
  for (let round = 1; round <= stage.rounds; round++) {
    for (const window of WINDOWS) for (const one of contenders) await decide(stage, book, { one, window, round });
    await starts(stage, book, { home: trio[0], round });
    book.add('fdatasync of 4 KB', 'ms', syncCostMs(stage.dir));
  }
  return report(stage, book, version);
}

function report(stage: Stage, book: SeriesBook, version: string | undefined): Report {
  const over = (cell: string) => ({
    ours: book.need(`skep, 5 voters, ${cell}`),
    theirs: book.get(`etcd, 3 nodes, ${cell}`),
  });
  const ratio = (what: string, cell: string, bar: { atLeast: number } | { atMost: number }) => {
    const { ours, theirs } = over(cell);
    return theirs === undefined ? [] : [judgeRatio(what, ours, theirs, bar)];
  };
  return {
    name: 'decisions',
    about:
      'A decision of skep: slot 1 of a task decided `cancelled` at five voters over their TLS links, on disk at a majority, then answered when it is on disk at home as an op; asked through the admin socket. Of etcd: "create if it is not there" in a cluster of three, asked in its own gRPC. All servers and the client share the cores. Start: from the request that creates a task on one of three nodes to the first line of its script, each node a process of its own, with one agent each.',
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      ...ratio('skep / etcd, decisions a second, window 64', 'window 64', { atLeast: 3 }),
      ...ratio('skep / etcd, median, window 64', 'window 64, p50', { atMost: 1 }),
      judge('created to started, p50', 'ms', book.need('created to started, p50').values, { atMost: 10 }),
      judge('created to started, p99', 'ms', book.need('created to started, p99').values, { atMost: 50 }),
    ],
    versions: version === undefined ? {} : { etcd: version },
    missing: version === undefined ? ['etcd is not on PATH: apt-get install -y etcd-server'] : [],
    notes: NOTES,
  };
}

async function startSwarm(stage: Stage, o: { name: string; count: number; agents: number }): Promise<SwarmNode[]> {
  const nodes: SwarmNode[] = [];
  const state = { dataDir: join(stage.dir, o.name) };
  for (let n = 1; n <= o.count; n++)
    nodes.push(await startSwarmNode(stage, { name: `${o.name}-${n}`, shellAgents: o.agents, state, seed: nodes[0] }));
  for (const node of nodes) await linked(node, o.count);
  return nodes;
}

async function decide(
  stage: Stage,
  book: SeriesBook,
  { one, window, round }: { one: Contender; window: number; round: number },
): Promise<void> {
  const cell = `${one.name}, window ${window}`;
  const spec = { window, count: COUNTS[window], pids: one.children.map(({ pid }) => pid) };
  const figures = await stage.run(one.program, {
    ...spec,
    ...one.input(`cell-${window}-${round}`),
  });
  const { opsPerSecond = Number.NaN, p50Ms = Number.NaN, p99Ms = Number.NaN, cpuUsPerOp = Number.NaN } = figures;
  book.add(cell, 'decisions/s', opsPerSecond);
  book.add(`${cell}, p50`, 'ms', p50Ms);
  book.add(`${cell}, p99`, 'ms', p99Ms);
  book.add(`${cell}, per CPU second of all servers`, 'decisions', 1e6 / cpuUsPerOp);
  stage.say(
    `round ${round}: ${cell}: ${Math.round(opsPerSecond)}/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(1)} ms`,
  );
}

async function starts(
  stage: Stage,
  book: SeriesBook,
  { home, round }: { home: SwarmNode | undefined; round: number },
): Promise<void> {
  const dir = join(stage.dir, `starts-${round}`);
  mkdirSync(dir);
  const { p50Ms = Number.NaN, p99Ms = Number.NaN } = await stage.run('load/start.ts', {
    socket: home?.adminSocket,
    dir,
    count: STARTS,
    agents: STARTERS,
  });
  book.add('created to started, p50', 'ms', p50Ms);
  book.add('created to started, p99', 'ms', p99Ms);
  stage.say(`round ${round}: created to started: p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
}
