import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { holderOf, whyTaken } from '#cli/port-holder.ts';
import { agentClisOn } from '#cli/start/agent-clis.ts';
import type { Ended } from '#cli/start/child.ts';
import { Child } from '#cli/start/child.ts';
import { makeDemoRepository } from '#cli/start/demo-repository.ts';
import { childEnvironment, planNodes, PORT_BASE_MAX } from '#cli/start/plan.ts';
import { checkPorts, Supervisor } from '#cli/start/supervisor.ts';
import { linesToPaste, quoted, welcomeText } from '#cli/start/welcome.ts';
import { place, skep, testWorld } from './test-world.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function room(): string {
  const { path, remove } = place();
  closers.push(remove);
  return path;
}

async function listening(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('the plan', () => {
  it('is the seed’s demo: its ports, roles and seeds, an agent on each worker', () => {
    const [emperor, one, two] = planNodes({ dataDir: '/d', portBase: undefined });
    expect([emperor, one, two].map((node) => [node?.httpPort, node?.p2pPort, node?.discoveryPort, node?.role])).toEqual(
      [
        [9090, 7101, 6101, 'emperor'],
        [9091, 7102, 6101, 'worker'],
        [9092, 7103, 6101, 'worker'],
      ],
    );
    expect(emperor?.argv).toEqual(
      expect.arrayContaining(['swarm', '--seeds=', '--shell-agents=0', '--hub-port=6667', '--stop-agents-on-exit']),
    );
    expect(one?.argv).toEqual(
      expect.arrayContaining(['--seeds=127.0.0.1:7101', '--shell-agents=1', '--data-dir=/d', '--name=worker-1']),
    );
  });

  it('moves with the base, as high as ports go', () => {
    const nodes = planNodes({ dataDir: '/d', portBase: PORT_BASE_MAX });
    const ports = nodes.flatMap((node) => [node.httpPort, node.p2pPort, node.discoveryPort, node.hubPort ?? 0]);
    expect(Math.max(...ports)).toBe(65_535);
    expect(new Set(nodes.flatMap((node) => [node.httpPort, node.p2pPort, node.hubPort ?? 0])).size).toBe(8);
  });

  it('keeps settings of other nodes out of the children, and secrets in', () => {
    const env = {
      PATH: '/bin',
      SKEP_HTTP_PORT: '1',
      SKEP_CONFIG: 'x',
      SKEP_BIND: '0.0.0.0',
      SKEP_TOKEN: 't',
      SKEP_SECRET: 's',
    };
    expect(childEnvironment(env)).toEqual({ PATH: '/bin', SKEP_TOKEN: 't', SKEP_SECRET: 's' });
  });
});

describe('ports', () => {
  it('that are taken are told with their holder and a way out', async () => {
    const port = await listening();
    expect(await whyTaken(port, { protocol: 'tcp', address: '127.0.0.1' })).toBe('EADDRINUSE');
    expect(await holderOf(port, 'tcp')).toMatchObject({ pid: process.pid });
    const [plan] = planNodes({ dataDir: '/d', portBase: undefined });
    if (plan === undefined) throw new Error('no plan');
    await expect(checkPorts([{ ...plan, httpPort: port }], 'skep start --port-base 20000')).rejects.toMatchObject({
      code: 1,
      message: expect.stringContaining(`port ${port} is held by process ${process.pid}`),
      hints: expect.arrayContaining([expect.stringContaining('--port-base')]),
    });
  });

  it('bases that do not fit are a mistake of the command line', async () => {
    expect(await skep(testWorld(), 'start', '--port-base', '80')).toBe(2);
    expect(await skep(testWorld(), 'start', '--port-base', '65530')).toBe(2);
  });
});

describe('the supervisor', () => {
  function supervise(fake: object) {
    const dataDir = room();
    mkdirSync(join(dataDir, 'logs'));
    const lines: string[] = [];
    const script = fileURLToPath(new URL('fake-swarm.mjs', import.meta.url));
    const env = { PATH: process.env['PATH'], SKEP_FAKE: JSON.stringify(fake) };
    const children = planNodes({ dataDir, portBase: 20_000 }).map(
      (plan) => new Child({ plan, command: [process.execPath, script], env, onLine: (line) => lines.push(line) }),
    );
    const supervisor = new Supervisor(children);
    closers.push(() => supervisor.kill());
    return { supervisor, lines, dataDir, children };
  }

  it('brings all up, keeps their logs, stops the workers before the emperor', async () => {
    const { supervisor, lines, dataDir } = supervise({});
    await supervisor.up();
    await supervisor.stop();
    await supervisor.stop();
    expect(lines.at(-1)).toBe('emperor stops');
    expect(readFileSync(join(dataDir, 'logs', 'worker-2.log'), 'utf8')).toBe('worker-2 begins\nworker-2 stops\n');
  });

  it('tells the last words of one that does not start', async () => {
    const { supervisor, dataDir } = supervise({ 'worker-1': { dies: 'before' } });
    await expect(supervisor.up()).rejects.toMatchObject({
      code: 1,
      message: 'worker-1 did not start: exit code 1',
      hints: expect.arrayContaining(['| no room on disk', `all of it: ${join(dataDir, 'logs', 'worker-1.log')}`]),
    });
  });

  it('tells of one that dies later, once, and lets the others go on', async () => {
    const { supervisor, children } = supervise({ 'worker-2': { dies: 'after' } });
    await supervisor.up();
    const deaths: Ended[] = [];
    const died = Promise.withResolvers<void>();
    const over = supervisor.watch((ended) => {
      deaths.push(ended);
      died.resolve();
    });
    await died.promise;
    await supervisor.stop();
    await over;
    expect(deaths).toMatchObject([{ name: 'worker-2', how: 'exit code 7' }]);
    expect(deaths[0]?.lines).toContain('something is wrong');
    expect((await children[0]?.ended)?.how).toBe('exit code 0');
  });

  it('kills one that does not stop when asked', async () => {
    const { supervisor, children } = supervise({ 'worker-1': { stubborn: true } });
    await supervisor.up();
    const stopped = supervisor.stop();
    await children[2]?.ended;
    supervisor.kill();
    await stopped;
    expect((await children[1]?.ended)?.how).toBe('signal SIGKILL');
  });

  it('moves a log that grew too long out of the way', async () => {
    const dataDir = room();
    mkdirSync(join(dataDir, 'logs'));
    const [plan] = planNodes({ dataDir, portBase: 20_000 });
    if (plan === undefined) throw new Error('no plan');
    writeFileSync(plan.logFile, Buffer.alloc(9 * 1024 * 1024));
    const child = new Child({ plan, command: [process.execPath, '--version'], env: {}, onLine: () => {} });
    await child.ended;
    expect(existsSync(`${plan.logFile}.old`)).toBe(true);
    await expect(child.ready).rejects.toThrow('exit code');
  });
});

describe('the demo repository', () => {
  it('is made once, also where git knows nobody and is set up strangely', async () => {
    const dataDir = room();
    const home = room();
    writeFileSync(
      join(home, '.gitconfig'),
      '[commit]\n\tgpgsign = true\n[core]\n\thooksPath = /nowhere\n[init]\n\tdefaultBranch = trunk\n',
    );
    const env = { PATH: process.env['PATH'], HOME: home, GIT_DIR: '/nowhere' };
    const path = await makeDemoRepository(dataDir, env);
    const git = (...args: string[]) => execa('git', args, { cwd: path, env: { HOME: home } });
    await git('commit', '--allow-empty', '--message', 'mine');
    expect(await makeDemoRepository(dataDir, env)).toBe(path);
    expect((await git('log', '--format=%s %an', 'main')).stdout.split('\n')).toEqual([
      'mine skep demo',
      'Begin skep demo',
    ]);
  });
});

describe('the agent CLIs', () => {
  it('are those that stand on PATH as programs', async () => {
    const dir = room();
    writeFileSync(join(dir, 'codex'), '', { mode: 0o755 });
    writeFileSync(join(dir, 'claude'), '', { mode: 0o644 });
    expect(await agentClisOn(`/nowhere:${dir}:`)).toEqual(['codex']);
    expect(await agentClisOn(undefined)).toEqual([]);
  });
});

describe('the welcome', () => {
  const welcome = (dataDir: string, portBase?: number) => ({
    nodes: planNodes({ dataDir, portBase }),
    dataDir,
    repository: `${dataDir}/demo`,
    loginLink: 'http://127.0.0.1:9090/login?code=x',
    agentClis: ['codex'],
    pausedAgents: ['worker-1-claude'],
    tokenFromEnvironment: false,
    program: 'bin/skep',
    cwd: '/here',
  });

  it('gives lines that a shell reads as they are meant', async () => {
    const paste = linesToPaste(welcome("/it's here/data"));
    const shown = await execa('bash', [
      '-c',
      `curl() { printf '%s\\n' "$@"; }; cat() { echo "token of $1"; }\n${paste.post}`,
    ]);
    expect(shown.stdout).toContain("Authorization: Bearer token of /it's here/data/token");
    const body = JSON.parse(shown.stdout.split('\n').at(-1) ?? '');
    expect(body).toMatchObject({ project: 'demo', required_capabilities: ['shell'] });
    expect((await execa('bash', ['-n', '-c', body.description])).exitCode).toBe(0);
  });

  it('names the node only where skep would not find it', () => {
    expect(linesToPaste(welcome('/here/data')).diff).toBe('bin/skep task diff last');
    expect(linesToPaste(welcome('/there', 20_000)).diff).toBe(
      'bin/skep task diff last --data-dir /there --p2p-port 20010',
    );
    expect(linesToPaste({ ...welcome('/here/data'), tokenFromEnvironment: true }).look).toContain(
      'Bearer $SKEP_TOKEN"',
    );
  });

  it('says where everything is, and how an agent is resumed', () => {
    const text = welcomeText(welcome('/here/data'));
    for (const part of [
      'login?code=x',
      'http://127.0.0.1:9092  mesh 7103',
      'ws://127.0.0.1:6667',
      '/here/data/demo',
      'codex',
      'codex: found; bin/skep agent add',
      'bin/skep agent resume worker-1-claude',
      'Ctrl-C',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toMatch(/Bearer [^$]/);
  });

  it.each([
    ['/plain/path', '/plain/path'],
    ["it's", `'it'\\''s'`],
    ['$(x)', `'$(x)'`],
  ])('quotes %s as %s', (word, expected) => {
    expect(quoted(word)).toBe(expected);
  });
});
