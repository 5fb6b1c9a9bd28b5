/** The real process: its exit codes, a reader that goes away, signals. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Options, Result } from 'execa';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { fitsNode } from '#cli/node-version.ts';
import { FakeNode, taskJson } from './fake-node.ts';
import { place } from './test-world.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function room(): string {
  const { path, remove } = place();
  closers.push(remove);
  return path;
}

const environment = (home: string): Record<string, string> => ({ PATH: process.env['PATH'] ?? '', HOME: home });

const skep = (cwd: string, argv: string[], o: Options = {}): Promise<Result> =>
  execa(process.execPath, [main, ...argv], { cwd, env: environment(cwd), extendEnv: false, reject: false, ...o });

async function nodeWithTasks(cwd: string, count: number): Promise<FakeNode> {
  const node = new FakeNode().on('GET /api/swarm/agents', []);
  node.on(
    'GET /api/swarm/tasks',
    Array.from({ length: count }, (_, at) =>
      taskJson({ id: `${'a'.repeat(32)}-${at + 1}`, description: 'x'.repeat(2_000) }),
    ),
  );
  await node.listenSocket(join(cwd, 'data'), 7101);
  closers.push(() => node.close());
  return node;
}

describe('the process', () => {
  it('exits with 0, 2, 3 and 4', async () => {
    const cwd = room();
    expect((await skep(cwd, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+$/);
    expect((await skep(cwd, ['no-such-verb'])).exitCode).toBe(2);
    expect((await skep(cwd, ['status'])).exitCode).toBe(4);
    await nodeWithTasks(cwd, 1);
    expect((await skep(cwd, ['status'])).exitCode).toBe(3);
    const list = await skep(cwd, ['task', 'list']);
    expect(list).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('names commands as they can be typed: by the path, or by the name where it is on PATH', async () => {
    const cwd = room();
    const script = fileURLToPath(new URL('../../bin/skep', import.meta.url));
    const env = environment(cwd);
    const typed = await execa(script, ['status'], { cwd, env, extendEnv: false, reject: false });
    expect(typed.stderr).toContain(`start one: ${script} up `);
    const unknown = await execa(script, ['no-such-verb'], { cwd, env, extendEnv: false, reject: false });
    expect(unknown.stderr).toContain(`all of them: ${script} --help`);
    const folder = join(cwd, 'bin');
    mkdirSync(folder);
    symlinkSync(script, join(folder, 'skep'));
    const onPath = { ...env, PATH: `${folder}:${env['PATH']}` };
    const named = await execa('bash', ['-c', 'exec "$0" status', 'skep'], {
      cwd,
      env: onPath,
      extendEnv: false,
      reject: false,
    });
    expect(named.stderr).toContain('start one: skep up ');
  });

  it('ends quietly when nobody reads on', async () => {
    const cwd = room();
    await nodeWithTasks(cwd, 500);
    const script = '"$0" "$1" task list --json --limit 1000 | head -n 1; exit "${PIPESTATUS[0]}"';
    const shell = await execa('bash', ['-c', script, process.execPath, main], {
      cwd,
      env: environment(cwd),
      extendEnv: false,
      reject: false,
    });
    expect(shell).toMatchObject({ stdout: '[', stderr: '', exitCode: 0 });
  });

  it('ends at once at Ctrl-C, with 130, and leaves what it followed', async () => {
    const cwd = room();
    const node = await nodeWithTasks(cwd, 1);
    node.beginning.push({ event: 'snapshot', data: { n: 1, tasks: [], agents: [], nodes: [] } });
    const child = execa(process.execPath, [main, 'events', '--follow'], {
      cwd,
      env: environment(cwd),
      extendEnv: false,
      reject: false,
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGINT');
    expect((await child).exitCode).toBe(130);
  });

  it('shows no colours where NO_COLOR is set, and some where FORCE_COLOR is', async () => {
    const cwd = room();
    await nodeWithTasks(cwd, 1);
    const plain = await skep(cwd, ['task', 'list'], { env: { ...environment(cwd), NO_COLOR: '1' } });
    const coloured = await skep(cwd, ['task', 'list'], { env: { ...environment(cwd), FORCE_COLOR: '1' } });
    expect(plain.stdout).not.toContain('\u001b[');
    expect(coloured.stdout).toContain('\u001b[');
  });
});

describe('the version of node', () => {
  it.each([
    ['24.16.0', true],
    ['24.9.1', false],
    ['22.18.0', false],
    ['26.0.0', true],
  ])('%s fits: %s', (version, fits) => {
    expect(fitsNode(version)).toBe(fits);
  });
});
