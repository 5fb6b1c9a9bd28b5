// Needs: tmux, curl, ip, nft, root, npm, 1.5 GB of disk for the agent CLIs, a clone and the executables
/**
 * The README of VoidLux, command by command and in its order, on a clean clone, with the substitutions of docs/seeds.md: real Claude Code in
 * terminals, on the scripted model server.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AgentHome } from '../agent-clis.ts';
import { whyNoLab } from '../nemesis/lab.ts';
import type { Substitution } from './seed-readme.ts';
import { routesOf } from './seed-readme.ts';
import { SeedWalk } from './seed-walk.ts';

const WITHIN_MS = 600_000;
const README = readFileSync(new URL('./voidlux-readme.md', import.meta.url), 'utf8');

/** What the model is to do stands in the prompt, as a text in JSON. */
const script = (steps: readonly object[]): string => JSON.stringify(` <<stub ${JSON.stringify(steps)}>>`).slice(1, -1);
const OPTIMIZED = script([
  { text: 'All queries are fast.\nTASK_RESULT: three queries optimized', chunks: 20, delayMs: 100 },
]);
const TESTED = script([
  { bash: 'echo test >> AuthTest.php && git add -A && git commit -qm AuthTest' },
  { text: 'TASK_RESULT: tests added', chunks: 10, delayMs: 100 },
]);

const substitutions = (home: AgentHome): readonly Substitution[] => [
  ['composer install', 'npm start -- --help'],
  ['php bin/voidlux', 'bin/skep'],
  ['scripts/install-spc.sh', 'scripts/install-runtime.sh'],
  [' [options]', ''],
  ['<app-dir>', './my-app'],
  ['curl ', 'curl -sS -H "Authorization: Bearer $(cat data/token)" '],
  ['/home/you/project', home.project],
  ['"tool": "claude"', '"tool": "claude --permission-mode bypassPermissions"'],
  ['queries for performance', `queries for performance${OPTIMIZED}`],
  ['for the auth service', `for the auth service${TESTED}`],
];

const agentSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  tmux_session_id: z.string(),
});
const taskSchema = z.looseObject({ id: z.string(), status: z.string(), result: z.string().nullable() });
type Task = z.output<typeof taskSchema>;

const why = whyNoLab();
const isSkipped = why !== undefined && process.env['SKEP_REAL_REQUIRED'] !== '1';

