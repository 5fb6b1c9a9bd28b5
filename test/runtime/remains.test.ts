/** Nothing that a process leaves behind survives it, and nothing that it leaves behind holds up its end. */
import { createHash } from 'node:crypto';
import { constants, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProcSpec } from '#ports.ts';
import { markOf } from '#runtime/layout.ts';
import type { LocalRuntime } from '#runtime/local.ts';
import { ProcTable } from '#runtime/proc-table.ts';
import { restOf, iteratorOf, linesOf, lineWith, script, soon } from '../contract/runtime.ts';
import { makeLocalHome, type LocalHome } from './local-home.ts';

const table = new ProcTable();
const open: { home: LocalHome; runtime: LocalRuntime }[] = [];

function start(): { home: LocalHome; runtime: LocalRuntime } {
  const home = makeLocalHome();
  const pair = { home, runtime: home.open() };
  open.push(pair);
  return pair;
}

afterEach(async () => {
  for (const { home, runtime } of open.splice(0)) {
    await runtime.close();
    await home.remove();
  }
});

const marked = (home: LocalHome, spec: ProcSpec): Promise<number[]> =>
  table.find({ mark: markOf(home.directory, spec.id), session: undefined });

const DAEMON = 'bash -c \'trap "" TERM HUP; echo daemon; while :; do sleep 0.05; done\'';

/** Alive, and not only waiting for its parent to take note of its end. */
function lives(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') === false;
  } catch {
    return false;
  }
}

describe('what a process leaves behind', () => {
  it.each([
    { how: 'in the background', text: 'sleep 600 &' },
    { how: 'in a session of its own', text: 'setsid sleep 600 &' },
    { how: 'in a session of its own, deaf to SIGTERM', text: `setsid ${DAEMON} & sleep 0.2;` },
    {
      how: 'as a grandchild without a parent',
      text: 'sh -c "setsid sleep 600 >/dev/null 2>&1 </dev/null & echo pid \\$!";',
    },
    { how: 'in a process group of its own', text: 'set -m; sleep 600 &' },
    { how: 'without its mark, in its session', text: 'env -i sleep 600 &' },
  ])('is ended: $how', async ({ text }) => {
    const { home, runtime } = start();
    const spec = script(`${text} echo "pid $!"; exit 4`);
    const proc = await runtime.start(spec);
    const lines = await linesOf(proc.lines);
    expect(await soon('the exit', proc.exited)).toEqual({ code: 4, signal: null, error: null });
    const pid = Number(lines.find((line) => /^pid \d+$/.test(line))?.split(' ')[1]);
    expect(pid).toBeGreaterThan(0);
    expect(lives(pid)).toBe(false);
    expect(await marked(home, spec)).toEqual([]);
  });

  it('is ended however large its environment is', async () => {
    const { runtime } = start();
    const large = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`LARGE_${n}`, 'x'.repeat(100_000)]));
    const spec = script('setsid sleep 600 & echo "$!"; exit 4', { env: { PATH: process.env['PATH'] ?? '', ...large } });
    const proc = await runtime.start(spec);
    const [pid = ''] = await linesOf(proc.lines);
    expect(await soon('the exit', proc.exited)).toEqual({ code: 4, signal: null, error: null });
    expect(lives(Number(pid))).toBe(false);
  });

  it('is ended too when the process is killed', async () => {
    const { home, runtime } = start();
    const spec = script(`trap "" TERM; setsid ${DAEMON} & echo ready; sleep 600`);
    const proc = await runtime.start(spec);
    const lines = iteratorOf(proc.lines);
    await lineWith(lines, 'daemon');
    expect((await marked(home, spec)).length).toBeGreaterThan(1);
    expect(await soon('the kill', proc.kill(100))).toEqual({ code: null, signal: 'SIGKILL', error: null });
    await restOf(lines);
    expect(await marked(home, spec)).toEqual([]);
  });

  it('does not hold up the exit when it cannot be found and keeps the pipe', async () => {
    const { runtime } = start();
    // It ends only when the other one has shed its mark and its session: until then that one can be found.
    const proc = await runtime.start(
      script(`env -i setsid sh -c 'echo "pid $$"; exec sleep 600' & read -r line; exit 0`),
    );
    const lines = iteratorOf(proc.lines);
    const line = await lineWith(lines, 'pid ');
    await proc.write('go');
    expect(await soon('the exit', proc.exited)).toEqual({ code: 0, signal: null, error: null });
    // Alive, and ours to end.
    const pid = Number(line.split(' ')[1]);
    expect(lives(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  it('belongs to its own directory only: the same id elsewhere is left alone', async () => {
    const [one, other] = [start(), start()];
    const spec = script('echo ready; read -r line');
    await one.runtime.start(spec);
    const proc = await other.runtime.start({ ...spec, argv: ['true'] });
    await soon('the exit', proc.exited);
    expect(await marked(one.home, spec)).not.toEqual([]);
  });
});

describe('a process', () => {
  it('may close its output and go on', async () => {
    const { runtime } = start();
    const proc = await runtime.start(script('echo said; exec >&- 2>&-; read -r line; [ "$line" = go ] && exit 9'));
    const lines = iteratorOf(proc.lines);
    await lineWith(lines, 'said');
    await proc.write('go');
    expect(await soon('the exit', proc.exited)).toMatchObject({ code: 9 });
    await restOf(lines);
  });

  it('may close its input and be written to', async () => {
    const { runtime } = start();
    const proc = await runtime.start(script('exec <&-; echo closed; sleep 0.3; exit 9'));
    const lines = iteratorOf(proc.lines);
    await lineWith(lines, 'closed');
    for (let line = 0; line < 10; line += 1) await proc.write('x'.repeat(100_000));
    expect(await soon('the exit', proc.exited)).toMatchObject({ code: 9 });
    await restOf(lines);
  });

  it('may open its standard streams by their names, as it could in a shell', async () => {
    const { runtime } = start();
    const proc = await runtime.start(
      script('echo a >/dev/stdout; echo b | tee /dev/stderr; head -n 1 /dev/stdin; exit 0'),
    );
    await proc.write('c');
    expect(await linesOf(proc.lines)).toEqual(['a', 'b', 'c']);
    expect(await linesOf(proc.errors)).toEqual(['b']);
  });

  it('has streams that wait: no program must expect EAGAIN', async () => {
    const { runtime } = start();
    const proc = await runtime.start(script('for n in 0 1 2; do grep flags /proc/$$/fdinfo/$n; done'));
    const flags = (await linesOf(proc.lines)).map((line) => Number.parseInt(line.split('\t')[1] ?? '', 8));
    expect(flags).toHaveLength(3);
    expect(flags.map((one) => one & constants.O_NONBLOCK)).toEqual([0, 0, 0]);
  });

  it('need not read what it is sent: it stays in the inbox, in order', async () => {
    const { runtime } = start();
    const proc = await runtime.start(script('read -r go; sleep 0.2; cat | head -n 300 | md5sum; kill $$'));
    await proc.write('go');
    const sum = createHash('md5');
    for (let line = 0; line < 300; line += 1) {
      const text = `${line} ${'x'.repeat(5000)}`;
      sum.update(`${text}\n`);
      await proc.write(text);
    }
    const lines = iteratorOf(proc.lines);
    expect(await lineWith(lines, '-')).toContain(sum.digest('hex'));
    await soon('the kill', proc.kill(100));
    await restOf(lines);
  });
});
