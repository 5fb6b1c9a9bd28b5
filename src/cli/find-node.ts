/** Finds the node that a verb asks: a URL with a token, or the admin socket of a node on this machine. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { isTrustedSocketDir, socketPath, stateDirOf } from '#socket-path.ts';
import type { Client } from './client.ts';
import { NodeGone } from './client.ts';
import { CommandFailure, EXIT, usageFailure } from './exit.ts';
import type { FoundSettings, Source } from './find-settings.ts';
import { findSettings } from './find-settings.ts';
import type { Given } from './given.ts';
import { stateDir } from './places.ts';
import { SETTINGS } from './settings.ts';
import { connectSocket } from './socket-client.ts';
import type { World } from './world.ts';

/** Does something with the node that flags, environment and file name; the connection is closed afterwards. */
export async function withNode<T>(given: Given, world: World, use: (node: Client) => Promise<T>): Promise<T> {
  const node = await findNode(given, world);
  try {
    return await use(node);
  } finally {
    node.close();
  }
}

const STRENGTH: Readonly<Record<Source, number>> = { flag: 3, environment: 2, file: 1, default: 0 };

const CLIENT_SETTINGS = ['dataDir', 'p2pPort', 'url', 'tokenFile'] as const;

async function findNode(given: Given, world: World): Promise<Client> {
  const settings = await findSettings(given, world, { usesFile: true, only: CLIENT_SETTINGS });
  const { values, sourceOf } = settings;
  const local = Math.max(STRENGTH[sourceOf('dataDir')], STRENGTH[sourceOf('p2pPort')]);
  if (values.url === undefined || STRENGTH[sourceOf('url')] < local) return findSocket(settings, world);
  if (sourceOf('url') === 'flag' && local === STRENGTH.flag) {
    throw usageFailure('--url asks a node over HTTP, --data-dir and --p2p-port one on this machine: give one of them');
  }
  const { HttpClient } = await import('./http-client.ts');
  return new HttpClient(values.url, await tokenOf(values.tokenFile, world));
}

async function tokenOf(file: string | undefined, world: World): Promise<string | undefined> {
  const token = world.env['SKEP_TOKEN'];
  if (token !== undefined && token !== '') return token;
  if (file === undefined) return undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw usageFailure(`cannot read the token file ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function findSocket({ values, sourceOf }: FoundSettings, world: World): Promise<Client> {
  const dataDirs = sourceOf('dataDir') === 'default' ? [values.dataDir, stateDir(world)] : [values.dataDir];
  const port = sourceOf('p2pPort') === 'default' ? undefined : values.p2pPort;
  for (const dataDir of dataDirs) {
    const states = port === undefined ? await statesIn(dataDir) : [stateDirOf(dataDir, port)];
    const nodes = (await Promise.all(states.map(tryConnect))).filter((node) => node !== undefined);
    const chosen = choose(nodes);
    for (const node of nodes) if (node !== chosen) node.client.close();
    if (chosen !== undefined) return chosen.client;
    if (nodes.length > 0) throw several(nodes, dataDir, world);
  }
  throw none(dataDirs, port, world);
}

type Found = { client: Client; port: string };

/** The only one; else the one at the port that a node has when nobody chose another. All of one directory are of one swarm and answer alike. */
function choose(nodes: readonly Found[]): Found | undefined {
  if (nodes.length === 1) return nodes[0];
  return nodes.find((node) => node.port === String(SETTINGS.p2pPort.fallback));
}

/** State directories of the nodes that ever ran with this data directory. */
async function statesIn(dataDir: string): Promise<string[]> {
  try {
    const names = await readdir(dataDir);
    return names.filter((name) => /^\d{1,5}$/.test(name)).map((name) => join(dataDir, name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw usageFailure(`cannot look into ${dataDir}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Undefined for a socket that is not there or that nobody listens on any more. */
async function tryConnect(state: string): Promise<Found | undefined> {
  const path = socketPath(state, 'admin');
  if (!isTrustedSocketDir(path))
    throw usageFailure(`${dirname(path)} belongs to somebody else: not asking a node there`);
  try {
    return { client: await connectSocket(path), port: basename(state) };
  } catch (error) {
    // A stopped node leaves its socket behind. Anything else, such as somebody else's node, is worth being told.
    if (error instanceof NodeGone && /ENOENT|ECONNREFUSED|ENOTDIR|ENOTSOCK/.test(error.message)) return undefined;
    throw error;
  }
}

function several(nodes: readonly Found[], dataDir: string, world: World): CommandFailure {
  const ports = nodes.map((node) => node.port).join(', ');
  return usageFailure(
    `${nodes.length} nodes run with ${shownDir(dataDir, world)}: say which one`,
    `--p2p-port PORT, one of ${ports}`,
  );
}

function none(dataDirs: readonly string[], port: number | undefined, world: World): CommandFailure {
  const looked = dataDirs.map((dir) => `${shownDir(dir, world)}/${port === undefined ? '*' : port}`).join(' and ');
  return new CommandFailure(EXIT.unreachable, `no node runs on this machine (looked in ${looked})`, {
    hints: [
      'start one: skep up (this machine’s node), skep start (three to try), or skep swarm',
      'or ask one elsewhere: --url http://HOST:9090 with SKEP_TOKEN set',
    ],
    detail: { code: 'unreachable' },
  });
}

/** As a person standing here would type it. */
function shownDir(dir: string, world: World): string {
  const near = relative(world.cwd, resolve(dir));
  return near !== '' && !near.startsWith('..') ? `./${near}` : dir;
}
