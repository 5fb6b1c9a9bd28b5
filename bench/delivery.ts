/** Messages from agent to agent through their sockets, durable, against streams of Redis; and what sockets of agents cost that say nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Child } from './child.ts';
import type { Report } from './figures.ts';
import { judge, judgeRatio, SeriesBook } from './figures.ts';
import { AdminClient } from './load/admin.ts';
import { memoryMb } from './memory.ts';
import { APT_LINE, install, startRedis, versionOf } from './peer.ts';
import type { Stage } from './stage.ts';
import { syncCostMs } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { startSwarmNode } from './swarm-node.ts';
import { agentSocketDir } from '../src/socket-path.ts';

const WINDOW = 64;
const PER_SECOND = 1_000;
const WARMUP_MS = 1_000;
const RUN_MS = 4_000;
/** In the budget of one agent to another nothing of it must end. */
const UNBOUND = ['--messages-per-minute', '1000000'];

const BOXES = 200;
/** What is not needed any more is let go of by then. */
const REST_MS = 10_000;
const WATCHED_MS = 15_000;

type Contender = { name: string; child: Child; program: string; input: (cell: string) => Record<string, string> };

export async function delivery(stage: Stage): Promise<Report> {
  install('redis-server', 'redis-server');
  const redis = versionOf('redis-server');
  const book = new SeriesBook();
  await flows(stage, book, redis !== undefined);
  const boxless = await idleSockets(stage, book);
  const need = (name: string) => book.need(name);
  const [ours, theirs] = [need(`skep, window ${WINDOW}`), book.get(`Redis, window ${WINDOW}`)];
  return {
    name: 'delivery',
    about: `A text of 290 bytes from one agent to another that waits, through their sockets: sent, on disk, leased on disk, received, acknowledged on disk; ${BATCH_WORDS}. Redis: XADD, XREADGROUP of one that blocks, XACK, with appendfsync always. Idle: ${BOXES} agents in sandboxes, each with its three sockets and one connection that waits for a message, beside a node of none.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judge(`sent to received at ${PER_SECOND} a second, p99`, 'ms', need(`skep, ${PER_SECOND} a second, p99`).values, {
        atMost: 10,
      }),
      ...(theirs === undefined ? [] : [judgeRatio(`skep / Redis, window ${WINDOW}`, ours, theirs, { atLeast: 2 })]),
      ...(boxless === undefined
        ? [
            judge(`memory for ${BOXES} boxed agents`, 'MB', need('memory of the sockets').values, { atMost: 60 }),
            judge(`share of a core for ${BOXES} boxed agents`, '%', need('share of one core').values, { atMost: 1 }),
          ]
        : []),
    ],
    versions: redis === undefined ? {} : { 'redis-server': redis },
    missing: [
      ...(redis === undefined ? [`redis-server is not on PATH: ${APT_LINE}`] : []),
      ...(boxless === undefined ? [] : [boxless]),
    ],
    notes: [
      'Sender and reader are one process, beside the server on the same machine.',
      'Window: messages under way at once, from the send until they are received. A second: sent at that pace, whatever the answers.',
    ],
  };
}

const BATCH_WORDS = 'a reader asks for 64 at any time (two reads of 32; COUNT 64)';

async function flows(stage: Stage, book: SeriesBook, hasRedis: boolean): Promise<void> {
  const node = await startSwarmNode(stage, { name: 'delivery', shellAgents: 2, options: UNBOUND });
  const [from, to] = await agentNames(node);
  const at = (name: string): string => join(agentSocketDir(node.stateDir, name), 'mcp.sock');
  const input = () => ({ from: at(from), to: at(to), name: to });
  const contenders: Contender[] = [{ name: 'skep', child: node.child, program: 'load/mail.ts', input }];
  if (hasRedis) {
    const { child, socket } = await startRedis(stage);
    const program = 'load/mail-redis.ts';
    contenders.push({ name: 'Redis', child, program, input: (stream) => ({ socket, stream }) });
  }
  for (let round = 1; round <= stage.rounds; round += 1) {
    for (const one of contenders) {
      await measure(stage, book, { one, cell: `window ${WINDOW}`, perSecond: 0, round });
      await measure(stage, book, { one, cell: `${PER_SECOND} a second`, perSecond: PER_SECOND, round });
    }
    book.add('fdatasync of 4 KB', 'ms', syncCostMs(stage.dir));
  }
  for (const { child } of contenders) await child.stop();
}

async function measure(
  stage: Stage,
  book: SeriesBook,
  { one, cell, perSecond, round }: { one: Contender; cell: string; perSecond: number; round: number },
): Promise<void> {
  const name = `${one.name}, ${cell}`;
  const cpuBefore = one.child.cpuUs();
  const spec = { window: WINDOW, perSecond, warmupMs: WARMUP_MS, runMs: RUN_MS };
  const figures = await stage.run(one.program, { ...spec, ...one.input(`${cell}-${round}`) });
  const { perSecond: rate = Number.NaN, all = Number.NaN, p50Ms = Number.NaN, p99Ms = Number.NaN } = figures;
  book.add(name, 'messages/s', rate);
  book.add(`${name}, p50`, 'ms', p50Ms);
  book.add(`${name}, p99`, 'ms', p99Ms);
  book.add(`${name}, CPU of the server`, 'µs/message', (one.child.cpuUs() - cpuBefore) / all);
  stage.say(
    `round ${round}: ${name}: ${Math.round(rate)} messages/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(1)} ms`,
  );
}

async function agentNames(node: SwarmNode): Promise<[string, string]> {
  const answer = await fetch(`${node.url}/api/swarm/agents`, { headers: { authorization: `Bearer ${node.token}` } });
  const agents: { name: string }[] = JSON.parse(await answer.text());
  const [a, b] = agents.map(({ name }) => name);
  if (a === undefined || b === undefined) throw new Error('the node has no two agents');
  return [a, b];
}

/** Two nodes, of which one has boxed agents whose readers wait; undefined, or why it could not be measured. */
async function idleSockets(stage: Stage, book: SeriesBook): Promise<string | undefined> {
  const state = { dataDir: join(stage.dir, 'boxed') };
  const first = await startSwarmNode(stage, { name: 'boxed-first', state });
  const why = await spawnAll(first);
  await first.child.stop();
  if (why !== undefined) return why;
  for (let round = 1; round <= stage.rounds; round += 1) {
    const without = await startSwarmNode(stage, { name: `without-${round}` });
    const boxed = await startSwarmNode(stage, { name: `boxed-${round}`, state: { ...state, p2pPort: first.p2pPort } });
    const lines = await Promise.all(Array.from({ length: BOXES }, (_none, n) => waiting(boxed, `a${n}`)));
    await sleep(REST_MS);
    const [cpu, began] = [boxed.child.cpuNs(), performance.now()];
    await sleep(WATCHED_MS);
    const share = ((boxed.child.cpuNs() - cpu) / 1e6 / (performance.now() - began)) * 100;
    const [none, all] = [without, boxed].map(({ child }) => memoryMb(child.pid, 'VmRSS'));
    const more = (all ?? Number.NaN) - (none ?? Number.NaN);
    book.add('memory of a node without agents', 'MB', none ?? Number.NaN);
    book.add('memory of the sockets', 'MB', more);
    book.add('share of one core', '%', share);
    stage.say(`round ${round}: ${more.toFixed(1)} MB more than ${none?.toFixed(0)}, ${share.toFixed(3)} % of a core`);
    for (const line of lines) line.destroy();
    await Promise.all([without.child.stop(), boxed.child.stop()]);
  }
  return undefined;
}

async function spawnAll(node: SwarmNode): Promise<string | undefined> {
  const admin = await AdminClient.open(node.adminSocket);
  try {
    for (let n = 0; n < BOXES; n += 1) {
      const body = { name: `a${n}`, tool: 'shell', capabilities: [], runtime: 'sandbox' };
      const answer = await admin.ask('POST', '/api/boxes', body);
      if (answer.status >= 400) return `sandbox: ${JSON.stringify(answer.body)}`;
    }
    return undefined;
  } finally {
    admin.close();
  }
}

async function waiting(node: SwarmNode, name: string) {
  const socket = connect(join(agentSocketDir(node.stateDir, name), 'mcp.sock'));
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.write(`${JSON.stringify({ cmd: 'recv', wait_seconds: 180 })}\n`);
  return socket.resume();
}
