/** The holder as a process: it outlives its node, and its own death is told. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { makeClaim, readClaim } from '#runtime/claim.ts';
import { markOf } from '#runtime/layout.ts';
import { LocalRuntime } from '#runtime/local.ts';
import { ProcTable } from '#runtime/proc-table.ts';
import { restOf, iteratorOf, linesOf, lineWith, script, soon } from '../contract/runtime.ts';
import { holderPid, makeLocalHome, type LocalHome } from './local-home.ts';
import { temporaryDirectories } from './temporary.ts';

const makeDirectory = temporaryDirectories();
const homes: LocalHome[] = [];
const runtimes: LocalRuntime[] = [];

function makeHome(): LocalHome {
  const home = makeLocalHome();
  homes.push(home);
  return home;
}

function open(home: LocalHome): LocalRuntime {
  const runtime = home.open();
  runtimes.push(runtime);
  return runtime;
}

afterEach(async () => {
  for (const runtime of runtimes.splice(0)) await runtime.close();
  for (const home of homes.splice(0)) await home.remove();
});

function killHolder(home: LocalHome): void {
  process.kill(holderPid(home.directory) ?? Number.NaN, 'SIGKILL');
}

describe('the holder and its node', () => {
  it('keeps a process whose node was killed, for the next node', async () => {
    const home = makeHome();
    const spec = script('read -r a; echo "a: $a"; read -r b; echo "b: $b"; exit 6');
    const main = fileURLToPath(new URL('./node-main.ts', import.meta.url));
    const node = spawn(process.execPath, [main, home.directory, spec.id, spec.argv[2] ?? ''], { stdio: 'pipe' });
    node.stderr.pipe(process.stderr);
    await soon('the first node', once(node.stdout, 'data'));
    node.kill('SIGKILL');
    await soon('its end', once(node, 'exit'));

    const proc = await open(home).attach(spec.id);
    if (proc === undefined) throw new Error('the process is not found');
    const lines = iteratorOf(proc.lines);
    expect(await lineWith(lines, 'a:')).toBe('a: from the first node');
    await proc.write('from the second');
    expect(await lineWith(lines, 'b:')).toBe('b: from the second');
    expect(await soon('the exit', proc.exited)).toEqual({ code: 6, signal: null, error: null });
    await restOf(lines);
  });

  it('reports what ended while no node was there', async () => {
    const home = makeHome();
    const spec = script('read -r line; echo "got $line"; exit 5');
    const first = open(home);
    const proc = await first.start(spec);
    await proc.write('word');
    await first.close();
    const later = await open(home).attach(spec.id);
    if (later === undefined) throw new Error('the process is not found');
    expect(await soon('the exit', later.exited)).toEqual({ code: 5, signal: null, error: null });
    expect(await linesOf(later.lines)).toEqual(['got word']);
  });

  it('needs no holder for what has ended, nor for an idle node', async () => {
    const home = makeHome();
    const spec = script('echo done');
    const first = open(home);
    await soon('the exit', (await first.start(spec)).exited);
    await first.stop(100);
    const later = open(home);
    const proc = await later.attach(spec.id);
    expect(await linesOf(proc?.lines ?? linesOfNothing())).toEqual(['done']);
    await later.forget(spec.id);
    expect(await later.list()).toEqual([]);
    expect(readClaim(home.directory)?.n).toBe(1);
    expect(existsSync(readClaim(home.directory)?.socket ?? '')).toBe(false);
  });

  it('serves two runtimes of one directory', async () => {
    const home = makeHome();
    const [one, other] = [open(home), open(home)];
    const spec = script('read -r a; read -r b; echo "$a $b"');
    const started = await Promise.allSettled([one.start(spec), other.start(spec)]);
    const refused = started.filter((result) => result.status === 'rejected');
    expect(refused.map((result) => result.reason)).toMatchObject([{ code: 'proc_exists' }]);
    const procs = [await one.attach(spec.id), await other.attach(spec.id)];
    for (const proc of procs) await proc?.write('word');
    for (const proc of procs) expect(await linesOf(proc?.lines ?? linesOfNothing())).toEqual(['word word']);
    expect(readdirSync(home.directory).filter((name) => /^holder-\d+\.json$/.test(name))).toHaveLength(1);
  });

  it('runs fifty processes at once', async () => {
    const runtime = open(makeHome());
    const procs = await soon(
      'fifty starts',
      Promise.all(
        Array.from({ length: 50 }, (_, n) => runtime.start(script(`read -r line; echo "${n} $line"; exit ${n}`))),
      ),
    );
    expect(await runtime.list()).toHaveLength(50);
    await Promise.all(procs.map((proc) => proc.write('go')));
    const ends = await Promise.all(
      procs.map(async (proc) => ({ exit: await proc.exited, lines: await linesOf(proc.lines) })),
    );
    expect(ends.map((end) => end.exit.code)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(ends.map((end) => end.lines)).toEqual(Array.from({ length: 50 }, (_, n) => [`${n} go`]));
    expect(await runtime.list()).toEqual([]);
  });

  it('stops with all its processes when it is told to', async () => {
    const home = makeHome();
    const runtime = open(home);
    const proc = await runtime.start(script('trap "" TERM; echo ready; while :; do sleep 0.05; done'));
    const lines = iteratorOf(proc.lines);
    await lineWith(lines, 'ready');
    await soon('the stop', runtime.stop(100));
    expect(await soon('the exit', proc.exited)).toMatchObject({ signal: 'SIGKILL' });
    await restOf(lines);
    const next = await runtime.start(script('echo again'));
    expect(await linesOf(next.lines)).toEqual(['again']);
    expect(readClaim(home.directory)?.n).toBe(2);
  });
});

describe('a holder that is killed', () => {
  it('is succeeded by one that ends what it left, and tells', async () => {
    const home = makeHome();
    const runtime = open(home);
    const deaf = script(
      'trap "" TERM PIPE HUP; setsid bash -c \'trap "" TERM; while :; do sleep 0.05; done\' & echo ready; while :; do sleep 0.05; done',
    );
    const meek = script('echo ready; read -r line; sleep 600');
    const procs = [await runtime.start(deaf), await runtime.start(meek)];
    const all = procs.map((proc) => iteratorOf(proc.lines));
    for (const lines of all) await lineWith(lines, 'ready');
    killHolder(home);
    for (const proc of procs) {
      expect(await soon('the exit', proc.exited)).toEqual({ code: null, signal: null, error: 'holder_lost' });
    }
    for (const lines of all) await restOf(lines);
    const table = new ProcTable();
    for (const spec of [deaf, meek]) {
      expect(await table.find({ mark: markOf(home.directory, spec.id), session: undefined })).toEqual([]);
      await expect(runtime.start(spec)).rejects.toMatchObject({ code: 'proc_exists' });
    }
    const next = await runtime.start(script('echo fine'));
    expect(await linesOf(next.lines)).toEqual(['fine']);
  });

  it('is noticed by a node that comes later', async () => {
    const home = makeHome();
    const first = open(home);
    const spec = script('echo said; sleep 600');
    const lines = iteratorOf((await first.start(spec)).lines);
    await lineWith(lines, 'said');
    await first.close();
    killHolder(home);
    const proc = await open(home).attach(spec.id);
    expect(await soon('the exit', proc?.exited ?? Promise.reject(new Error('not found')))).toMatchObject({
      error: 'holder_lost',
    });
    expect(await linesOf(proc?.lines ?? linesOfNothing())).toEqual(['said']);
  });

  it('is replaced at once by many that ask, and only by one', async () => {
    const home = makeHome();
    const first = open(home);
    await first.start(script('sleep 600'));
    killHolder(home);
    const others = Array.from({ length: 4 }, () => open(home));
    const procs = await Promise.all(others.map((runtime, n) => runtime.start(script(`echo ${n}`))));
    for (const [n, proc] of procs.entries()) expect(await linesOf(proc.lines)).toEqual([String(n)]);
    expect(readdirSync(home.directory).filter((name) => /^holder-\d+\.json$/.test(name))).toHaveLength(1);
  });

  it('is told when none can be started', async () => {
    const runtime = new LocalRuntime({ directory: makeDirectory(), holderCommand: ['/no/such/holder'] });
    await expect(runtime.start(script('true'))).rejects.toMatchObject({ code: 'holder_unavailable' });
    await runtime.close();
    const crashing = new LocalRuntime({
      directory: makeDirectory(),
      holderCommand: ['sh', '-c', 'echo why >&2; exit 1'],
    });
    await expect(crashing.start(script('true'))).rejects.toThrow('why');
    await crashing.close();
  });
});

describe('who may talk to the holder, and what it writes down', () => {
  it('hangs up on a wrong token', async () => {
    const home = makeHome();
    const runtime = open(home);
    const spec = script('read -r line');
    await runtime.start(spec);
    const socket = readClaim(home.directory)?.socket ?? '';
    const hello = { t: 'hello', token: 'f'.repeat(64), version: 1 };
    for (const said of [JSON.stringify(hello), JSON.stringify({ t: 'stop', request: 1, graceMs: 0 }), 'nonsense']) {
      const stranger = connect(socket);
      stranger.on('error', () => {});
      let heard = '';
      stranger.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      stranger.write(`${said}\n`);
      await soon('the end of the connection', once(stranger, 'close'));
      expect(heard).toBe('');
    }
    expect(await runtime.list()).toEqual([spec.id]);
  });

  it('keeps everything to its user, and no environment on disk', async () => {
    const home = makeHome();
    const runtime = open(home);
    const env = { PATH: process.env['PATH'] ?? '', API_KEY: 'sk-very-secret-value' };
    const proc = await runtime.start(script('echo ready; read -r line', { env }));
    const lines = iteratorOf(proc.lines);
    await lineWith(lines, 'ready');
    await proc.write('x');
    await restOf(lines);
    // What node itself keeps of compiled code lies in a directory that is closed to others.
    const entries = readdirSync(home.directory, { recursive: true, withFileTypes: true }).filter(
      (entry) => !entry.parentPath.startsWith(join(home.directory, 'code')),
    );
    const paths = entries.map((entry) => join(entry.parentPath, entry.name));
    expect(paths.filter((path) => (statSync(path).mode & 0o077) !== 0)).toEqual([]);
    const files = paths.filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(4);
    expect(files.filter((path) => readFileSync(path, 'latin1').includes('very-secret'))).toEqual([]);
    expect(statSync(home.directory).mode & 0o777).toBe(0o700);
  });

  it('finds room for its socket when the directory has a long name', async () => {
    const directory = join(makeDirectory(), 'long'.repeat(30));
    mkdirSync(directory);
    const runtime = new LocalRuntime({ directory });
    const proc = await runtime.start(script('echo fine'));
    expect(await linesOf(proc.lines)).toEqual(['fine']);
    await runtime.stop(100);
    await runtime.close();
  });

  it.each(['', '../x', 'a/b', '.', 'x'.repeat(201)])('refuses the id %j', async (id) => {
    const runtime = open(makeHome());
    const { parsedProcId } = await import('#core/brand.ts');
    await expect(runtime.start(script('true', { id: parsedProcId(id) }))).rejects.toMatchObject({ code: 'bad_spec' });
    expect(await runtime.attach(parsedProcId(id))).toBeUndefined();
    await runtime.forget(parsedProcId(id));
  });

  it('refuses what no process could be started with', async () => {
    const runtime = open(makeHome());
    for (const bad of [
      { cwd: 'relative' },
      { env: { A: 'nul\0' } },
      { argv: ['true', 'x'.repeat(5_000_000)] as const },
    ]) {
      await expect(runtime.start(script('true', bad))).rejects.toMatchObject({ code: 'bad_spec' });
    }
  });
});

describe('the claim of a directory', () => {
  it('goes to one, and to nobody who acts on an old view', () => {
    const directory = makeDirectory();
    const claim = (n: number): { n: number; socket: string; pid: number } => ({
      n,
      socket: join(directory, `${n}.sock`),
      pid: n,
    });
    expect(readClaim(directory)).toBeUndefined();
    expect(makeClaim(directory, claim(1))).toBe(true);
    expect(makeClaim(directory, claim(1))).toBe(false);
    expect(makeClaim(directory, claim(2))).toBe(true);
    expect(makeClaim(directory, claim(3))).toBe(true);
    expect(makeClaim(directory, claim(2))).toBe(false);
    expect(readClaim(directory)).toEqual({ n: 3, socket: join(directory, '3.sock') });
    expect(readdirSync(directory)).toEqual(['holder-3.json']);
  });
});

async function* linesOfNothing(): AsyncGenerator<string> {}
