import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ShellDriver, type ShellDriverOptions } from '#driver/shell.ts';
import type { AgentEvent, AgentSession, SessionSpec } from '#agent-ports.ts';
import type { Runtime } from '#ports.ts';
import { driverContract, Events, PLAIN, type DriverHome } from '../contract/driver.ts';
import { freshId, soon, type RuntimeHome } from '../contract/runtime.ts';
import { makeFakeHome } from '../runtime/fake-runtime.ts';
import { makeLocalHome } from '../runtime/local-home.ts';

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };

function makeHome(runtimes: RuntimeHome): DriverHome {
  const place = mkdtempSync(join(tmpdir(), 'skep-shell-'));
  const gate = join(place, 'gate');
  return {
    driver: new ShellDriver({ scriptDirectory: join(place, 'scripts'), nowMs: Date.now, graceMs: 2000 }),
    runtimes: {
      open: () => runtimes.open(),
      remove: async () => {
        await runtimes.remove();
        rmSync(place, { recursive: true, force: true });
      },
    },
    env,
    scenes: {
      completed: { prompt: 'echo working >&2; echo; echo result', text: 'result' },
      failed: { prompt: 'echo wrong >&2; exit 3' },
      endless: { prompt: 'echo ready; while :; do sleep 0.05; done' },
      waiting: {
        prompt: `echo ready; while [ ! -e ${gate} ]; do sleep 0.02; done; echo released`,
        text: 'ready\nreleased',
        release: () => writeFileSync(gate, ''),
      },
    },
  };
}

// The one with its own process, and the one that must show the same.
driverContract('shell on the local runtime', () => Promise.resolve(makeHome(makeLocalHome())));
driverContract('shell on the fake runtime', () => Promise.resolve(makeHome(makeFakeHome())));

type Scene = { place: string; runtimes: RuntimeHome; runtime: Runtime };
const scenes: Scene[] = [];

function makeScene(): Scene {
  const runtimes = makeLocalHome();
  const scene = { place: mkdtempSync(join(tmpdir(), 'skep-shell-')), runtimes, runtime: runtimes.open() };
  scenes.push(scene);
  return scene;
}

afterEach(async () => {
  for (const { place, runtimes, runtime } of scenes.splice(0)) {
    await runtime.close();
    await runtimes.remove();
    rmSync(place, { recursive: true, force: true });
  }
});

type Opened = { driver: ShellDriver; session: AgentSession; events: Events; spec: SessionSpec };

async function open(scene: Scene, o: Partial<ShellDriverOptions & SessionSpec> = {}): Promise<Opened> {
  const driver = new ShellDriver({
    scriptDirectory: join(scene.place, 'scripts'),
    nowMs: Date.now,
    graceMs: 200,
    ...o,
  });
  const { turnLimitMs = 60_000, cwd = scene.place, procId = freshId() } = o;
  const spec: SessionSpec = { ...PLAIN, procId, cwd, env: o.env ?? env, turnLimitMs };
  const session = await driver.open(spec, scene.runtime);
  return { driver, session, events: new Events(session), spec };
}

const outputOf = (events: readonly AgentEvent[]): string =>
  events.map((event) => (event.kind === 'delta' ? event.text : '')).join('');

async function run(text: string, o: Partial<ShellDriverOptions & SessionSpec> = {}): ReturnType<Events['ended']> {
  const { session, events } = await open(makeScene(), o);
  await session.prompt(text);
  const ended = await events.ended();
  await session.close(100);
  return ended;
}

describe('a script', () => {
  it('runs in the working directory with the environment of its session, and reads nothing', async () => {
    const scene = makeScene();
    const { session, events } = await open(scene, { env: { ...env, WORD: 'given' } });
    await session.prompt('pwd; echo "$WORD"; cat; cat /dev/stdin; read -r line || echo "nothing to read"');
    await events.ended();
    expect(outputOf(events.seen)).toBe(`${scene.place}\ngiven\nnothing to read\n`);
  });

  it('decides by its exit code, and keeps it', async () => {
    expect(await run('exit 0')).toMatchObject({ outcome: 'completed', exit: { code: 0 }, text: '' });
    expect(await run('echo a; echo b >&2; exit 3')).toMatchObject({
      outcome: 'failed',
      exit: { code: 3 },
      text: 'a\nb',
    });
    expect(await run('kill -9 $$')).toMatchObject({ outcome: 'failed', exit: { code: null, signal: 'SIGKILL' } });
    expect(await run('if then')).toMatchObject({ outcome: 'failed', exit: { code: 2 } });
    expect(await run('')).toMatchObject({ outcome: 'completed' });
  });

  it('is executed as it is when it begins with #!', async () => {
    const text = `#!${process.execPath}\nconsole.log('TASK_RESULT: by ' + process.release.name)\n`;
    expect(await run(text)).toMatchObject({ outcome: 'completed', text: 'by node' });
    expect(await run('#!/no/such/program\n')).toMatchObject({ outcome: 'failed' });
  });

  it('runs with sh where there is no bash', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'skep-bin-'));
    symlinkSync('/bin/sh', join(bin, 'sh'));
    const ended = await run('echo "bash ${BASH_VERSION:-none}"', { env: { PATH: bin } });
    expect(ended).toMatchObject({ outcome: 'completed', text: 'bash none' });
    rmSync(bin, { recursive: true });
  });

  it('says why it could not be started', async () => {
    const ended = await run('echo never', { cwd: '/no/such/directory' });
    expect(ended.outcome).toBe('failed');
    expect(ended.exit?.error).toContain('/no/such/directory');
  });

  it('that ignores SIGTERM and has left a daemon behind is ended at its limit', async () => {
    const text = 'trap "" TERM; setsid sleep 600 & echo begun; while :; do sleep 0.05; done';
    expect(await run(text, { turnLimitMs: 300 })).toMatchObject({
      outcome: 'timed_out',
      exit: { signal: 'SIGKILL' },
      text: 'begun',
    });
  });

  it('may be larger than a command line', async () => {
    expect(await run(`: '${'x'.repeat(300_000)}'\necho fine`)).toMatchObject({ outcome: 'completed', text: 'fine' });
  });

  it('that prints much is told in full to whoever reads along, however late', async () => {
    const { session, events } = await open(makeScene());
    await session.prompt('seq 1 200000');
    const ended = await events.ended();
    expect(outputOf(events.seen).split('\n').length).toBe(200_001);
    expect(ended.text.split('\n')).toEqual(Array.from({ length: 50 }, (_, n) => String(199_951 + n)));
  });
});

