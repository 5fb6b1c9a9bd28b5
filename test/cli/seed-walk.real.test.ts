// Needs: tmux, curl, npm, 1.2 GB of disk for the agent CLIs
/** The README of VoidLux, command by command, with the substitutions of docs/seeds.md: real Claude Code and Codex in terminals, on the scripted model server. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome } from '../agent-clis.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KEY = 'stub-key';
const WITHIN_MS = 300_000;

const agentSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  tmux_session_id: z.string().nullable(),
});
const taskSchema = z.object({ id: z.string(), title: z.string(), status: z.string(), result: z.string().nullable() });

let server: ModelServer;
let home: AgentHome;
let env: NodeJS.ProcessEnv;
/** All ports stay below those of outgoing connections. */
const offset = 2_050 + (process.pid % 200) * 100;

beforeAll(async () => {
  server = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  home = new AgentHome({ url: server.url, key: KEY });
  // The second: no question whether a folder is to be trusted.
  env = { ...home.env, TMUX_TMPDIR: home.dir, CLAUDE_CODE_SANDBOXED: '1' };
  const options = { cwd: home.dir, env, encoding: 'utf8' } as const;
  const demo = spawnSync('bash', [join(ROOT, 'scripts/demo-swarm.sh'), '--port-offset', String(offset)], options);
  if (demo.status !== 0 || demo.stderr !== '') throw new Error(`the demo did not start: ${demo.stderr}`);
  for (const port of [9090, 9091, 9092])
    await until(() => spawnSync('curl', ['-sf', `http://localhost:${port + offset}/health`]).status === 0);
  await until(() => z.object({ links: z.literal(2) }).safeParse(curl(9090, '/api/swarm/status')).success);
}, WITHIN_MS);

afterAll(async () => {
  spawnSync('tmux', ['kill-server'], { env });
  await server.close();
  home.remove();
});

/** One curl line of the README, with the token. */
function curl(port: number, path: string, o: { method?: string; body?: object } = {}): unknown {
  const token = readFileSync(join(home.dir, 'data/token'), 'utf8').trim();
  const args = [
    '-sS',
    '-X',
    o.method ?? 'GET',
    `http://localhost:${port + offset}${path}`,
    '-H',
    `Authorization: Bearer ${token}`,
  ];
  const body = o.body === undefined ? [] : ['-H', 'Content-Type: application/json', '-d', JSON.stringify(o.body)];
  return JSON.parse(execFileSync('curl', [...args, ...body], { encoding: 'utf8' }));
}
const agents = () => z.array(agentSchema).parse(curl(9090, '/api/swarm/agents'));
const agent = (name: string) => agents().find((one) => one.name === name);
const task = (id: string) => taskSchema.parse(curl(9092, `/api/swarm/tasks/${id}`));
async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(250);
}

function register(name: string, tool: string): void {
  const body = { name, tool, capabilities: ['php', 'testing'], project_path: home.project };
  const made = agentSchema.parse(curl(9091, '/api/swarm/agents', { method: 'POST', body }));
  expect(made.tmux_session_id).not.toBeNull();
}
const create = (body: object): string => taskSchema.parse(curl(9090, '/api/swarm/tasks', { method: 'POST', body })).id;

