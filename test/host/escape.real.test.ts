// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), docker.io (dockerd), root
/** A hostile program in a box gets at nothing that docs/security.md does not list. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { socketPath } from '#socket-path.ts';
import { BOX_KINDS, imageOf } from '../runtime/box-image.ts';
import type { DockerDaemon } from '../runtime/docker-daemon.ts';
import { DOCKER_IMAGE, startDocker } from '../runtime/docker-daemon.ts';
import { BoxStage, TEST_MS } from './box-stage.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const PROGRAM = fileURLToPath(new URL('./escape.mjs', import.meta.url));
const RELAY_PART = fileURLToPath(new URL('./escape-relay.mjs', import.meta.url));
/** Another one each time: so it stands in no copy of this file that a box may read. */
const KEY = `sk-escape-${randomBytes(8).toString('hex')}`;

/** The service of a model, as far as a hostile program may tell of it: says which of its headers came, but never the key. */
const service = createServer((request, response) => {
  const isPaid = request.headers['x-api-key'] === KEY;
  const shown = { ...request.headers, 'x-api-key': isPaid ? 'the node' : request.headers['x-api-key'] };
  served.push({ url: request.url, isPaid });
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(shown));
});
const served: { url: string | undefined; isPaid: boolean }[] = [];

let stage: BoxStage;
let daemon: DockerDaemon | undefined;
beforeEach(async () => {
  served.length = 0;
  await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve));
  const address = service.address();
  if (typeof address !== 'object' || address === null) throw new Error('the service has no port');
  process.env['ANTHROPIC_API_KEY'] = KEY;
  process.env['ANTHROPIC_BASE_URL'] = `http://127.0.0.1:${address.port}`;
  stage = await BoxStage.open();
}, TEST_MS);
afterEach(async () => {
  delete process.env['ANTHROPIC_API_KEY'];
  delete process.env['ANTHROPIC_BASE_URL'];
  service.closeAllConnections();
  await new Promise((resolve) => void service.close(resolve));
  await stage.close();
  await daemon?.close();
  daemon = undefined;
}, TEST_MS);

/** A repository with a submodule that nobody has fetched. */
function withSubmodule(path: string): void {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: path, encoding: 'utf8' }).trim();
  const head = git('rev-parse', 'main');
  git('checkout', '-q', 'main');
  git('update-index', '--add', '--cacheinfo', `160000,${head},sub`);
  git('commit', '-qm', 'With a submodule');
  git('checkout', '-q', 'side');
}

describe('a hostile program', { timeout: TEST_MS }, () => {
  it.each([...BOX_KINDS, 'docker'] as const)('gets at nothing outside of a %s', async (kind) => {
    const runtime = kind === 'docker' ? 'container' : kind;
    if (kind === 'docker') {
      daemon = await startDocker();
      await stage.close();
      stage = await BoxStage.open({ containerEngine: 'docker' });
    }
    const image = kind === 'docker' ? DOCKER_IMAGE : imageOf(kind);
    const { node, swarm } = stage;
    const { dataDir, p2pPort, httpPort } = node.options;
    const state = join(dataDir, String(p2pPort));
    const { socket: host } = await node.post('/api/hive/serve', {});
    await stage.spawn('victim', { runtime, image });
    await stage.said('victim', 'echo key > ~/.credentials');
    const keys = join(swarm.dir, 'ssh');
    mkdirSync(keys);
    writeFileSync(join(keys, 'id_ed25519'), 'a key');
    mkdirSync(join(dataDir, 'secrets'));
    writeFileSync(join(dataDir, 'secrets/other'), 'a secret of somebody else');
    const origin = swarm.repository('demo');
    withSubmodule(origin);
    const project = await node.post('/api/swarm/projects', { name: 'demo', origin });
    const programs = [
      { from: PROGRAM, at: '/opt/escape.mjs', writable: false },
      { from: RELAY_PART, at: '/opt/escape-relay.mjs', writable: false },
    ];
    // Whoever lists a name trusts it, and not where it leads.
    const listed = [httpPort, p2pPort].map((port) => `localhost:${port}`);
    await stage.spawn('mallory', { runtime, image, mounts: programs, egress: listed });
    const marker = join(swarm.dir, 'marker');
    const given = {
      ports: [httpPort, p2pPort],
      listed,
      machine: hostname(),
      sockets: [host, socketPath(state, 'admin'), socketPath(state, 'agents'), join(state, 'agents/victim/tools.sock')],
      files: [
        join(dataDir, 'token'),
        join(dataDir, 'secret'),
        join(dataDir, 'secrets/other'),
        join(state, 'skep.db'),
        join(state, 'runtime'),
        join(state, 'boxes/victim/home/.credentials'),
        join(keys, 'id_ed25519'),
        origin,
        PROGRAM,
      ],
      tokens: ['operator', 'user:operator'],
      // Folders above what a box shows can be told by their names: skep itself, Node, the worktree.
      ways: [ROOT, process.execPath, state],
      // As docs/security.md says, read-only.
      shown: runtime === 'container' ? ['/sys/kernel'] : [],
      pid: process.pid,
      key: Buffer.from(KEY).toString('base64'),
      repository: join(state, 'projects', `${String(project['id'])}.git`),
      marker,
    };
    // What is not there proves nothing.
    expect(given.files.filter((path) => !existsSync(path))).toEqual([]);
    const script = `node /opt/escape.mjs '${JSON.stringify(given)}' 2>&1`;
    const task = await node.ended(await stage.script('mallory', script, { project: project['id'] }));
    expect(task).toMatchObject({ error: null, status: 'completed', result: 'done' });
    // One request went on, with the key of the node and with nothing of the box's.
    expect(served).toEqual([{ url: '/v1/models', isPaid: true }]);
    expect(swarm.log.join('\n')).not.toContain(KEY);
    const refused = `CONNECT localhost:${httpPort}: 403 refused: localhost:${httpPort} leads to an address that is not public`;
    expect(swarm.log.join('\n')).toContain(`mallory asked through its relay: ${refused}`);
    // What it left in its worktree was looked at by the node's git, and nothing of it was run.
    expect(existsSync(marker)).toBe(false);
    expect(await node.list('/api/swarm/tasks')).toHaveLength(2);
    expect(await stage.box('victim')).toMatchObject({ state: 'running' });
  });

  it('gets nothing run by a repository in the place of its worktree', async () => {
    const { node, swarm } = stage;
    await stage.spawn('mallory');
    const project = await node.post('/api/swarm/projects', { name: 'demo', origin: swarm.repository('demo') });
    const marker = join(swarm.dir, 'marker');
    const text = `rm .git && git init -q . && git config core.fsmonitor 'touch ${marker}' && git config core.hooksPath . && git add . && echo x > y`;
    const task = await node.ended(await stage.script('mallory', text, { project: project['id'] }));
    expect(task).toMatchObject({ status: 'failed', error: expect.stringContaining('could not be delivered') });
    expect(existsSync(marker)).toBe(false);
  });
});
