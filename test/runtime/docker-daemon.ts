/** A daemon of Docker of a test's own, without network and beside any other, with the image of tests in it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { rootFolder } from './root-folder.ts';

export const DOCKER_IMAGE = 'skep-box-test:3';

/** Between two looks at whether it answers, and how often at most: two minutes, which only a hang takes. */
const LOOK_MS = 200;
const LOOKS_MAX = 600;
/** The image is copied once. */
const IMPORT_LIMIT_MS = 120_000;

export type DockerDaemon = { close(): Promise<void> };

/** Sets `DOCKER_HOST` of this process until it is closed. */
export async function startDocker(): Promise<DockerDaemon> {
  const dir = mkdtempSync(join(tmpdir(), 'sk-dk-'));
  const host = `unix://${join(dir, 's')}`;
  const log = join(dir, 'log');
  const before = process.env['DOCKER_HOST'];
  const settings = {
    hosts: [host],
    'data-root': join(dir, 'data'),
    'exec-root': join(dir, 'exec'),
    pidfile: join(dir, 'pid'),
    bridge: 'none',
    iptables: false,
    ip6tables: false,
  };
  const file = join(dir, 'daemon.json');
  writeFileSync(file, JSON.stringify(settings));
  const child = spawn('sh', ['-c', 'exec dockerd --config-file "$1" >"$2" 2>&1', 'sh', file, log], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  process.env['DOCKER_HOST'] = host;
  for (let looks = 0; !answers(); looks += 1) {
    if (looks < LOOKS_MAX && child.exitCode === null) await wait(LOOK_MS);
    else {
      const said = readFileSync(log, 'utf8').split('\n').slice(-5).join('\n');
      await close();
      throw new Error(`dockerd does not answer: ${said}`);
    }
  }
  const bring = ['-c', 'tar -C "$1" -c . | docker import - "$2"', 'sh', rootFolder(), DOCKER_IMAGE];
  execFileSync('sh', bring, { stdio: 'pipe', timeout: IMPORT_LIMIT_MS });
  return { close };
}

function answers(): boolean {
  try {
    execFileSync('docker', ['version'], { stdio: 'ignore', timeout: IMPORT_LIMIT_MS });
    return true;
  } catch {
    // Not yet.
    return false;
  }
}