describe.skipIf(isSkipped)('the README of VoidLux', { timeout: WITHIN_MS }, () => {
  let walk: SeedWalk;
  beforeAll(async () => {
    if (why !== undefined) throw new Error(why);
    walk = await SeedWalk.open({ readme: README, substitutions });
  }, WITHIN_MS);
  afterAll(() => walk.close(), WITHIN_MS);

  const agent = async (name: string) =>
    z
      .array(agentSchema)
      .parse(await walk.ask(9090, '/api/swarm/agents'))
      .find((one) => one.name === name);
  const untilIdle = (name: string) => walk.until(async () => (await agent(name))?.status === 'idle');
  const untilLinked = () =>
    walk.until(
      async () => z.object({ links: z.literal(2) }).safeParse(await walk.ask(9090, '/api/swarm/status')).success,
    );
  /** As the other worker sees it. */
  async function ended(id: string): Promise<Task> {
    const task = async (): Promise<Task> => taskSchema.parse(await walk.ask(9092, `/api/swarm/tasks/${id}`));
    await walk.until(async () => ['completed', 'failed'].includes((await task()).status));
    return task();
  }
  const post = async (port: number, content: string): Promise<unknown> =>
    walk.ask(port, '/api/posts', { method: 'POST', body: { content, author: 'ann' } });
  const untilWritten = (port: number, content: string): Promise<void> =>
    walk.until(async () => JSON.stringify(await walk.ask(port, '/api/posts')).includes(content));
  const isUp = (port: number) =>
    walk.until(async () => (await walk.run(`curl -sf http://localhost:${port}/health`)).code === 0);
  const page = async (port: number): Promise<string> =>
    (await walk.run(`curl -sS -H "Authorization: Bearer $(cat data/token)" http://localhost:${port}/`)).stdout;

  it('Quick Start: a swarm, its page, an agent on worker 1, a task of the emperor', async () => {
    expect(existsSync(join(walk.clone, 'node_modules'))).toBe(false);
    const installed = await walk.fetch(walk.next('composer install'));
    expect(installed).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: skep start') });
    await walk.startModel();

    const demo = await walk.run(walk.next('bash scripts/demo-swarm.sh'));
    expect(demo).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('http://127.0.0.1:9090') });
    await untilLinked();
    const shown = await page(9090);
    expect(shown).toMatch(/<title>skep/);
    const [, asset] = /<script[^>]+src="\.?(\/[^"]+)"/.exec(shown) ?? [];
    expect((await walk.run(`curl -sSf -o /dev/null http://localhost:9090${asset}`)).code).toBe(0);

    const made = agentSchema.parse(await walk.json(walk.next('curl -X POST http://localhost:9091/api/swarm/agents')));
    expect(made.tmux_session_id).toMatch(/^vl-agent-[0-9a-f]{8}$/);
    await untilIdle('claude-1');
    const task = taskSchema.parse(await walk.json(walk.next('curl -X POST http://localhost:9090/api/swarm/tasks')));
    expect(await ended(task.id)).toMatchObject({
      status: 'completed',
      result: 'three queries optimized',
      assigned_to: made.id,
    });
    await untilIdle('claude-1');
    await walk.endDemo('skep-swarm');
  });

  it('CLI Commands: swarm, demo, detect, compile', async () => {
    const node = walk.background(walk.next('php bin/voidlux swarm [options]'));
    await isUp(9090);
    expect(await node.stop()).toMatchObject({ code: 0 });
    const wall = walk.background(walk.next('php bin/voidlux demo [options]'));
    await isUp(8080);
    expect(await wall.stop()).toMatchObject({ code: 0 });

    const app = join(walk.clone, 'my-app');
    mkdirSync(app);
    writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'my-app', type: 'module', main: 'index.js' }));
    writeFileSync(
      join(app, 'index.js'),
      `import { basename } from 'node:path';\nconsole.log(basename('/the/application'));\n`,
    );
    const found = await walk.run(walk.next('php bin/voidlux detect <app-dir>'));
    expect(found).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Detected in: .*node:path.*Total: 1 built-in/s),
    });

    const compile = walk.next('php bin/voidlux compile <app-dir> --output=./build/myapp');
    const refused = await walk.run(compile);
    expect(refused.stderr).toContain('bash scripts/install-runtime.sh');
    expect((await walk.fetch('bash scripts/install-runtime.sh')).code).toBe(0);
    expect(await walk.run(compile)).toMatchObject({ code: 0, stderr: expect.stringContaining('building') });
    expect(await walk.run('./build/myapp')).toMatchObject({ code: 0, stdout: 'application' });
  });

  it('Swarm Options: the same names and defaults', async () => {
    const help = (await walk.run('bin/skep swarm --help')).stdout.replaceAll(/\s+/g, ' ');
    const rows = [...README.matchAll(/^\| `(--[a-z0-9-]+)` \| (\S+) \|/gm)];
    expect(rows).toHaveLength(6);
    for (const [, option, fallback] of rows)
      expect(help).toMatch(
        fallback === '(none)' ? new RegExp(`${option} <`) : new RegExp(`${option} <[^(]*\\(${fallback}\\)`),
      );
  });

  it('Example: 3-Node Swarm, started by hand, then by the script; the agent is found again by both', async () => {
    const nodes = ['emperor --http-port=9090', 'worker --http-port=9091', 'worker --http-port=9092'].map((role) =>
      walk.background(walk.next(`php bin/voidlux swarm --role=${role}`)),
    );
    await Promise.all([9090, 9091, 9092].map(isUp));
    await untilLinked();
    await untilIdle('claude-1');
    for (const node of nodes) expect(await node.stop()).toMatchObject({ code: 0 });
    expect(await walk.run(walk.next('bash scripts/demo-swarm.sh'))).toMatchObject({ code: 0 });
    await untilLinked();
    await untilIdle('claude-1');
  });

  it('HTTP API: a task for more capabilities than there are waits for the agent that has them', async () => {
    const task = taskSchema.parse(await walk.json(walk.next('curl -X POST http://localhost:9090/api/swarm/tasks')));
    const pending = async (): Promise<unknown> => walk.ask(9092, '/api/swarm/tasks?status=pending');
    await walk.until(async () => z.array(taskSchema).parse(await pending())[0]?.id === task.id);
    const made = agentSchema.parse(await walk.json(walk.next('curl -X POST http://localhost:9091/api/swarm/agents')));
    expect(await ended(task.id)).toMatchObject({
      status: 'completed',
      result: 'tests added',
      assigned_to: made.id,
      work: { commits: 1 },
    });
    expect(walk.home.git('log', '--format=%s')).toBe('AuthTest\nBegin\n');
  });

  it('HTTP API: every route of its tables, from whichever node', async () => {
    const id = (await agent('claude-worker-1'))?.id ?? '';
    const nobody = { title: 'Nobody can', required_capabilities: ['unknown'] };
    const task = taskSchema.parse(await walk.ask(9091, '/api/swarm/tasks', { method: 'POST', body: nobody }));
    await walk.until(async () => taskSchema.safeParse(await walk.ask(9090, `/api/swarm/tasks/${task.id}`)).success);
    const output = z.object({ output: z.string() });
    const seen: Record<string, () => Promise<void>> = {
      'GET /api/swarm/tasks': async () => expect(await walk.ask(9090, '/api/swarm/tasks')).toHaveLength(3),
      'POST /api/swarm/tasks': async () => expect(task.status).toBe('pending'),
      'GET /api/swarm/tasks/{id}': async () =>
        expect(await walk.ask(9092, `/api/swarm/tasks/${task.id}`)).toMatchObject({ title: 'Nobody can' }),
      'POST /api/swarm/tasks/{id}/cancel': async () =>
        expect(await walk.ask(9090, `/api/swarm/tasks/${task.id}/cancel`, { method: 'POST' })).toEqual({
          status: 'cancelled',
          task_id: task.id,
        }),
      'GET /api/swarm/agents': async () => expect(await walk.ask(9092, '/api/swarm/agents')).toHaveLength(2),
      'POST /api/swarm/agents': async () => expect(id).not.toBe(''),
      'DELETE /api/swarm/agents/{id}': async () => {
        expect(await walk.ask(9091, `/api/swarm/agents/${id}`, { method: 'DELETE' })).toEqual({
          status: 'deregistered',
          agent_id: id,
        });
        await walk.until(async () => (await agent('claude-worker-1')) === undefined);
      },
      'POST /api/swarm/agents/{id}/send': async () =>
        expect(
          await walk.ask(9092, `/api/swarm/agents/${id}/send`, { method: 'POST', body: { text: 'Thanks' } }),
        ).toEqual({
          sent: true,
        }),
      'GET /api/swarm/agents/{id}/output': async () => {
        const shown = await walk.ask(9090, `/api/swarm/agents/${id}/output?lines=50`);
        expect(output.parse(shown).output).toContain('tests added');
        expect(output.parse(shown).output).toContain('Context: Focus on edge cases');
      },
      'GET /': async () => expect(await page(9091)).toMatch(/<title>skep/),
      'GET /health': async () => expect(await walk.ask(9090, '/health')).toMatchObject({ status: 'ok' }),
      'GET /api/swarm/status': async () =>
        expect(await walk.ask(9090, '/api/swarm/status')).toMatchObject({
          tasks: { completed: 2 },
          agents: { total: 2 },
        }),
    };
    expect(Object.keys(seen).toSorted()).toEqual(routesOf(README).toSorted());
    // What withdraws comes last.
    const [withdrawal, ...others] = Object.keys(seen).toSorted((a) => (a.startsWith('DELETE') ? -1 : 1));
    for (const route of [...others, withdrawal ?? '']) await seen[route]?.();
    await walk.endDemo('skep-swarm');
  });

  it('Graffiti Wall Demo: one wall, then five', async () => {
    const wall = walk.background(walk.next('php bin/voidlux demo --http-port=8080'));
    await isUp(8080);
    await post(8080, 'Hello, wall');
    await untilWritten(8080, 'Hello, wall');
    await wall.stop();
    const { code, stdout } = await walk.run(walk.next('bash scripts/demo-5-nodes.sh'));
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('http://127.0.0.1:8085') });
    const peers = z.object({ peers: z.literal(4) });
    await walk.until(async () => peers.safeParse(await walk.ask(8085, '/api/status')).success);
    await post(8081, 'Hello, five');
    for (const port of [8082, 8083, 8084, 8085]) await untilWritten(port, 'Hello, five');
    await walk.endDemo('skep-demo');
  });

  it('Static Binary Compiler: the wall as one file, alone in an empty folder, with an empty PATH', async () => {
    expect(await walk.fetch(walk.next('bash scripts/install-spc.sh'))).toMatchObject({ code: 0 });
    const built = await walk.run(walk.next('bash scripts/build-graffiti.sh'));
    expect(built, `${built.stdout}\n${built.stderr}`).toMatchObject({ code: 0 });
    const empty = join(walk.home.dir, 'empty');
    mkdirSync(join(empty, 'build'), { recursive: true });
    cpSync(join(walk.clone, 'build/graffiti-wall'), join(empty, 'build/graffiti-wall'));
    const line = walk.next('./build/graffiti-wall demo --http-port=8080');
    const wall = walk.background(`env -i HOME=${empty} PATH= ${line}`, { cwd: empty });
    await isUp(8080);
    const ask = async (path: string, more = ''): Promise<string> =>
      (
        await walk.run(`curl -sS -H "Authorization: Bearer $(cat data/token)" ${more} http://localhost:8080${path}`, {
          cwd: empty,
        })
      ).stdout;
    const content = `-H 'Content-Type: application/json' -d '{"content":"from one file"}'`;
    expect(JSON.parse(await ask('/api/posts', content))).toMatchObject({ content: 'from one file', author: 'anon' });
    expect(JSON.parse(await ask('/api/posts'))).toMatchObject([{ content: 'from one file' }]);
    expect(await ask('/')).toContain('Graffiti wall');
    expect(await wall.stop()).toMatchObject({ code: 0 });
    expect(walk.left).toEqual([]);
  });
});
