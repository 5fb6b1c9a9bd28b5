/** What every runtime keeps. Run by test/runtime on the local runtime with its holder, on boxes, and on a small fake that spawns plain children. */
import { setTimeout } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProcId } from '#core/brand.ts';
import { parsedProcId } from '#core/brand.ts';
import type { ExecOptions, ProcSpec, Runtime } from '#ports.ts';

/** Where a runtime's processes live: a runtime that is opened again finds them. */
export type RuntimeHome = {
  open(): Runtime;
  /** A box says what is missing in it on its standard error, and ends with a code. Else `exit.error` says it. */
  isBox?: boolean;
  /** Ends all that runs and removes what is on disk. */
  remove(): Promise<void>;
};

/** Above every wait of a test here on a machine at its limit, below that of the test: a wait that hangs says which one it was. */
const WAIT_LIMIT_MS = 60_000;
export const TEST_LIMIT_MS = 150_000;
let counted = 0;

/** An id that no other test uses, on this machine either. */
export function freshId(): ProcId {
  counted += 1;
  return parsedProcId(`t${process.pid}-${counted}.1`);
}

export function script(text: string, more: Partial<ProcSpec> = {}): ProcSpec {
  return {
    id: freshId(),
    argv: ['bash', '-c', text],
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    outboxMaxBytes: 1024 * 1024,
    ...more,
  };
}

/** The value of a promise that must not take long. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = setTimeout(WAIT_LIMIT_MS, undefined, { signal: abort.signal }).then(() => {
    throw new Error(`waited ${WAIT_LIMIT_MS} ms for: ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
    late.catch(() => {});
  }
}

/** All lines to the end. */
export async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
  return soon(
    'the end of the output',
    (async () => {
      const all: string[] = [];
      for await (const line of lines) all.push(line);
      return all;
    })(),
  );
}

/** Reads up to a line that contains the text, and returns that line; the iterator stays usable. */
export async function lineWith(lines: AsyncIterator<string>, text: string): Promise<string> {
  for (;;) {
    const next = await soon(`a line with ${text}`, lines.next());
    if (next.done === true) throw new Error(`the output ended without: ${text}`);
    if (next.value.includes(text)) return next.value;
  }
}

/** Reads to the end, so that nothing stays open. */
export async function restOf(lines: AsyncIterator<string>): Promise<string[]> {
  const rest: string[] = [];
  for (;;) {
    const next = await soon('the end of the output', lines.next());
    if (next.done === true) return rest;
    rest.push(next.value);
  }
}

export const iteratorOf = (lines: AsyncIterable<string>): AsyncIterator<string> => lines[Symbol.asyncIterator]();
type Start = () => Promise<{ runtime: Runtime; home: RuntimeHome }>;

export function runtimeContract(name: string, makeHome: () => Promise<RuntimeHome>): void {
  const open: { runtime: Runtime; home: RuntimeHome }[] = [];
  afterEach(async () => {
    for (const { runtime, home } of open.splice(0)) {
      await runtime.close();
      await home.remove();
    }
  });
  const start: Start = async () => {
    const home = await makeHome();
    const pair = { home, runtime: home.open() };
    open.push(pair);
    return pair;
  };

  describe(`runtime: ${name}`, { timeout: TEST_LIMIT_MS }, () => {
    outputContract(start);
    lifeContract(start);
    againContract(start);
    execContract(start);
  });
}

