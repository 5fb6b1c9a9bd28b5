// Needs: npm, 1.2 GB of disk for the agent CLIs
/** A node that is killed while a command of the real Claude Code outlives its turn: the command goes on, and its end is told once. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome } from '../../agent-clis.ts';
import { NodeProcess } from '../process.ts';
import { freePort } from '../swarm.ts';

const TEST_MS = 300_000;
const LOOK_EVERY_MS = 200;
const KEY = 'sk-command-kill-4711';

const before = { ...process.env };
let dir: string;
let model: ModelServer;
let home: AgentHome;
let node: NodeProcess;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sk-ck-'));
  model = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  home = new AgentHome({ url: model.url, key: KEY });
  Object.assign(process.env, home.env);
  const [httpPort, p2pPort] = [await freePort(), await freePort()];
  node = new NodeProcess({ name: 'solo', dataDir: join(dir, 'data'), httpPort, p2pPort, seeds: '', shellAgents: 0 });
  await node.start();
}, TEST_MS);

afterEach(async () => {
  await node.stop();
  await model.close();
  home.remove();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(dir, { recursive: true, force: true });
}, TEST_MS);

async function post(path: string, body: unknown): Promise<void> {
  const answer = await node.request('POST', path, body);
  if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}

const turnsSchema = z.looseObject({
  state: z.string(),
  notes_path: z.string(),
  commands: z.array(z.looseObject({ n: z.number() })),
  turns: z.array(z.looseObject({ state: z.string(), wake: z.string() })),
});
const turns = async () => turnsSchema.parse(await node.get('/api/swarm/agents/bob/turns'));
const messages = z.array(z.looseObject({ kind: z.string(), body: z.string() }));
const events = async () =>
  messages.parse(await node.get('/api/messages?to=bob')).filter(({ kind }) => kind === 'event');

async function until(look: () => Promise<boolean>): Promise<void> {
  for (let passed = 0; passed < TEST_MS; passed += LOOK_EVERY_MS) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`in vain: ${JSON.stringify(await turns())}`);
}

const over = (count: number) =>
  until(async () => {
    const { state, turns: rows } = await turns();
    return state === 'idle' && rows.length >= count;
  });

it('tells its end when the node is back', { timeout: TEST_MS }, async () => {
  await post('/api/swarm/agents', { name: 'bob', tool: 'claude', drive: 'protocol', turns: 'on' });
  await post('/api/rules', { effect: 'allow', tool: 'command_start', agent: 'bob' });
  const folder = dirname((await turns()).notes_path);
  const command = 'until [ -e go ]; do sleep 0.1; done; echo made it; touch made';
  const steps = JSON.stringify([{ tool: 'mcp__skep__command_start', input: { command } }, { text: 'It runs.' }]);
  await post('/api/messages', { to: 'bob', body: `Build. <<stub ${steps}>>` });
  await over(1);
  expect((await turns()).commands).toMatchObject([{ n: 1, state: 'running' }]);
  await node.kill();
  writeFileSync(join(folder, 'go'), '');
  await until(async () => existsSync(join(folder, 'made')));
  await node.start();
  await over(2);
  expect((await turns()).turns[0]).toMatchObject({ wake: 'event', state: 'completed' });
  await node.kill();
  await node.start();
  expect((await turns()).commands).toEqual([]);
  const told = await events();
  expect(told).toHaveLength(1);
  expect(told[0]?.body).toContain('ended with exit code 0');
  expect(told[0]?.body).toContain('\nmade it');
  expect(node.troubles).toEqual([]);
});
