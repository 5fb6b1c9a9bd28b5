/** What every kind of box keeps, beside what every runtime does. Run by test/runtime on each kind that this machine has. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Boxes, BoxSpec } from '#box-ports.ts';
import { IN_BOX } from '#box-ports.ts';
import type { Runtime } from '#ports.ts';
import { simNodeId } from '#sim/crypto.ts';
import { LocalRuntime } from '#runtime/local.ts';
import { iteratorOf, lineWith, linesOf, restOf, script, soon, TEST_LIMIT_MS, type RuntimeHome } from './runtime.ts';

/** A command in a box that comes up on a busy machine: only a hang takes so long. */
const LIMIT_MS = 60_000;

/** A box of its own, with a holder beneath it. */
export type BoxHome = RuntimeHome & { spec: BoxSpec; open(): Runtime };

let counted = 0;

export function makeBoxHome(boxes: Boxes, more: Partial<BoxSpec> = {}): BoxHome {
  counted += 1;
  const directory = mkdtempSync(join(tmpdir(), 'skep-box-'));
  const folder = (name: string): string => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const spec: BoxSpec = {
    node: simNodeId(1_000_000 + (process.pid % 1_000_000)),
    name: `h-t${process.pid % 100_000}-${counted}`,
    directory: folder('box'),
    image: null,
    socketDir: folder('sockets'),
    mounts: [],
    secrets: [],
    limits: { memoryBytes: null, cpus: null, processes: null },
    ...more,
  };
  const holder = join(directory, 'runtime');
  return {
    isBox: true,
    spec,
    open: () => boxes.runtime(spec, new LocalRuntime({ directory: holder })),
    remove: async () => {
      const runtime = new LocalRuntime({ directory: holder });
      await runtime.stop(200);
      await runtime.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** `image`: of which the boxes of this kind are made. */
export function boxContract(boxes: Boxes, image: string | null = null): void {
  const open: { runtime: Runtime; home: BoxHome }[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    for (const { runtime, home } of open.splice(0)) {
      await runtime.close();
      await home.remove();
      await boxes.drop(home.spec);
    }
    for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
  });
  const start: Start = (more) => {
    const home = makeBoxHome(boxes, { image, ...more });
    const runtime = home.open();
    open.push({ runtime, home });
    return { runtime, home, run: (text) => said(runtime, text) };
  };
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'skep-mount-'));
    folders.push(path);
    return path;
  };

  describe(`box: ${boxes.kind}`, { timeout: TEST_LIMIT_MS }, () => {
    it('works here, and says which version', async () => {
      expect(await boxes.probe()).toMatchObject({ works: true });
      expect(await boxes.check(start().home.spec)).toMatchObject({ works: true });
    });

    viewContract(start, folder);
    aloneContract(start);
    needsContract(boxes, start, folder);
  });
}

type Start = (more?: Partial<BoxSpec>) => {
  runtime: Runtime;
  home: BoxHome;
  run: (text: string) => Promise<string>;
};

/** What a script prints in the box; throws with its words where it fails. */
async function said(
  runtime: Runtime,
  text: string,
  sees: readonly { path: string; writable: boolean }[] = [],
): Promise<string> {
  const env = { PATH: IN_BOX.path, HOME: IN_BOX.home };
  const result = await runtime.exec(['bash', '-c', text], { cwd: IN_BOX.home, env, timeoutMs: LIMIT_MS, sees });
  if (result.exit.code !== 0) throw new Error(`${JSON.stringify(result.exit)}: ${result.stderr}${result.stdout}`);
  return result.stdout.trim();
}

function viewContract(start: Start, folder: () => string): void {
  it('keeps its home from one process to the next, and nothing else', async () => {
    const { run } = start();
    await run('echo key > ~/.credentials; echo gone > /tmp/left');
    expect(await run('cat ~/.credentials; ls /tmp')).toBe('key');
  });

  it('has programs that nobody can change, and no root inside', async () => {
    const { run } = start();
    expect(await run('id -u')).toBe('1000');
    for (const path of ['/usr/bin/x', '/x', '/etc/x', '/run/hive/x']) {
      expect(await run(`(echo x > ${path}) 2>/dev/null && echo written || echo refused`)).toBe('refused');
    }
  });

  it('shows what is mounted as it is declared, and what the process works on', async () => {
    const [given, shared, work] = [folder(), folder(), folder()];
    writeFileSync(join(given, 'text'), 'given\n');
    const { runtime } = start({
      mounts: [
        { from: given, at: '/opt/given', writable: false },
        { from: shared, at: '/srv/shared', writable: true },
      ],
    });
    const sees = [{ path: work, writable: true }];
    const text = `cat /opt/given/text; echo made > /srv/shared/made; echo work > ${work}/work; (echo x > /opt/given/x) 2>/dev/null || echo refused`;
    expect(await said(runtime, text, sees)).toBe('given\nrefused');
    expect(readFileSync(join(shared, 'made'), 'utf8')).toBe('made\n');
    expect(readFileSync(join(work, 'work'), 'utf8')).toBe('work\n');
    expect(await said(runtime, `ls ${work} 2>/dev/null || echo unseen`)).toBe('unseen');
  });

  it('reaches the socket of its agent, also one that is made anew', async () => {
    const { home, run } = start();
    const path = join(home.spec.socketDir, 'mcp.sock');
    const ask = `node -e 'require("net").connect("/run/hive/mcp.sock").on("data",(d)=>process.stdout.write(d)).on("error",(e)=>console.log(e.code))'`;
    const serve = async (word: string): Promise<() => Promise<void>> => {
      const server = createServer((socket) => socket.end(word));
      await new Promise<void>((resolve) => server.listen(path, resolve));
      chmodSync(path, 0o666);
      return () => new Promise((resolve) => server.close(() => resolve()));
    };
    const first = await serve('one');
    expect(await run(ask)).toBe('one');
    await first();
    const second = await serve('two');
    expect(await run(ask)).toBe('two');
    await second();
  });

  it('has its secrets as files, and nowhere else', async () => {
    const file = join(folder(), 'token');
    writeFileSync(file, 'hush-4711', { mode: 0o600 });
    const { runtime, run } = start({ secrets: [{ name: 'oauth-token', file }] });
    expect(await run('cat /run/secrets/oauth-token')).toBe('hush-4711');
    const proc = await runtime.start(script('echo up; read -r line', { cwd: IN_BOX.home }));
    const lines = iteratorOf(proc.lines);
    await lineWith(lines, 'up');
    // Of all processes of this machine, those of the box among them.
    const shown = readdirSync('/proc')
      .filter((name) => /^[0-9]+$/.test(name))
      .flatMap((pid) => [shownBy(pid, 'cmdline'), shownBy(pid, 'environ')]);
    expect(shown.filter((text) => text.includes('hush-4711'))).toEqual([]);
    await soon('the kill', proc.kill(0));
    await restOf(lines);
  });
}