function outputContract(start: Start): void {
  it('gives the lines of both streams, and how it ended', async () => {
    const { runtime } = await start();
    const proc = await runtime.start(script('echo one; echo two; echo wrong >&2; printf unended; exit 3'));
    expect(await linesOf(proc.lines)).toEqual(['one', 'two', 'unended']);
    expect(await linesOf(proc.errors)).toEqual(['wrong']);
    expect(await soon('the exit', proc.exited)).toEqual({ code: 3, signal: null, error: null });
  });

  it('ends both streams of a process that prints nothing', async () => {
    const { runtime } = await start();
    const proc = await runtime.start(script('exit 0'));
    expect(await soon('the exit', proc.exited)).toEqual({ code: 0, signal: null, error: null });
    expect(await linesOf(proc.lines)).toEqual([]);
    expect(await linesOf(proc.errors)).toEqual([]);
  });

  it('splits on line feeds only, and replaces what is no UTF-8', async () => {
    const { runtime } = await start();
    const text = String.raw`printf 'a\xe2\x80\xa8b\rc\x00d\xff\xc3\n\xe2\x82\xac \xf0\x9f\x90\x9d\n\n\xef\xbb\xbfx\n'`;
    const proc = await runtime.start(script(text));
    expect(await linesOf(proc.lines)).toEqual(['a\u2028b\rc\0d\ufffd\ufffd', '€ 🐝', '', '\ufeffx']);
  });

  it('gives a line above 64 KiB in pieces, cut between characters', async () => {
    const { runtime } = await start();
    const proc = await runtime.start(script(`head -c 200001 /dev/zero | tr '\\0' x | sed 's/x/é/g'; echo; echo after`));
    const lines = await linesOf(proc.lines);
    expect(lines.at(-1)).toBe('after');
    const pieces = lines.slice(0, -1).filter((line) => line !== '');
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join('')).toBe('é'.repeat(200_001));
    for (const piece of pieces) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(64 * 1024);
  });

  it('hands lines to standard input', async () => {
    const { runtime } = await start();
    const proc = await runtime.start(script('while read -r line; do echo "got $line"; done'));
    const lines = iteratorOf(proc.lines);
    await proc.write('first');
    expect(await lineWith(lines, 'got')).toBe('got first');
    await proc.write('  with "quotes" \\ and \u2028 ');
    expect(await lineWith(lines, 'got')).toContain('got with "quotes" \\ and \u2028');
    await expect(proc.write('two\nlines')).rejects.toMatchObject({ code: 'bad_line' });
    await soon('the kill', proc.kill(1000));
    await expect(proc.write('too late')).rejects.toMatchObject({ code: 'proc_ended' });
    expect(await linesOf(proc.written())).toEqual(['first', '  with "quotes" \\ and \u2028 ']);
    await restOf(lines);
  });

  it('runs in the given directory with the given environment and nothing else of ours', async () => {
    const { runtime } = await start();
    const env = { PATH: process.env['PATH'] ?? '', ANSWER: '42' };
    const proc = await runtime.start(script('pwd; env | cut -d= -f1 | grep -v ^SKEP_ | sort', { cwd: '/', env }));
    const shellsOwn = ['OLDPWD', 'PWD', 'SHLVL', '_'];
    const [cwd, ...names] = await linesOf(proc.lines);
    expect(cwd).toBe('/');
    expect(names.filter((one) => !shellsOwn.includes(one))).toEqual(['ANSWER', 'PATH']);
  });
}

function lifeContract(start: Start): void {
  it('refuses an id that runs or ran', async () => {
    const { runtime } = await start();
    const spec = script('exit 0');
    const proc = await runtime.start(spec);
    await expect(runtime.start(spec)).rejects.toMatchObject({ code: 'proc_exists' });
    await soon('the exit', proc.exited);
    await expect(runtime.start(spec)).rejects.toMatchObject({ code: 'proc_exists' });
  });

  it.each([
    { what: 'program', spec: { argv: ['/no/such/program'] as const } },
    { what: 'working directory', spec: { cwd: '/no/such/directory' } },
  ])('reports a missing $what as the exit', async ({ spec }) => {
    const { runtime, home } = await start();
    const proc = await runtime.start(script('exit 0', spec));
    const exit = await soon('the exit', proc.exited);
    expect(home.isBox === true || exit.code === null).toBe(true);
    expect(home.isBox === true ? (await linesOf(proc.errors)).join('\n') : exit.error).toContain('/no/such/');
    expect(await linesOf(proc.lines)).toEqual([]);
  });

  it('ends with SIGTERM what heeds it', async () => {
    const { runtime } = await start();
    const proc = await runtime.start(
      script('trap "echo tidied; exit 7" TERM; echo ready; while :; do sleep 0.05; done'),
    );
    const lines = iteratorOf(proc.lines);
    await lineWith(lines, 'ready');
    expect(await soon('the kill', proc.kill(10_000))).toEqual({ code: 7, signal: null, error: null });
    await lineWith(lines, 'tidied');
    await restOf(lines);
  });

  it('ends with SIGKILL what does not', async () => {
    const { runtime } = await start();
    const proc = await runtime.start(script('trap "" TERM; echo ready; while :; do sleep 0.05; done'));
    const lines = iteratorOf(proc.lines);
    await lineWith(lines, 'ready');
    const [first, second] = await soon('the kills', Promise.all([proc.kill(60_000), proc.kill(100)]));
    expect(first).toEqual({ code: null, signal: 'SIGKILL', error: null });
    expect(second).toEqual(first);
    expect(await soon('a kill after the end', proc.kill(1))).toEqual(first);
    await restOf(lines);
  });

  it('forgets what has ended and leaves alone what runs', async () => {
    const { runtime } = await start();
    const runs = await runtime.start(script('read -r line'));
    await runtime.forget(runs.id);
    expect(await runtime.attach(runs.id)).toBeDefined();
    const spec = script('exit 0');
    await soon('the exit', (await runtime.start(spec)).exited);
    await runtime.forget(spec.id);
    expect(await runtime.attach(spec.id)).toBeUndefined();
    await runtime.forget(spec.id);
    const again = await runtime.start(spec);
    expect((await soon('the exit', again.exited)).code).toBe(0);
  });

  it('refuses everything once closed, and closes twice', async () => {
    const { runtime } = await start();
    const proc = await runtime.start(script('read -r line'));
    await runtime.close();
    await runtime.close();
    await expect(proc.exited).rejects.toMatchObject({ code: 'detached' });
    await expect(runtime.start(script('exit 0'))).rejects.toMatchObject({ code: 'runtime_closed' });
  });
}

