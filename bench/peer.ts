/** The servers skep is measured against, from the distribution's packages: on loopback, in the bench's directory, ended with it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Child } from './child.ts';
import type { Stage } from './stage.ts';
import { freePort } from './stage.ts';

/** What to run when one of them is missing. */
export const APT_LINE = 'apt-get install -y nats-server redis-server';

const READY_MAX_MS = 20_000;

/** The version a server names, or undefined when it is not on PATH. */
export function versionOf(command: 'nats-server' | 'redis-server'): string | undefined {
  try {
    const said = execFileSync(command, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return /v=?(\d[\w.-]*)/.exec(said)?.[1] ?? said.trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** JetStream on files with its default interval of sync, as it comes: it answers before the disk has it. */
export async function startNats(stage: Stage): Promise<{ child: Child; url: string }> {
  const dir = join(stage.dir, 'nats');
  mkdirSync(dir);
  const port = await freePort();
  const config = `host: "127.0.0.1"\nport: ${port}\njetstream { store_dir: "${dir}", max_mem: 512M, max_file: 8G }\n`;
  const file = join(dir, 'nats.conf');
  writeFileSync(file, config);
  const child = stage.start({ name: 'nats-server', argv: ['nats-server', '-c', file] });
  await child.line((line) => (line.includes('Server is ready') ? true : undefined), READY_MAX_MS);
  return { child, url: `127.0.0.1:${port}` };
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
