import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeOptions, RunningNode } from '#host-options.ts';
import { nodeIdOf } from '#core/brand.ts';
import { FakeNode } from './fake-node.ts';
import { place, skep, testWorld } from './test-world.ts';
import type { WorldOptions } from './test-world.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A host that starts nothing and remembers what it was asked to. */
function fakeHost(o: WorldOptions & { slow?: boolean } = {}) {
  const { path: home, remove } = place();
  closers.push(remove);
  const calls: string[] = [];
  const started: NodeOptions[] = [];
  const closed = Promise.withResolvers<Error | undefined>();
  const node = (options: NodeOptions): RunningNode => ({
    info: {
      self: nodeIdOf('a'.repeat(32)),
      name: options.name ?? 'box',
      role: options.role,
      version: '9.9.9',
      startedMs: 0,
      httpPort: options.httpPort,
      p2pPort: options.p2pPort,
      dataDir: options.dataDir,
      sealAfter: 0,
    },
    httpUrl: `http://127.0.0.1:${options.httpPort}`,
    close: async () => {
      calls.push('close');
      if (o.slow === true) await new Promise(() => {});
    },
    stopHolder: async () => void calls.push('stopHolder'),
    closed: closed.promise,
  });
  const world = testWorld({
    home,
    cwd: home,
    ...o,
    loadHost: async () => async (options) => {
      started.push(options);
      if (options.httpPort === 1) throw new Error('port 1 is taken: choose another by --http-port');
      options.log('a line of the log');
      return node(options);
    },
  });
  return { world, calls, started, closed, home };
}

describe('skep swarm', () => {
  it('names nodes beside the first one by their port, unless they have a name', async () => {
    const names: (string | undefined)[] = [];
    for (const argv of [['--p2p-port=7102'], ['--p2p-port=7102', '--name=x'], ['--p2p-port=7101']]) {
      const { world, started } = fakeHost();
      const code = skep(world, 'swarm', ...argv);
      await world.until('is up');
      world.interrupt();
      expect(await code).toBe(0);
      names.push(started[0]?.name);
    }
    expect(names).toEqual([expect.stringMatching(/.-7102$/), 'x', undefined]);
  });

  it('starts the node of the seed by default, from this directory', async () => {
    const { world, started, calls, home } = fakeHost();
    const code = skep(world, 'swarm');
    await world.until('is up');
    world.interrupt();
    expect(await code).toBe(0);
    expect(calls).toEqual(['close']);
    expect(started[0]).toMatchObject({
      httpPort: 9090,
      p2pPort: 7101,
      discoveryPort: 6101,
      seeds: [],
      dataDir: join(home, 'data'),
      role: 'emperor',
      bind: undefined,
      httpBind: '127.0.0.1',
      shellAgents: 0,
    });
    expect(world.said.out).toContain('a line of the log\nbox is up: http://127.0.0.1:9090');
  });

  it('takes the command lines of the seed as they are written', async () => {
    const { world, started } = fakeHost();
    const code = skep(
      world,
      ...'swarm --http-port=9091 --p2p-port=7102 --role=worker --seeds=127.0.0.1:7101,b:7103 --data-dir=/d'.split(' '),
    );
    await world.until('is up');
    world.interrupt('SIGTERM');
    expect(await code).toBe(0);
    expect(started[0]).toMatchObject({
      httpPort: 9091,
      p2pPort: 7102,
      role: 'worker',
      seeds: ['127.0.0.1:7101', 'b:7103'],
      dataDir: '/d',
    });
  });

  it('reads no configuration file unless one is named', async () => {
    const { world, started, home } = fakeHost();
    mkdirSync(join(home, '.config/skep'), { recursive: true });
    writeFileSync(join(home, '.config/skep/config.toml'), '[node]\nname = "of the file"\n');
    const first = skep(world, 'swarm');
    await world.until('is up');
    world.interrupt();
    await first;
    expect(started[0]?.name).toBeUndefined();
    const second = skep(world, 'swarm', '--config', '.config/skep/config.toml');
    await world.until('of the file is up');
    world.interrupt();
    await second;
  });

  it('says what the node says when it cannot start, and exits with 1', async () => {
    const { world } = fakeHost();
    expect(await skep(world, 'swarm', '--http-port', '1')).toBe(1);
    expect(world.said.err).toContain('cannot start this node: port 1 is taken: choose another by --http-port');
    expect(world.said.err).toContain('skep doctor');
  });

  it('exits with 1 when the node stops by itself', async () => {
    const { world, closed } = fakeHost();
    const code = skep(world, 'swarm');
    await world.until('is up');
    closed.resolve(new Error('the disk is full'));
    expect(await code).toBe(1);
    expect(world.said.err).toContain('the node stopped: the disk is full');
  });

  it('stops agents, too, when told to', async () => {
    const { world, calls } = fakeHost();
    const code = skep(world, 'swarm', '--stop-agents-on-exit');
    await world.until('is up');
    world.interrupt();
    expect(await code).toBe(0);
    expect(calls).toEqual(['stopHolder', 'close']);
  });

  it('does not wait for a slow end when asked twice', async () => {
    const { world } = fakeHost({ slow: true });
    const code = skep(world, 'swarm');
    await world.until('is up');
    world.interrupt();
    await world.until('Ctrl-C again');
    world.interrupt();
    expect(await code).toBe(130);
  });

  it('says in one line of JSON that it is up, its log apart', async () => {
    const { world } = fakeHost();
    const code = skep(world, 'swarm', '--json');
    await world.until('"up"');
    world.interrupt();
    await code;
    expect(JSON.parse(world.said.out)).toMatchObject({
      event: 'up',
      node_id: 'a'.repeat(32),
      url: 'http://127.0.0.1:9090',
      p2p_port: 7101,
    });
    expect(world.said.err).toContain('a line of the log');
  });
});

