// Needs: npm, 400 MB of disk
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileApp } from '#compile/compile.ts';
import { inspectApp } from '#compile/detect.ts';
import type { CompileManifest } from '#compile/manifest.ts';
import { freePort } from '../host/swarm.ts';
import { AppFolder } from './app-folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const APPS = join(ROOT, 'test/compile/apps');
const BUILD_WITHIN_MS = 300_000;

let room: string;
/** Where programs run: nothing of the application is near. */
let empty: string;

beforeAll(() => {
  execFileSync('bash', [join(ROOT, 'scripts/install-runtime.sh')], { stdio: 'pipe' });
  if (!existsSync(join(APPS, 'node_modules/.package-lock.json')))
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: APPS, stdio: 'pipe' });
  room = realpathSync(mkdtempSync(join(tmpdir(), 'skep-compiled-')));
  empty = realpathSync(mkdtempSync(join(tmpdir(), 'skep-empty-')));
}, BUILD_WITHIN_MS);
afterAll(() => {
  for (const dir of [room, empty]) rmSync(dir, { recursive: true, force: true });
});

type Options = Partial<Parameters<typeof compileApp>[0]> & { dir: string };
async function compile(name: string, o: Options): Promise<{ program: string; manifest: CompileManifest }> {
  const { manifest } = await compileApp({
    output: join(room, name),
    entryPoint: undefined,
    appName: undefined,
    assets: [],
    filesOnly: false,
    values: {},
    nowMs: Date.now(),
    environment: process.env,
    onStep: () => {},
    ...o,
  });
  const program = join(empty, name);
  cpSync(join(room, name), program);
  return { program, manifest };
}

