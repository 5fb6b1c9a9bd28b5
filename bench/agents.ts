/** Agents driven by their protocol: how soon another node knows what one says, whether fifty at once reach one watcher whole, and what an idle one costs. */
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Report } from './figures.ts';
import { judge, judgeRatio, quantile, SeriesBook } from './figures.ts';
import { memoryMb } from './memory.ts';
import type { Stage } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { linked, startSwarmNode } from './swarm-node.ts';
import { OutputWatch } from './output-watch.ts';

/** Words of the one agent, a round, and the seconds between them. */
const WORDS = 40;
const PAUSE_S = 0.31;
/** Of the fifty. */
const CROWD = 50;
const CROWD_WORDS = 50;
const CROWD_PAUSE_S = 0.1;
const POLL_MS = 5_000;
const IDLE_AGENTS = 200;
const SETTLE_MS = 3_000;
const TURN_MAX_MS = 120_000;

export async function agents(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  tool(stage);
  for (let round = 1; round <= stage.rounds; round += 1) {
    await timeToKnow(stage, book, round);
    await crowd(stage, book, round);
    await idleAgents(stage, book, round);
  }
  return {
    name: 'agents',
    about: `Two linked nodes, each a process; at the first, agents driven by Claude Code's protocol, which a script of this bench speaks in its place and whose words are the time at which it says them. To know: ${WORDS} words of one agent, ${PAUSE_S} s apart, from the script's clock to the stream of events at the second node, beside asking the same node for the output every ${POLL_MS / 1000} s. The crowd: ${CROWD} agents at once with ${CROWD_WORDS} words each, all watched by one program at the second node. Idle: the memory of a node with ${IDLE_AGENTS} agents that have nothing to do, above the same node without.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judge('a word known at another node, p99', 'ms', book.need('word to other node, p99').values, { atMost: 200 }),
      judgeRatio(
        'a word known: skep / asking every 5 s, median',
        book.need('word to other node, p50'),
        book.need('asking every 5 s, p50'),
        { atMost: 0.1 },
      ),
      judge('words of fifty agents that reached one watcher', '%', book.need('crowd, arrived').values, {
        atLeast: 100,
      }),
      judge('memory of a node for an idle agent', 'MB', book.need('memory an idle agent').values, { atMost: 2 }),
    ],
    versions: {},
    missing: [],
    notes: [],
  };
}

/** The script as `claude`, first on the PATH of the nodes that this bench starts. */
function tool(stage: Stage): void {
  const bin = join(stage.dir, 'bin');
  mkdirSync(bin);
  const path = join(bin, 'claude');
  copyFileSync(fileURLToPath(new URL('load/streaming-agent.sh', import.meta.url)), path);
  chmodSync(path, 0o700);
  process.env['PATH'] = `${bin}:${process.env['PATH'] ?? ''}`;
}

type Pair = { first: SwarmNode; second: SwarmNode };

async function pair(stage: Stage, name: string, o: { words: number; pauseS: number }): Promise<Pair> {
  // A node hands its environment on to its agents.
  Object.assign(process.env, { WORDS: String(o.words), PAUSE: String(o.pauseS) });
  const state = { dataDir: join(stage.dir, name) };
  const first = await startSwarmNode(stage, { name: `${name}-1`, state });
  const second = await startSwarmNode(stage, { name: `${name}-2`, state, seed: first });
  await linked(second, 2);
  return { first, second };
}

async function timeToKnow(stage: Stage, book: SeriesBook, round: number): Promise<void> {
  const { first, second } = await pair(stage, `know-${round}`, { words: WORDS, pauseS: PAUSE_S });
  await addAgents(first, 1);
  const [watch] = await OutputWatch.start(second, await tasks(second, 1));
  if (watch === undefined) throw new Error('nothing is watched');
  const polled = watch.poll(POLL_MS);
  // Where the turn fails, that is what is told.
  polled.catch(() => undefined);
  await watch.ended(TURN_MAX_MS);
  const asked = await polled;
  const times = watch.words().map(({ saidMs, heardMs }) => heardMs - saidMs);
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  book.add('word to other node, p50', 'ms', p50);
  book.add('word to other node, p99', 'ms', p99);
  book.add('asking every 5 s, p50', 'ms', quantile(asked, 0.5));
  stage.say(`round ${round}: a word is known at the other node after ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`);
  await stop(first, second);
}

async function crowd(stage: Stage, book: SeriesBook, round: number): Promise<void> {
  const { first, second } = await pair(stage, `crowd-${round}`, { words: CROWD_WORDS, pauseS: CROWD_PAUSE_S });
  await addAgents(first, CROWD);
  const watches = await OutputWatch.start(second, await tasks(second, CROWD));
  await Promise.all(watches.map((watch) => watch.ended(TURN_MAX_MS)));
  const words = watches.flatMap((watch) => watch.words());
  book.add('crowd, arrived', '%', (words.length / (CROWD * CROWD_WORDS)) * 100);
  book.add(
    'crowd, p99',
    'ms',
    quantile(
      words.map(({ saidMs, heardMs }) => heardMs - saidMs),
      0.99,
    ),
  );
  stage.say(`round ${round}: ${words.length} of ${CROWD * CROWD_WORDS} words of the crowd arrived`);
  await stop(first, second);
}

async function idleAgents(stage: Stage, book: SeriesBook, round: number): Promise<void> {
  const node = await startSwarmNode(stage, { name: `idle-${round}` });
  await sleep(SETTLE_MS);
  const before = memoryMb(node.child.pid, 'VmRSS');
  await addAgents(node, IDLE_AGENTS);
  await sleep(SETTLE_MS);
  book.add('memory an idle agent', 'MB', (memoryMb(node.child.pid, 'VmRSS') - before) / IDLE_AGENTS);
  await stop(node);
}

async function stop(...nodes: readonly SwarmNode[]): Promise<void> {
  for (const node of nodes) await node.child.stop();
}

async function post(node: SwarmNode, path: string, body: object): Promise<string> {
  const headers = { authorization: `Bearer ${node.token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${node.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(`${path} was refused: ${await answer.text()}`);
  const { id }: { id: string } = JSON.parse(await answer.text());
  return id;
}

async function addAgents(node: SwarmNode, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1)
    await post(node, '/api/swarm/agents', {
      name: `agent-${n}`,
      tool: 'claude',
      drive: 'protocol',
      capabilities: ['words'],
    });
}

/** Named before they can be watched: the script waits for so long before its first word. */
const tasks = (node: SwarmNode, count: number): Promise<string[]> =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      post(node, '/api/swarm/tasks', { title: `say ${n}`, description: 'Speak.', required_capabilities: ['words'] }),
    ),
  );