describe('skep up', () => {
  it('works without a file, says where it looked, and keeps its data in the state directory', async () => {
    const { world, started, home } = fakeHost();
    const code = skep(world, 'up');
    await world.until('is up');
    world.interrupt();
    expect(await code).toBe(0);
    expect(world.said.err).toContain(`No configuration file at ${home}/.config/skep/config.toml: using defaults`);
    expect(started[0]).toMatchObject({ dataDir: join(home, '.local/state/skep'), join: undefined });
  });

  it('is as its file says, joins by a code from standard input', async () => {
    const { world, started, home } = fakeHost({ stdin: 'skep1_code\n' });
    mkdirSync(join(home, '.config/skep'), { recursive: true });
    writeFileSync(
      join(home, '.config/skep/config.toml'),
      '[node]\nname = "build-box"\nshell_agents = 2\nbind = "192.0.2.7"\n',
    );
    const code = skep(world, 'up', '--join', '-');
    await world.until('build-box is up');
    world.interrupt();
    expect(await code).toBe(0);
    expect(started[0]).toMatchObject({ name: 'build-box', shellAgents: 2, bind: '192.0.2.7', join: 'skep1_code' });
  });
});

describe('skep doctor', () => {
  const doctor = async (cwd: string, ...argv: string[]) => {
    const world = testWorld({
      cwd,
      home: cwd,
      nowMs: Date.UTC(2026, 10, 20),
      env: { PATH: process.env['PATH'] ?? '' },
    });
    const code = await skep(
      world,
      'doctor',
      '--json',
      '--http-port',
      '0',
      '--p2p-port',
      '0',
      '--discovery-port',
      '0',
      ...argv,
    );
    const checks: { name: string; state: string; found: string; todo?: string }[] = JSON.parse(world.said.out);
    return { code, of: (name: string) => checks.find((check) => check.name === name), checks, world };
  };
  const room = (): string => {
    const { path, remove } = place();
    closers.push(remove);
    return path;
  };

  it('finds this machine fit, with what to do beside each warning', async () => {
    const { code, checks, of } = await doctor(room());
    expect(checks.filter((check) => check.state === 'fail')).toEqual([]);
    expect(code).toBe(0);
    expect(of('running node')).toMatchObject({ state: 'warn', todo: expect.stringContaining('skep up') });
    for (const check of checks.filter((each) => each.state !== 'ok')) expect(check.todo).toBeTruthy();
  });

  it('names who holds a port, and exits with 1', async () => {
    const node = new FakeNode();
    closers.push(() => node.close());
    const port = new URL(await node.listenHttp()).port;
    const { code, of } = await doctor(room(), '--http-port', port);
    expect(code).toBe(1);
    expect(of('http port')).toMatchObject({
      state: 'fail',
      found: expect.stringContaining(`process ${process.pid}`),
      todo: expect.stringContaining('--http-port'),
    });
  });

  it('sees the node that runs, and does not blame it for its ports', async () => {
    const cwd = room();
    const node = new FakeNode().on('GET /api/swarm/status', {});
    closers.push(() => node.close());
    const port = new URL(await node.listenHttp()).port;
    await node.listenSocket(join(cwd, 'data'), 7101);
    const { of } = await doctor(cwd, '--http-port', port, '--p2p-port', '7101');
    expect(of('running node')).toMatchObject({ state: 'ok' });
    expect(of('http port')).toMatchObject({ state: 'ok', found: expect.stringContaining('in use') });
  });

  it('tells a token that others can read', async () => {
    const cwd = room();
    writeFileSync(join(cwd, 'token'), 'x', { mode: 0o644 });
    writeFileSync(join(cwd, 'c.toml'), '[client]\ntoken_file = "token"\n');
    const { of } = await doctor(cwd, '--config', 'c.toml');
    expect(of('configuration')).toMatchObject({ state: 'warn', todo: `chmod 600 ${join(cwd, 'token')}` });
  });
});