const environment = (): Record<string, string> => ({ HOME: join(empty, 'home'), PATH: '' });
type Ran = { code: number | null; stdout: string; stderr: string };
async function run(program: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(program, args, { cwd: empty, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const ran: Ran = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (piece: Buffer) => (ran.stdout += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (ran.stderr += piece.toString()));
  [ran.code] = await once(child, 'close');
  return ran;
}

/** Answers once the server does; the bound is the test's own. */
async function answered(url: string): Promise<string> {
  for (;;) {
    try {
      const answer = await fetch(url);
      if (answer.ok) return await answer.text();
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const app = (name: string): string => join(APPS, 'node_modules', name);
const detected = (name: string) => inspectApp({ dir: app(name), entryPoint: undefined, withPackages: false });

describe(
  'real applications from npm, each alone in an empty folder with an empty PATH',
  { timeout: BUILD_WITHIN_MS },
  () => {
    it('a server, in CommonJS with forty packages: http-server', async () => {
      expect(detected('http-server').needs_disk).toEqual([]);
      expect(detected('http-server').builtins.map(({ name }) => name)).toContain('node:url');
      const { program, manifest } = await compile('http-server', { dir: app('http-server') });
      expect(manifest.files).toEqual([]);
      writeFileSync(join(empty, 'hello.txt'), 'served');
      const port = await freePort();
      const child = spawn(program, ['-a', '127.0.0.1', '-p', String(port), '.'], {
        cwd: empty,
        env: environment(),
        stdio: 'ignore',
      });
      try {
        expect(await answered(`http://127.0.0.1:${port}/hello.txt`)).toBe('served');
      } finally {
        child.kill();
        await once(child, 'close');
      }
    });

    it('a command line that hides its dynamic imports from compilers: prettier', async () => {
      expect(detected('prettier').dynamic_imports).toContainEqual(
        expect.objectContaining({ specifier: null, file: 'bin/prettier.cjs' }),
      );
      const { program } = await compile('prettier', { dir: app('prettier') });
      writeFileSync(join(empty, 'a.ts'), 'const   a = {b:1}');
      expect(await run(program, ['a.ts'])).toEqual({ code: 0, stdout: 'const a = { b: 1 };\n', stderr: '' });
    });

    it('one with a native add-on: sharp', async () => {
      expect(detected('sharp-cli').addons.map((one) => one.package)).toContain('@img/sharp-linux-x64');
      const { program, manifest } = await compile('sharp-cli', { dir: app('sharp-cli') });
      expect(manifest.files.some(({ path }) => path.endsWith('.node'))).toBe(true);
      writeFileSync(join(empty, 'a.svg'), '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>');
      const ran = await run(program, ['-i', 'a.svg', '-o', 'a.png', 'resize', '20']);
      expect(ran).toMatchObject({ code: 0 });
      expect(readFileSync(join(empty, 'a.png')).subarray(1, 4).toString()).toBe('PNG');
    });

    it('one of ES modules only, with configuration loaded by name: markdownlint-cli2', async () => {
      expect(detected('markdownlint-cli2').needs_disk.map((one) => one.package)).toContain('markdownlint-cli2');
      const { program } = await compile('markdownlint-cli2', { dir: app('markdownlint-cli2') });
      writeFileSync(join(empty, 'a.md'), '# Title\n\n#Bad\n');
      const ran = await run(program, ['a.md']);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain('MD018');
    });

    it('one in CommonJS that reads its own sources: uglify-js', async () => {
      const { program } = await compile('uglify-js', { dir: app('uglify-js') });
      writeFileSync(join(empty, 'a.js'), 'function f(long) { return long + 1 }');
      expect(await run(program, ['a.js', '-m'])).toMatchObject({ code: 0, stdout: 'function f(n){return n+1}\n' });
    });
  },
);

describe('an application of its own', { timeout: BUILD_WITHIN_MS }, () => {
  const written = new AppFolder().write({
    'package.json': { name: '@me/own app', version: '3.1.4', type: 'module' },
    'index.js': [
      `import { readFileSync } from 'node:fs';`,
      `import { spawnSync } from 'node:child_process';`,
      `import { fileURLToPath } from 'node:url';`,
      `const file = (name) => readFileSync(new URL(\`./page/\${name}\`, import.meta.url), 'utf8');`,
      `const other = fileURLToPath(new URL('./other.ts', import.meta.url));`,
      `const ran = spawnSync(process.execPath, ['--no-warnings', other, 'x y'], { encoding: 'utf8' });`,
      `const { value } = await import('./late.js');`,
      `console.log(JSON.stringify({ page: file('a.html'), made: file('b.ini'), other: ran.stdout, value, args: process.argv.slice(2) }));`,
      `process.exit(7);`,
    ].join('\n'),
    'late.js': `export const value = 'late';`,
    'shared.ts': `export type Shared = string; export const shared: Shared = 'shared';`,
    'other.ts': `import { shared } from './shared.ts'; process.stdout.write(shared + process.argv.slice(2).join());`,
    'page/a.html': '<p>',
    'page/b.ini.template': 'port={{PORT}}',
  });
  afterAll(() => written.remove());

  it('finds the files beside its code, and starts its other programs', async () => {
    const { program, manifest } = await compile('own', { dir: written.dir, values: { PORT: '80' } });
    renameSync(written.dir, `${written.dir}-away`);
    const ran = await run(program, ['--flag', 'a b']);
    renameSync(`${written.dir}-away`, written.dir);
    expect(ran.stderr).toBe('');
    expect(ran.code).toBe(7);
    expect(JSON.parse(ran.stdout)).toEqual({
      page: '<p>',
      made: 'port=80',
      other: 'sharedx y',
      value: 'late',
      args: ['--flag', 'a b'],
    });
    expect(manifest).toMatchObject({
      app_name: 'own-app',
      app_version: '3.1.4',
      source_dir: written.dir,
      extensions: ['node:child_process', 'node:fs', 'node:url'],
    });
    expect(manifest.needs.libraries).toContain('libc.so.6');
    const [kept = ''] = readdirSync(join(empty, 'home/.cache/skep-compiled')).filter((name) =>
      name.startsWith('own-app-'),
    );
    expect(statSync(join(empty, 'home/.cache/skep-compiled', kept)).mode & 0o077).toBe(0);
  });

  it('is refused without anything written when a package is not installed', async () => {
    written.write({ 'broken.js': `import 'not-installed';` });
    await expect(compile('broken', { dir: written.dir, entryPoint: 'broken.js' })).rejects.toMatchObject({
      code: 'missing_import',
      message: 'not installed: not-installed (broken.js:1)',
    });
    expect(readdirSync(room).filter((name) => name.startsWith('broken'))).toEqual([]);
  });
});

it('skep itself, compiled, makes a node that runs a task', { timeout: BUILD_WITHIN_MS }, async () => {
  const { program, manifest } = await compile('skep', { dir: ROOT, entryPoint: 'bin/skep.mjs' });
  expect(await run(program, ['--version'])).toMatchObject({ code: 0, stdout: `${manifest.app_version}\n` });
  const [http, mesh] = [await freePort(), await freePort()];
  const child = spawn(program, ['swarm', `--http-port=${http}`, `--p2p-port=${mesh}`, '--shell-agents=1'], {
    cwd: empty,
    env: { ...environment(), PATH: process.env['PATH'] ?? '' },
    stdio: 'ignore',
  });
  try {
    await answered(`http://127.0.0.1:${http}/health`);
    const node = ['--p2p-port', String(mesh)];
    const ran = await run(program, ['run', '--shell', 'echo from the executable', ...node]);
    expect(ran.stdout + ran.stderr).toContain('from the executable');
    expect(ran.code).toBe(0);
  } finally {
    child.kill();
    await once(child, 'close');
  }
});