function againContract(start: Start): void {
  it('knows nothing of an id that never was', async () => {
    const { runtime } = await start();
    expect(await runtime.attach(freshId())).toBeUndefined();
    await runtime.forget(freshId());
  });

  it('gives the output from its beginning to whoever attaches, running or ended', async () => {
    const { runtime, home } = await start();
    const spec = script('echo early; read -r line; echo "late $line"; echo wrong >&2; exit 5');
    const proc = await runtime.start(spec);
    const first = iteratorOf(proc.lines);
    await lineWith(first, 'early');
    await runtime.close();
    expect((await soon('the end of a detached stream', first.next())).done).toBe(true);

    const later = home.open();
    const found = await later.attach(spec.id);
    const lines = found === undefined ? undefined : iteratorOf(found.lines);
    if (found === undefined || lines === undefined) throw new Error('the process is not found');
    await lineWith(lines, 'early');
    expect(await linesOf(found.written())).toEqual([]);
    await found.write('word');
    expect(await lineWith(lines, 'late')).toBe('late word');
    expect(await soon('the exit', found.exited)).toEqual({ code: 5, signal: null, error: null });
    await restOf(lines);

    const ended = await later.attach(spec.id);
    if (ended === undefined) throw new Error('the ended process is not found');
    expect(await linesOf(ended.lines)).toEqual(['early', 'late word']);
    expect(await linesOf(ended.errors)).toEqual(['wrong']);
    expect(await linesOf(ended.written())).toEqual(['word']);
    expect(await ended.exited).toEqual({ code: 5, signal: null, error: null });
    await later.close();
  });
}

function execContract(start: Start): void {
  const o: ExecOptions = { cwd: '/', env: { PATH: process.env['PATH'] ?? '' }, timeoutMs: WAIT_LIMIT_MS };

  it('runs a short command', async () => {
    const { runtime } = await start();
    const result = await runtime.exec(['bash', '-c', 'pwd; cat; echo wrong >&2; exit 4'], { ...o, stdin: 'given\n' });
    expect(result).toEqual({ exit: { code: 4, signal: null, error: null }, stdout: '/\ngiven\n', stderr: 'wrong\n' });
    expect((await runtime.exec(['cat'], o)).stdout).toBe('');
  });

  it('ends a command that takes too long, prints too much or is not there, and says so', async () => {
    const { runtime, home } = await start();
    const brief = { ...o, timeoutMs: home.isBox === true ? 20_000 : 300 };
    const slow = await runtime.exec(['bash', '-c', 'echo begun; exec sleep 600'], brief);
    expect(slow).toMatchObject({ exit: { code: null, error: 'timed_out' }, stdout: 'begun\n' });
    const loud = await runtime.exec(['yes'], o);
    expect(loud.exit).toMatchObject({ code: null, error: 'output_limit' });
    expect(Buffer.byteLength(loud.stdout)).toBeLessThanOrEqual(8 * 1024 * 1024);
    const missing = await runtime.exec(['/no/such/program'], o);
    expect(home.isBox === true ? missing.stderr : missing.exit.error).toContain('/no/such/program');
  });
}
