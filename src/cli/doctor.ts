/** The checks of `skep doctor`: each finds one fact about this machine and says what to do about it. */
import { execFile } from 'node:child_process';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isTrustedSocketDir, socketPath, stateDirOf } from '#socket-path.ts';
import type { FoundSettings } from './find-settings.ts';
import type { Protocol } from './port-holder.ts';
import { holderOf, whyTaken } from './port-holder.ts';
import { connectSocket } from './socket-client.ts';
import { statusSchema } from './answers.ts';
import { cut, size } from './text.ts';
import { logText } from './verb/status.ts';
import { NodeGone } from './client.ts';
import { fitsNode, NODE_VERSION_MIN } from './node-version.ts';

export type Check = {
  name: string;
  state: 'ok' | 'warn' | 'fail';
  found: string;
  /** What to do; undefined when there is nothing to do. */
  todo?: string;
};

/** A program that only says its version does so at once. */
const PROGRAM_WITHIN_MS = 10_000;
const DISK_FAIL_BYTES = 100 * 1024 ** 2;
const DISK_WARN_BYTES = 1024 ** 3;

/** All checks, in the order in which one would repair things. */
export async function examine(settings: FoundSettings, nowMs: number): Promise<Check[]> {
  const { values } = settings;
  const running = await nodeCheck(values.dataDir, values.p2pPort);
  const held = running.state === 'ok';
  const port = (name: string, number: number, protocol: Protocol, address: string): Promise<Check> =>
    portCheck({ name, port: number, protocol, address, held });
  return Promise.all([
    nodeVersionCheck(),
    programCheck('git', ['--version'], { state: 'fail', todo: 'install git: work is delivered as commits' }),
    programCheck('bash', ['--version'], { state: 'fail', todo: 'install bash: scripts of tasks run in it' }),
    programCheck('tmux', ['-V'], { state: 'warn', todo: 'install tmux to use agents that live in a terminal' }),
    configCheck(settings),
    dataDirCheck(values.dataDir),
    diskCheck(values.dataDir),
    socketCheck(values.dataDir, values.p2pPort),
    port('http port', values.httpPort, 'tcp', values.httpBind),
    port('mesh port', values.p2pPort, 'tcp', values.bind ?? '127.0.0.1'),
    port('discovery port', values.discoveryPort, 'udp', values.bind ?? '127.0.0.1'),
    clockCheck(nowMs),
    Promise.resolve(running),
  ]);
}

async function nodeVersionCheck(): Promise<Check> {
  const found = `${process.version} (${process.execPath})`;
  if (fitsNode(process.versions.node)) return { name: 'node', state: 'ok', found };
  return {
    name: 'node',
    state: 'fail',
    found,
    todo: `install Node.js ${NODE_VERSION_MIN} or newer, or start skep by bin/skep, which does`,
  };
}

function programCheck(name: string, args: string[], missing: { state: 'warn' | 'fail'; todo: string }): Promise<Check> {
  return new Promise((resolve) => {
    execFile(name, args, { timeout: PROGRAM_WITHIN_MS }, (error, stdout) => {
      if (error === null) resolve({ name, state: 'ok', found: (stdout.split('\n')[0] ?? '').trim() });
      else resolve({ name, state: missing.state, found: error.message.split('\n')[0] ?? '', todo: missing.todo });
    });
  });
}

async function configCheck({ configPath, configFound, values }: FoundSettings): Promise<Check> {
  const name = 'configuration';
  if (!configFound) return { name, state: 'ok', found: `none at ${configPath ?? ''}: defaults` };
  if (values.tokenFile === undefined) return { name, state: 'ok', found: configPath ?? '' };
  const mode = await modeOf(values.tokenFile);
  if (mode === undefined)
    return { name, state: 'warn', found: `there is no token file ${values.tokenFile}`, todo: 'set token_file right' };
  if ((mode & 0o077) === 0) return { name, state: 'ok', found: configPath ?? '' };
  return { name, state: 'warn', found: 'others can read the token', todo: `chmod 600 ${values.tokenFile}` };
}

const modeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    (found) => found.mode,
    () => undefined,
  );