/** Empty for a process that has ended meanwhile, or is another user's. */
function shownBy(pid: string, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

function aloneContract(start: Start): void {
  it('has no network but its own loopback', async () => {
    const { run } = start();
    expect(await run(`tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '`)).toBe('lo');
    const dial = (host: string): string =>
      `timeout 20 bash -c 'exec 3<>/dev/tcp/${host}/80' 2>&1 | grep -q -i unreachable && echo unreachable`;
    expect(await run(dial('192.0.2.1'))).toBe('unreachable');
  });

  it('sees no process and no name of the machine', async () => {
    const { home, run } = start();
    expect(await run('cat /proc/sys/kernel/hostname')).toBe(home.spec.name);
    expect(home.spec.name).not.toBe(hostname());
    const pids = (await run('cd /proc; echo [0-9]*')).split(' ').map(Number);
    expect(Math.max(...pids)).toBeLessThan(100);
    expect(await run(`ls -d /proc/${process.pid} 2>/dev/null || echo unseen`)).toBe('unseen');
  });

  it('lets nobody make a namespace, in which it would be root', async () => {
    const { run } = start();
    expect(
      await run('unshare --version >/dev/null && (unshare -U true || unshare -Ur true) 2>/dev/null || echo refused'),
    ).toBe('refused');
  });

  it('reaps what its processes leave, and ends with all of them', async () => {
    const { runtime } = start();
    // `setsid -f` has left its parent when it returns, and `true` has ended when `wait` does.
    const text =
      'setsid -f sleep 600; (true & wait); cat /proc/[0-9]*/stat 2>/dev/null | grep -c ") Z "; echo $0 is over; exit 0';
    const proc = await runtime.start(script(text, { cwd: IN_BOX.home, env: { PATH: IN_BOX.path } }));
    expect(await soon('the exit', proc.exited)).toEqual({ code: 0, signal: null, error: null });
    expect(await linesOf(proc.lines)).toEqual(['0', 'bash is over']);
  });
}

function needsContract(boxes: Boxes, start: Start, folder: () => string): void {
  it.each([
    { what: 'secret', lacking: { secrets: [{ name: 'oauth-token', file: '/no/such/secret' }] } },
    { what: 'mount', lacking: { mounts: [{ from: '/no/such/folder', at: '/opt/x', writable: false }] } },
    { what: 'folder of sockets', lacking: { socketDir: '/no/such/sockets' } },
    { what: 'image', lacking: { image: 'no/such/image:ever' } },
  ])('is refused without its $what, and says what to do', async ({ lacking }) => {
    const answer = await boxes.check({ ...start().home.spec, ...lacking });
    expect(answer).toMatchObject({
      works: false,
      reason: expect.stringMatching(/./),
      wayOut: expect.stringMatching(/./),
    });
  });

  it('holds the limits that it does not call unheld', async () => {
    const limits = { memoryBytes: 256 * 1024 * 1024, cpus: 1, processes: 32 };
    const { home, runtime } = start({ limits });
    const unheld = new Set(boxes.unheld(home.spec).map((one) => one.limit));
    const sees = [{ path: folder(), writable: true }];
    const endOf = async (argv: readonly [string, ...string[]]): Promise<string[]> => {
      const proc = await runtime.start(script('', { argv, cwd: IN_BOX.home, env: { PATH: IN_BOX.path }, sees }));
      await soon('the exit', proc.exited);
      return linesOf(proc.lines);
    };
    // A shell that cannot fork ends.
    const bomb = 'i=0; while [ $i -lt 60 ]; do sleep 600 & i=$((i+1)); done; echo all of them';
    expect((await endOf(['sh', '-c', bomb])).length).toBe(unheld.has('processes') ? 1 : 0);
    const eaten = await endOf(['sh', '-c', 'head -c 600000000 /dev/zero | tail -c 500000000 | wc -c']);
    expect(eaten.includes('500000000')).toBe(unheld.has('memoryBytes'));
  });
}