describe('the README of VoidLux', { timeout: WITHIN_MS }, () => {
  it('an agent registered on worker 1 takes a task of the emperor in its terminal', async () => {
    register('claude-1', 'claude');
    await until(() => agent('claude-1')?.status === 'idle');
    const id = create({
      title: 'Optimize queries',
      description:
        'Review and optimize all SQL queries for performance. <<stub [{"text":"All queries are fast now.\\nTASK_RESULT: three queries optimized","chunks":20,"delayMs":150}]>>',
    });
    await until(() => ['completed', 'failed'].includes(task(id).status));
    expect(task(id)).toMatchObject({ status: 'completed', result: expect.stringContaining('three queries optimized') });
    await until(() => agent('claude-1')?.status === 'idle');
  });

  it('a task with every field is worked with a commit', async () => {
    curl(9091, `/api/swarm/agents/${agent('claude-1')?.id}`, { method: 'DELETE' });
    register('claude-worker-1', 'claude --permission-mode bypassPermissions');
    await until(() => agent('claude-worker-1')?.status === 'idle');
    const id = create({
      title: 'Add unit tests',
      description:
        'Write PHPUnit tests for the auth service <<stub [{"bash":"echo test >> AuthTest.php && git add -A && git commit -qm AuthTest"},{"text":"TASK_RESULT: tests added","chunks":10,"delayMs":150}]>>',
      priority: 5,
      required_capabilities: ['php', 'testing'],
      project_path: home.project,
      context: 'Focus on edge cases',
    });
    await until(() => ['completed', 'failed'].includes(task(id).status));
    expect(task(id)).toMatchObject({ status: 'completed', result: expect.stringContaining('tests added') });
    expect(home.git('log', '--all', '--format=%s')).toContain('AuthTest');
  });

  it('codex works in a terminal as well', async () => {
    curl(9091, `/api/swarm/agents/${agent('claude-worker-1')?.id}`, { method: 'DELETE' });
    register('codex-1', 'codex');
    await until(() => agent('codex-1')?.status === 'idle');
    const id = create({
      title: 'With codex',
      description:
        'Do it <<stub [{"bash":"echo codex >> Codex.md && git add -A && git commit -qm CodexWas"},{"text":"TASK_RESULT: codex did it","chunks":20,"delayMs":150}]>>',
      required_capabilities: ['php'],
    });
    await until(() => ['completed', 'failed'].includes(task(id).status));
    expect(task(id)).toMatchObject({ status: 'completed', result: expect.stringContaining('codex did it') });
    expect(home.git('log', '--all', '--format=%s')).toContain('CodexWas');
  });

  it('tasks are listed, filtered and cancelled, and agents spoken to, from any node', async () => {
    const id = create({ title: 'Nobody can', required_capabilities: ['unknown'] });
    await until(() =>
      z
        .array(taskSchema)
        .parse(curl(9092, '/api/swarm/tasks?status=pending'))
        .some((one) => one.id === id),
    );
    expect(curl(9091, `/api/swarm/tasks/${id}/cancel`, { method: 'POST' })).toEqual({
      status: 'cancelled',
      task_id: id,
    });
    const codex = agent('codex-1')?.id ?? '';
    const output = z.object({ output: z.string() }).parse(curl(9090, `/api/swarm/agents/${codex}/output?lines=50`));
    expect(output.output).toContain('codex did it');
    expect(curl(9090, `/api/swarm/agents/${codex}/send`, { method: 'POST', body: { text: 'Thank you' } })).toEqual({
      sent: true,
    });
    expect(curl(9090, '/api/swarm/status')).toMatchObject({ tasks: { completed: 3, cancelled: 1 } });
    expect(curl(9090, '/health')).toMatchObject({ status: 'ok' });
    expect(curl(9091, `/api/swarm/agents/${codex}`, { method: 'DELETE' })).toEqual({
      status: 'deregistered',
      agent_id: codex,
    });
    await until(() => agent('codex-1') === undefined);
  });

  it('the commands have the options and defaults that it lists', () => {
    const skep = (...args: string[]): string =>
      execFileSync(join(ROOT, 'bin/skep'), args, { cwd: home.dir, env, encoding: 'utf8' });
    const help = skep('swarm', '--help').replaceAll(/\s+/g, ' ');
    for (const [option, fallback] of [
      ['http-port', '9090'],
      ['p2p-port', '7101'],
      ['discovery-port', '6101'],
      ['data-dir', './data'],
      ['role', 'emperor'],
    ])
      expect(help).toMatch(new RegExp(`--${option} <[^(]*\\(${fallback}\\)`));
    expect(help).toContain('--seeds');
    expect(skep('demo', '--help')).toContain('8080');
    expect(skep('detect', ROOT, '--entry-point=bin/skep.mjs')).toMatch(/Total: \d+ built-ins, \d+ packages/);
  });
});
