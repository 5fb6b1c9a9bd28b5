/** Runs one node in this process until somebody stops it: the common part of `skep swarm` and `skep up`. */
import type { NodeOptions, RunningNode } from '#host-options.ts';
import type { ExitCode } from './exit.ts';
import { CommandFailure, EXIT } from './exit.ts';
import type { NodeSettings } from './node-options.ts';
import { asTyped } from './typed.ts';
import type { World } from './world.ts';

export type NodeRun = {
  settings: NodeSettings;
  /** A code of `skep join-code`. */
  join?: string | undefined;
  /** Stop agents at work, too, when the node is stopped. */
  stopAgents: boolean;
  /** Register agent CLIs found on PATH, paused. */
  offerAgents?: boolean | undefined;
  /** Ratings decide among rivals for a task. */
  preferRated?: boolean | undefined;
  /** What its page is; undefined for the swarm's. */
  front?: 'wall' | undefined;
  /** How long a silent grantee keeps its attempt; undefined for the node's own choice. */
  leaseSeconds?: number | undefined;
  /** One JSON line when the node is up; its log goes to standard error. */
  json: boolean;
};

/** Resolves when the node has stopped: 0 when it was asked to, 1 when it stopped by itself, 130 when asked twice. */
export async function runNode(run: NodeRun, world: World): Promise<ExitCode> {
  const asked = stopRequests(world);
  try {
    const node = await start(run, world);
    announce(node, run, world);
    world.supervisor?.ready({ httpUrl: node.httpUrl });
    const why = await Promise.race([asked.first, node.closed.then((error) => error ?? new Error('it was closed'))]);
    if (why instanceof Error)
      throw new CommandFailure(EXIT.negative, `the node stopped: ${why.message}`, { cause: why });
    return await stop(node, { run, world, asked });
  } finally {
    asked.end();
  }
}

async function start(
  { settings, join, json, leaseSeconds, offerAgents, preferRated, front }: NodeRun,
  world: World,
): Promise<RunningNode> {
  const startNode = await world.loadHost();
  const log = (line: string): void => (json ? world.err : world.out).write(`${line}\n`);
  const leaseMs = leaseSeconds === undefined ? undefined : leaseSeconds * 1000;
  const askTimeoutMs = settings.askTimeout * 1000;
  const bind = settings.bind;
  const options: NodeOptions = { ...settings, bind, askTimeoutMs, join, leaseMs, offerAgents, preferRated, front, log };
  try {
    return await startNode(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CommandFailure(EXIT.negative, `cannot start this node: ${error.message}`, {
      hints: ['skep doctor says what is wrong with this machine'],
      cause: error,
    });
  }
}

function announce(node: RunningNode, { settings, json }: NodeRun, world: World): void {
  const { self, name, p2pPort } = node.info;
  if (json) {
    const shown = {
      event: 'up',
      node_id: self,
      name,
      url: node.httpUrl,
      p2p_port: p2pPort,
      data_dir: settings.dataDir,
    };
    world.out.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  if (world.supervisor !== undefined) {
    world.out.write(`up: ${node.httpUrl}, mesh port ${p2pPort}\n`);
    return;
  }
  world.out.write(`${name} is up: ${node.httpUrl}  (mesh port ${p2pPort}, data in ${settings.dataDir})\n`);
  const open = `skep open${p2pPort === 7101 ? '' : ` --p2p-port ${p2pPort}`}`;
  world.out.write(asTyped(`Log in with: ${open}    Stop with Ctrl-C\n`, world));
}

type Stop = { run: NodeRun; world: World; asked: StopRequests };

async function stop(node: RunningNode, { run, world, asked }: Stop): Promise<ExitCode> {
  const what = run.stopAgents ? 'the node and its agents' : 'the node; agents at work go on';
  world.err.write(world.supervisor === undefined ? `Stopping ${what} (Ctrl-C again: at once)\n` : 'stopping\n');
  const stopped = (run.stopAgents ? node.stopHolder().then(() => node.close()) : node.close()).then(() => EXIT.ok);
  return Promise.race([stopped, asked.second.then(() => EXIT.interrupted)]);
}

type StopRequests = { first: Promise<void>; second: Promise<void>; end(): void };

function stopRequests(world: World): StopRequests {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let count = 0;
  const off = world.onInterrupt(() => {
    count += 1;
    (count === 1 ? first : second).resolve();
  });
  world.supervisor?.onGone(() => first.resolve());
  return { first: first.promise, second: second.promise, end: off };
}
