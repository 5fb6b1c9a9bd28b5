/** The servers skep is measured against, from the distribution's packages: on loopback, in the bench's directory, ended with it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';
import type { Stage } from './stage.ts';
import { freePort } from './stage.ts';

/** What to run when one of them is missing. */
export const APT_LINE = 'apt-get install -y nats-server redis-server';

const READY_MAX_MS = 20_000;
const LOOK_MS = 100;

/**
 * Gets a server from the distribution's packages where it is missing and this is root's machine; else the bench goes on without it. The package of a
 * server starts nothing by itself where no init runs.
 */
export function install(command: string, name: string): void {
  const has = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;
  if (has || process.getuid?.() !== 0) return;
  spawnSync('/usr/bin/env', ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', name], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: 'ignore',
  });
}

/** The version a server names, or undefined when it is not on PATH. */
export function versionOf(command: 'nats-server' | 'redis-server' | 'etcd' | 'serf'): string | undefined {
  try {
    const said = execFileSync(command, [command === 'serf' ? 'version' : '--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return /(?:v=?|Version: )(\d[\w.-]*)/.exec(said)?.[1] ?? said.trim().split('\n')[0];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** JetStream on files with its default interval of sync, as it comes: it answers before the disk has it. */
export async function startNats(stage: Stage): Promise<{ child: Child; url: string; port: number; webPort: number }> {
  const dir = join(stage.dir, 'nats');
  mkdirSync(dir);
  const [port, webPort] = [await freePort(), await freePort()];
  const web = `websocket { host: "127.0.0.1", port: ${webPort}, no_tls: true }\n`;
  const config = `host: "127.0.0.1"\nport: ${port}\nping_interval: "1h"\n${web}jetstream { store_dir: "${dir}", max_mem: 512M, max_file: 8G }\n`;
  const file = join(dir, 'nats.conf');
  writeFileSync(file, config);
  const child = stage.start({ name: 'nats-server', argv: ['nats-server', '-c', file] });
  await child.line((line) => (line.includes('Server is ready') ? true : undefined), READY_MAX_MS);
  return { child, url: `127.0.0.1:${port}`, port, webPort };
}

/** Redis that syncs its file before each answer. A rewrite of the file in the middle would only slow it down, so there is none. */
export async function startRedis(stage: Stage): Promise<{ child: Child; socket: string }> {
  const dir = join(stage.dir, 'redis');
  mkdirSync(dir);
  const socket = join(dir, 'redis.sock');
  const settings = {
    port: '0',
    unixsocket: socket,
    dir,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    'auto-aof-rewrite-percentage': '0',
    daemonize: 'no',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = stage.start({ name: 'redis-server', argv: ['redis-server', ...args] });
  await child.line((line) => (/ready to accept connections/i.test(line) ? true : undefined), READY_MAX_MS);
  await new Promise<void>((resolve, reject) => {
    const client = connect(socket, () => {
      client.destroy();
      resolve();
    });
    client.once('error', reject);
  });
  return { child, socket };
}

/** Three members of one etcd cluster, as they come; its client ports. */
export async function startEtcd(stage: Stage): Promise<{ children: Child[]; hosts: string[] }> {
  const members = await Promise.all(
    [1, 2, 3].map(async (n) => ({ name: `etcd-${n}`, client: await freePort(), peer: await freePort() })),
  );
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  const cluster = members.map(({ name, peer }) => `${name}=${url(peer)}`).join(',');
  const children = members.map(({ name, client, peer }) => {
    const settings = {
      name,
      'data-dir': join(stage.dir, name),
      'listen-client-urls': url(client),
      'advertise-client-urls': url(client),
      'listen-peer-urls': url(peer),
      'initial-advertise-peer-urls': url(peer),
      'initial-cluster': cluster,
    };
    const args = Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`);
    return stage.start({ name, argv: ['etcd', ...args], logFile: join(stage.dir, `${name}.log`) });
  });
  const hosts = members.map(({ client }) => `127.0.0.1:${client}`);
  await Promise.all(hosts.map(isHealthy));
  return { children, hosts };
}

/** Resolves when the member has a leader and answers. */
async function isHealthy(host: string): Promise<void> {
  const untilMs = performance.now() + READY_MAX_MS;
  for (;;) {
    const answer = await fetch(`http://${host}/health`).then(
      (response) => response.text(),
      () => '',
    );
    if (answer.includes('true')) return;
    if (performance.now() > untilMs) throw new Error(`etcd at ${host} is not healthy: ${answer}`);
    await sleep(LOOK_MS);
  }
}
