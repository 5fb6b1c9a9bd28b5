// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root
/** `skep hive` as a person types it, on each kind of box: spawn, list, login, kill, rebuild, destroy, revive, purge, also through a killed node. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { NodeProcess } from '../host/process.ts';
import { asJson, freePort } from '../host/swarm.ts';
import { BOX_KINDS, imageOf } from '../runtime/box-image.ts';

const SKEP = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));
/** A score of commands and half as many boxes, on a busy machine. */
const WITHIN_MS = 600_000;
const COMMAND_MS = 120_000;
/** Between two looks at what no event tells of, and how often at most: two minutes, which only a hang takes. */
const LOOK_MS = 100;
const LOOKS_MAX = 1_200;

let dir: string;
let node: NodeProcess;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sk-hv-'));
  const [httpPort, p2pPort] = [await freePort(), await freePort()];
  node = new NodeProcess({ name: 'solo', dataDir: join(dir, 'd'), httpPort, p2pPort, seeds: '', shellAgents: 0 });
}, WITHIN_MS);
afterEach(async () => {
  if (!node.isUp) await node.start();
  await node.stop();
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}, WITHIN_MS);

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  SKEP_DATA_DIR: node.options.dataDir,
  SKEP_P2P_PORT: String(node.options.p2pPort),
  NO_COLOR: '1',
});

/** What it says, on both streams; of one that fails, with its exit code before it. */
async function hive(...args: string[]): Promise<string> {
  const o = { env: environment(), timeout: COMMAND_MS };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [SKEP, 'hive', ...args], o);
    return `${stdout}${stderr}`;
  } catch (error) {
    if (!(error instanceof Error) || !('stdout' in error) || !('stderr' in error) || !('code' in error)) throw error;
    return `${String(error.code)}: ${String(error.stdout)}${String(error.stderr)}`;
  }
}

/** Types into the shell of a box, at a terminal. */
function typed(name: string, text: string): Promise<string> {
  const command = `'${process.execPath}' '${SKEP}' hive login ${name}`;
  const child = spawn('sh', ['-c', 'exec script -qec "$1" /dev/null', 'sh', command], {
    env: environment(),
    timeout: COMMAND_MS,
  });
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += String(piece)));
  child.stderr.on('data', (piece: Buffer) => (said += String(piece)));
  child.stdin.write(`${text}\nexit\n`);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(said));
  });
}

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await wait(LOOK_MS);
  }
  throw new Error(`waited in vain for ${what}`);
}

async function script(description: string): Promise<string> {
  const task = { title: 'a script', description, required_capabilities: ['shell', 'alice'], attempts_max: 1 };
  const answer = await node.request('POST', '/api/swarm/tasks', task);
  return String(asJson(answer.body)['id']);
}

async function said(id: string): Promise<string> {
  const ended = await until(`the end of ${id}`, async () => {
    const task = asJson(await node.get(`/api/swarm/tasks/${id}`));
    return ['completed', 'failed', 'cancelled'].includes(String(task['status'])) ? task : undefined;
  });
  if (ended['status'] !== 'completed') throw new Error(JSON.stringify(ended));
  return String(ended['result']).trim();
}

/** Says which of its sockets a process in the box can open. */
const OPENS = `for s in mcp tools relay; do node -e 'require("net").connect("/run/hive/'$s'.sock").on("connect",()=>{console.log("'$s'");process.exit()}).on("error",(e)=>{console.log(e.code);process.exit()})'; done`;

describe.each(BOX_KINDS)('skep hive with a %s', { timeout: WITHIN_MS }, (kind) => {
  it('spawns, lists, logs in, kills, rebuilds, destroys, revives and purges', async () => {
    // Before the node, whose environment says where the settings of Podman are.
    const image = imageOf(kind);
    await node.start();
    const gate = join(dir, 'gate');
    mkdirSync(gate);
    const made = [
      '--tool',
      'shell',
      '--capability',
      'alice',
      '--runtime',
      kind,
      ...(image === null ? [] : ['--image', image]),
    ];
    const limits = ['--memory', '512', '--processes', '64', '--mount', `${gate}:/gate:rw`];
    expect(await hive('spawn', 'alice', ...made, ...limits)).toContain(`alice was spawned: ${kind}, running.`);
    expect(await hive('spawn', 'alice', ...made)).toMatch(/^\d+: .*there is a box alice already/s);
    expect(await hive('list')).toMatch(new RegExp(`alice +running +${kind} +shell`));

    // Of what is typed the terminal shows an echo, which is no answer.
    expect(
      await typed('alice', 'echo key > ~/.token; echo "user $(id -u) of $(cat /proc/sys/kernel/hostname)"'),
    ).toContain('user 1000 of ');
    expect(await said(await script('cat ~/.token'))).toBe('key');

    expect(await hive('kill', 'alice')).toContain(`alice was stopped: ${kind}, stopped.`);
    const waiting = await script('echo woken');
    expect(await hive('list')).toMatch(/alice +stopped/);
    expect(await hive('rebuild', 'alice')).toContain(`alice is as declared: ${kind}, running.`);
    expect(await said(waiting)).toBe('woken');

    const running = await script(`echo x > /gate/begun; until [ -e /gate/go ]; do sleep 0.1; done; ${OPENS}`);
    await until('the beginning', () => (existsSync(join(gate, 'begun')) ? true : undefined));
    await node.kill();
    await node.start();
    const sockets = join(stateDirOf(node.options.dataDir, node.options.p2pPort), 'agents/alice');
    for (const name of ['mcp.sock', 'tools.sock', 'relay.sock']) {
      await until(name, () => (existsSync(join(sockets, name)) ? true : undefined));
      rmSync(join(sockets, name));
      await until(`${name} again`, () => (existsSync(join(sockets, name)) ? true : undefined));
    }
    writeFileSync(join(gate, 'go'), '');
    expect(await said(running)).toBe('mcp\ntools\nrelay');
    expect(await hive('list')).toMatch(/alice +running/);

    expect(await hive('destroy', 'alice')).toContain('Destroyed; its home stays.');
    expect(await hive('list')).toMatch(/alice +destroyed.*home kept/);
    expect(await hive('spawn', 'alice', ...made)).toContain('running.');
    expect(await said(await script('cat ~/.token'))).toBe('key');
    expect(await hive('destroy', 'alice', '--purge')).toContain('Destroyed and purged.');
    expect(await hive('list')).toContain('No boxes.');
    expect(node.troubles).toEqual([]);
  });
});