describe('a session whose events nobody reads', () => {
  it('is closed all the same, with its last events', async () => {
    const { session, events } = await open(makeScene());
    await session.prompt('seq 1 100000; while :; do sleep 0.05; done');
    await soon('the close', session.close(100));
    const rest = await events.rest();
    expect(rest.filter((event) => event.kind === 'turn_ended')).toMatchObject([{ outcome: 'interrupted' }]);
    expect(rest.at(-1)).toMatchObject({ kind: 'exited' });
    expect(rest.length).toBeLessThan(5000);
  });
});

describe('the limit of a turn', () => {
  it('goes on while the node is down', async () => {
    const scene = makeScene();
    const first = await open(scene, { turnLimitMs: 3_600_000 });
    await first.session.prompt('echo ready; while :; do sleep 0.05; done');
    await first.events.ready();
    await scene.runtime.close();
    scene.runtime = scene.runtimes.open();
    const driver = new ShellDriver({
      scriptDirectory: join(scene.place, 'scripts'),
      nowMs: () => Date.now() + 3_600_001,
      graceMs: 200,
    });
    const later = await driver.attach(first.spec, scene.runtime);
    if (later === undefined) throw new Error('the session is not found');
    expect(await new Events(later).ended()).toMatchObject({ outcome: 'timed_out' });
  });

  it('does not reach back to a turn that had ended in time', async () => {
    const scene = makeScene();
    const first = await open(scene, { turnLimitMs: 3_600_000 });
    await first.session.prompt('echo fine');
    await first.events.ended();
    await scene.runtime.close();
    scene.runtime = scene.runtimes.open();
    const driver = new ShellDriver({
      scriptDirectory: join(scene.place, 'scripts'),
      nowMs: () => Date.now() + 7_200_000,
    });
    const later = await driver.attach(first.spec, scene.runtime);
    if (later === undefined) throw new Error('the session is not found');
    expect(await new Events(later).ended()).toMatchObject({ outcome: 'completed', text: 'fine' });
  });

  it('may be longer than a timer', async () => {
    expect(await run('sleep 0.1; echo fine', { turnLimitMs: 1e12 })).toMatchObject({ outcome: 'completed' });
  });
});

describe('the scripts on disk', () => {
  it('are closed to others and removed with the session', async () => {
    const scene = makeScene();
    const { session, events, spec } = await open(scene);
    const scripts = join(scene.place, 'scripts');
    for (const word of ['one', 'two']) {
      await session.prompt(`echo ${word}`);
      await events.ended();
    }
    expect(statSync(scripts).mode & 0o777).toBe(0o700);
    expect(readdirSync(scripts).toSorted()).toEqual([`${spec.procId}-t2.sh`, `${spec.procId}.sh`]);
    expect(readFileSync(join(scripts, `${spec.procId}.sh`), 'utf8')).toBe('echo one');
    expect(statSync(join(scripts, `${spec.procId}.sh`)).mode & 0o777).toBe(0o700);
    await session.close(100);
    expect(readdirSync(scripts)).toEqual([]);
  });

  it('of a turn that was started already are left alone, and the turn is refused', async () => {
    const scene = makeScene();
    const { session, events, driver, spec } = await open(scene);
    await session.prompt('echo first');
    await events.ended();
    const rival = await driver.open(spec, scene.runtime);
    await expect(rival.prompt('echo second')).rejects.toMatchObject({ code: 'proc_exists' });
    await soon('the close', rival.close(100));
    expect(existsSync(join(scene.place, 'scripts'))).toBe(true);
    chmodSync(join(scene.place, 'scripts'), 0o700);
  });
});
