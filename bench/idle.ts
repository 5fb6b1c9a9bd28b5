/** A swarm of nodes with 50 idle shell agents each: what each node holds, what it burns, and whether it starts anything while nobody asks for anything. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from './figures.ts';
import { judge, SeriesBook } from './figures.ts';
import { descendants, memoryMb, reapedFaults } from './memory.ts';
import type { Stage } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { startSwarmNode } from './swarm-node.ts';

const AGENTS = 50;
const WATCHED_MS = 20_000;
/** Tasks posted at each node before all are left alone, and how long they may take. */
const TASKS = 10;
const TASKS_MAX_MS = 60_000;
/** The holder leaves some 40 s after its last process; the node is at rest after that. */
const REST_MAX_MS = 90_000;
const LOOK_MS = 50;

export async function idle(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  const nodes: SwarmNode[] = [];
  const state = { dataDir: join(stage.dir, 'idle') };
  // Any later start finds its code compiled, and holds less: the first one after a change is not what idles for months.
  await (await startSwarmNode(stage, { name: 'first-start' })).child.stop();
  for (let n = 1; n <= stage.rounds; n++) {
    const [seed] = nodes;
    nodes.push(await startSwarmNode(stage, { name: `idle-${n}`, shellAgents: AGENTS, state, seed }));
  }
  for (const node of nodes) await runTasks(node);
  stage.say('tasks are done; waiting for the holders to leave');
  for (const node of nodes) await rested(node);
  // What a process burns is its own account: nodes at rest do not disturb one another.
  const found = await Promise.all(nodes.map(watch));
  for (const [index, one] of found.entries()) {
    book.add('memory of the node', 'MB', one.memory);
    book.add('most memory so far', 'MB', one.most);
    book.add('share of one core', '%', one.share);
    book.add('processes started', 'processes', one.started);
    stage.say(
      `node ${index + 1}: ${one.memory.toFixed(0)} MB, ${one.share.toFixed(3)} % of a core, ${one.started} started`,
    );
  }
  const need = (name: string) => book.need(name).values;
  return {
    name: 'idle',
    about: `One swarm of ${stage.rounds} linked nodes, each with ${AGENTS} shell agents, after ${TASKS} tasks a node and the end of the holder, watched for ${WATCHED_MS / 1000} s. Memory is the resident set without any forced collection. Started processes: those that ended and were waited for (their page faults are on the node's account) or were seen.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judge('memory of the node', 'MB', need('memory of the node'), { atMost: 150 }),
      judge('share of one core', '%', need('share of one core'), { atMost: 1 }),
      judge('processes started', 'processes', need('processes started'), { atMost: 0 }),
    ],
    versions: {},
    missing: [],
    notes: [],
  };
}

/** Warm-up: real tasks through the API, awaited on the stream of events. */
async function runTasks(node: SwarmNode): Promise<void> {
  const headers = { authorization: `Bearer ${node.token}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(TASKS_MAX_MS);
  const events = await fetch(`${node.url}/api/events`, { headers, signal });
  const open = new Set<string>();
  for (let n = 0; n < TASKS; n++) {
    const body = JSON.stringify({ title: `warm up ${n}`, description: 'echo warm', required_capabilities: ['shell'] });
    const answer = await fetch(`${node.url}/api/swarm/tasks`, { method: 'POST', headers, body, signal });
    if (answer.status !== 201) throw new Error(`a task was refused: ${await answer.text()}`);
    const { id }: { id: string } = JSON.parse(await answer.text());
    open.add(id);
  }
  if (events.body === null) throw new Error('no stream of events');
  for await (const _piece of events.body) {
    const response = await fetch(`${node.url}/api/swarm/tasks?status=completed`, { headers, signal });
    const completed: { id: string }[] = JSON.parse(await response.text());
    for (const { id } of completed) open.delete(id);
    if (open.size === 0) return;
  }
}

/** Until no process is left below the node. */
async function rested(node: SwarmNode): Promise<void> {
  const until = performance.now() + REST_MAX_MS;
  while (descendants(node.child.pid).length > 0) {
    if (performance.now() > until) return;
    await sleep(1_000);
  }
}

async function watch(node: SwarmNode): Promise<{ memory: number; most: number; share: number; started: number }> {
  const { pid } = node.child;
  const before = new Set(descendants(pid));
  const faults = reapedFaults(pid);
  const cpuNs = node.child.cpuNs();
  const began = performance.now();
  const seen = new Set<number>();
  const looking = setInterval(() => descendants(pid).forEach((one) => seen.add(one)), LOOK_MS);
  await sleep(WATCHED_MS);
  clearInterval(looking);
  const share = ((node.child.cpuNs() - cpuNs) / 1e6 / (performance.now() - began)) * 100;
  const fresh = [...seen].filter((one) => !before.has(one)).length;
  const started = Math.max(fresh, reapedFaults(pid) > faults ? 1 : 0);
  return { memory: memoryMb(pid, 'VmRSS'), most: memoryMb(pid, 'VmHWM'), share, started };
}
