/** A real skep node as a process of its own, started as a user starts it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { socketPath, stateDirOf } from '../src/socket-path.ts';
import type { Child } from './child.ts';
import { jsonLine } from './child.ts';
import type { Stage } from './stage.ts';
import { freePort } from './stage.ts';

/** Also for a node that folds a million ops anew. */
const UP_MAX_MS = 300_000;
const LINKED_MAX_MS = 60_000;
const LOOK_MS = 100;
const SKEP = fileURLToPath(new URL('../bin/skep', import.meta.url));

export type SwarmNode = {
  child: Child;
  logFile: string;
  stateDir: string;
  httpPort: number;
  url: string;
  /** Operator's token of this node; never printed. */
  token: string;
  adminSocket: string;
  p2pPort: number;
};

export type NodeSpec = {
  name: string;
  shellAgents?: number;
  /** Where its state lies; by default in a data directory of its own, under its name. */
  state?: { dataDir: string; p2pPort?: number };
  /** A node of the same data directory to link with. */
  seed?: SwarmNode | undefined;
  /** More of the command line. */
  options?: readonly string[];
  /** Its agents outlive it. Whoever says so ends them. */
  agentsGoOn?: boolean;
};

/** Resolves when the node says that it is up. */
export async function startSwarmNode(stage: Stage, spec: NodeSpec): Promise<SwarmNode> {
  const dataDir = spec.state?.dataDir ?? join(stage.dir, spec.name);
  const p2pPort = spec.state?.p2pPort ?? (await freePort());
  const httpPort = await freePort();
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // For whoever looks for the time: a profile of each node, written when it stops.
  const profile = process.env['SKEP_BENCH_CPU_PROF'];
  const environment = profile === undefined ? [] : [`NODE_OPTIONS=--cpu-prof --cpu-prof-dir=${profile}`];
  const ports = ['--http-port', httpPort, '--p2p-port', p2pPort, '--discovery-port', 0].map(String);
  const seeds = spec.seed === undefined ? [] : ['--seeds', `127.0.0.1:${spec.seed.p2pPort}`];
  const own = [
    ...seeds,
    '--data-dir',
    dataDir,
    '--shell-agents',
    String(spec.shellAgents ?? 0),
    ...(spec.options ?? []),
    ...(spec.agentsGoOn === true ? [] : ['--stop-agents-on-exit']),
  ];
  const logFile = join(stage.dir, `${spec.name}.log`);
  const child = stage.start({
    name: `skep node ${spec.name}`,
    logFile,
    argv: ['env', ...environment, SKEP, 'swarm', '--json', ...ports, ...own],
  });
  await child.line((line) => (jsonLine(line)?.['event'] === 'up' ? true : undefined), UP_MAX_MS);
  const stateDir = stateDirOf(dataDir, p2pPort);
  return {
    child,
    logFile,
    stateDir,
    httpPort,
    url: `http://127.0.0.1:${httpPort}`,
    token: readFileSync(join(dataDir, 'token'), 'utf8').trim(),
    adminSocket: socketPath(stateDir, 'admin'),
    p2pPort,
  };
}

/** Resolves when the node is linked with all others of a swarm of so many. */
export async function linked(node: SwarmNode, count: number): Promise<void> {
  const untilMs = performance.now() + LINKED_MAX_MS;
  for (;;) {
    const answer = await fetch(`${node.url}/api/swarm/nodes`, { headers: { authorization: `Bearer ${node.token}` } });
    const nodes: { status: string }[] = JSON.parse(await answer.text());
    if (nodes.filter(({ status }) => status === 'alive').length === count - 1) return;
    if (performance.now() > untilMs) throw new Error(`a node sees ${JSON.stringify(nodes.map((one) => one.status))}`);
    await sleep(LOOK_MS);
  }
}
