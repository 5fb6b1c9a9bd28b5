// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root
/** A hostile program in a box gets at nothing that docs/security.md does not list. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { socketPath } from '#socket-path.ts';
import { containerImage } from '../runtime/container-image.ts';
import { rootFolder } from '../runtime/root-folder.ts';
import { BoxStage, TEST_MS } from './box-stage.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const PROGRAM = fileURLToPath(new URL('./escape.mjs', import.meta.url));
const KEY = 'sk-escape-4711';

let stage: BoxStage;
beforeEach(async () => {
  process.env['ANTHROPIC_API_KEY'] = KEY;
  stage = await BoxStage.open();
}, TEST_MS);
afterEach(async () => {
  delete process.env['ANTHROPIC_API_KEY'];
  await stage.close();
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

function imageOf(runtime: string): string | null {
  if (runtime === 'sandbox') return null;
  return runtime === 'container' ? containerImage() : rootFolder();
}

describe('a hostile program', { timeout: TEST_MS }, () => {
  it.each(['sandbox', 'container', 'nspawn'])('gets at nothing outside of a %s', async (runtime) => {
    const image = imageOf(runtime);
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
    const program = { from: PROGRAM, at: '/opt/escape.mjs', writable: false };
    await stage.spawn('mallory', { runtime, image, mounts: [program] });
    const marker = join(swarm.dir, 'marker');
    const given = {
      ports: [httpPort, p2pPort],
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
      key: KEY,
      repository: join(state, 'projects', `${String(project['id'])}.git`),
      marker,
    };
    // What is not there proves nothing.
    expect(given.files.filter((path) => !existsSync(path))).toEqual([]);
    const script = `node /opt/escape.mjs '${JSON.stringify(given)}' 2>&1`;
    const task = await node.ended(await stage.script('mallory', script, { project: project['id'] }));
    expect(task).toMatchObject({ error: null, status: 'completed', result: 'done' });
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