/** The directory itself, or the nearest one above it that is there. */
async function existing(path: string): Promise<string> {
  for (let dir = path; ; dir = dirname(dir)) {
    if ((await modeOf(dir)) !== undefined || dir === dirname(dir)) return dir;
  }
}

async function dataDirCheck(dataDir: string): Promise<Check> {
  const name = 'data directory';
  const dir = await existing(dataDir);
  const found = dir === dataDir ? dataDir : `${dataDir} (to be made)`;
  try {
    await access(dir, constants.W_OK | constants.X_OK);
    return { name, state: 'ok', found };
  } catch {
    return {
      name,
      state: 'fail',
      found: `you may not write to ${dir}`,
      todo: 'choose another one: --data-dir, or data_dir in the configuration file',
    };
  }
}

async function diskCheck(dataDir: string): Promise<Check> {
  const disk = await statfs(await existing(dataDir));
  const freeBytes = disk.bavail * disk.bsize;
  const found = `${size(freeBytes)} free`;
  const todo = 'make room: a full disk stops the node';
  if (freeBytes < DISK_FAIL_BYTES) return { name: 'disk', state: 'fail', found, todo };
  return freeBytes < DISK_WARN_BYTES
    ? { name: 'disk', state: 'warn', found, todo }
    : { name: 'disk', state: 'ok', found };
}

async function socketCheck(dataDir: string, p2pPort: number): Promise<Check> {
  const path = socketPath(stateDirOf(dataDir, p2pPort), 'admin');
  const name = 'admin socket';
  if (isTrustedSocketDir(path)) return { name, state: 'ok', found: path };
  return {
    name,
    state: 'fail',
    found: `${dirname(path)} belongs to somebody else`,
    todo: 'remove it, or use a data directory with a shorter path',
  };
}

type Port = {
  name: string;
  port: number;
  protocol: Protocol;
  address: string;
  /** This node runs, and holds its ports itself. */ held: boolean;
};

async function portCheck({ name, port, protocol, address, held }: Port): Promise<Check> {
  const why = port === 0 ? undefined : await whyTaken(port, { protocol, address });
  if (why === undefined) return { name, state: 'ok', found: `${port} is free` };
  if (held) return { name, state: 'ok', found: `${port} is in use, as it should be while the node runs` };
  const flag = { 'http port': '--http-port', 'mesh port': '--p2p-port' }[name] ?? '--discovery-port';
  if (why !== 'EADDRINUSE')
    return {
      name,
      state: 'fail',
      found: `${address}:${port}: ${why}`,
      todo: `choose another address or port: ${flag}`,
    };
  const holder = await holderOf(port, protocol);
  const by = holder === undefined ? 'another program' : `process ${holder.pid} (${cut(holder.command, 60)})`;
  return { name, state: 'fail', found: `${port} is held by ${by}`, todo: `stop it, or choose another: ${flag}` };
}

/** A clock before this software was written is wrong. Only times that people read depend on it. */
const CLOCK_EARLIEST_MS = Date.UTC(2026, 9, 1);

async function clockCheck(nowMs: number): Promise<Check> {
  const found = new Date(nowMs).toISOString();
  const todo = 'set the clock (for example: systemctl enable --now systemd-timesyncd)';
  if (nowMs < CLOCK_EARLIEST_MS) return { name: 'clock', state: 'fail', found: `${found} is in the past`, todo };
  return { name: 'clock', state: 'ok', found };
}

async function nodeCheck(dataDir: string, p2pPort: number): Promise<Check> {
  const name = 'running node';
  try {
    const node = await connectSocket(socketPath(stateDirOf(dataDir, p2pPort), 'admin'));
    const { status, body } = await node.call({ method: 'GET', path: '/api/swarm/status' });
    node.close();
    const log = statusSchema.safeParse(body).data?.log;
    const held = log === undefined ? '' : `; log: ${logText(log)}`;
    if (status === 200) return { name, state: 'ok', found: `answers at ${node.where}${held}` };
    return { name, state: 'fail', found: `answers with status ${status}`, todo: 'look into its log, start it again' };
  } catch (error) {
    if (!(error instanceof NodeGone)) throw error;
    return { name, state: 'warn', found: `none with ${dataDir} at mesh port ${p2pPort}`, todo: 'start one: skep up' };
  }
}
