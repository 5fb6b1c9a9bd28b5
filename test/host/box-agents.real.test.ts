// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root, npm, 1.2 GB of disk for the agent CLIs
/** The real agent CLIs in boxes: their model is reached by the relay alone, with a credential that is in no box, and their work is delivered. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelServer, Served } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { agentBin } from '../agent-clis.ts';
import { BOX_KINDS, imageOf } from '../runtime/box-image.ts';
import { BoxStage, TEST_MS } from './box-stage.ts';
import { addTask } from './terminal-rig.ts';

/** Another one each time: so it stands in no copy of this file that a box may read. */
const KEY = `sk-relayed-${randomBytes(8).toString('hex')}1`;

const before = { ...process.env };
let stage: BoxStage;
let model: ModelServer;
let served: Served[];
beforeEach(async () => {
  served = [];
  model = await startModelServer({ port: 0, key: KEY, onServed: (one) => served.push(one) });
  Object.assign(process.env, {
    PATH: `${agentBin()}:${before['PATH'] ?? ''}`,
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_AUTH_TOKEN: KEY,
    OPENAI_BASE_URL: `${model.url}/v1`,
    OPENAI_API_KEY: KEY,
  });
  stage = await BoxStage.open();
}, TEST_MS);
afterEach(async () => {
  await stage.close();
  await model.close();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
}, TEST_MS);

const SUMMARY = { input: { summary: 'two is written' } };
/** By a pattern that does not match itself, for the prompt lies in the box. */
const PATTERN = KEY.replace(/1$/, '[1]');
/** It looks for the key wherever it may be, and edits. */
const EDIT = `if env | grep -q '${PATTERN}' || grep -rqs '${PATTERN}' /proc/*/environ /proc/*/cmdline ~ /run /tmp; then echo found > key.txt; fi; echo two > two.txt`;

const TOOLS = [
  { tool: 'claude', path: '/v1/messages', complete: { tool: 'mcp__skep__task_complete', ...SUMMARY } },
  { tool: 'codex', path: '/v1/responses', complete: { tool: 'task_complete', namespace: 'mcp__skep', ...SUMMARY } },
  {
    tool: 'acp opencode acp',
    path: '/v1/messages',
    complete: { tool: ['skep_task_complete', 'skep__task_complete', 'mcp_skep_task_complete'], ...SUMMARY },
  },
];
/** It asks for nothing unless it is told to. */
const OPENCODE = {
  model: 'anthropic/stub-model',
  small_model: 'anthropic/stub-model',
  permission: { bash: 'ask' },
  provider: {
    anthropic: { models: { 'stub-model': { tool_call: true, limit: { context: 128_000, output: 8_192 } } } },
  },
};
const CASES = BOX_KINDS.flatMap((runtime) => TOOLS.map((one) => ({ runtime, ...one })));

describe.each(CASES)('the real $tool in a $runtime', { timeout: TEST_MS }, ({ runtime, tool, path, complete }) => {
  it('asks its model by the relay, edits, and its work is delivered', async () => {
    const { node, swarm } = stage;
    const image = imageOf(runtime);
    const { home } = await stage.spawn('alice', { tool, runtime, image, capabilities: ['words'] });
    // As a person would by `skep hive login`: its own idea of a model speaks of tools that the scripted one does not know.
    mkdirSync(join(String(home), '.codex'), { recursive: true });
    writeFileSync(join(String(home), '.codex/config.toml'), 'model = "stub-model"\n');
    mkdirSync(join(String(home), '.config/opencode'), { recursive: true });
    writeFileSync(join(String(home), '.config/opencode/opencode.json'), JSON.stringify(OPENCODE));
    await node.post('/api/swarm/projects', { name: 'demo', origin: swarm.repository('origin'), base: 'main' });
    const task = await addTask(
      node,
      `Edit. <<stub ${JSON.stringify([{ preText: 'let me', bash: EDIT }, complete, { text: 'Bye.' }])}>>`,
      {
        project: 'demo',
      },
    );
    const leave = await node.until(async () => (await node.list('/api/approvals?state=open'))[0]);
    await node.post(`/api/approvals/${String(leave['id'])}`, { decision: 'allow' });
    const ended = await node.ended(String(task['id']));
    expect(ended).toMatchObject({
      status: 'completed',
      result: 'two is written',
      work: { commits: 1 },
    });
    const diff = JSON.stringify(await node.get(`/api/swarm/tasks/${String(task['id'])}/diff`));
    expect(diff).toContain('two.txt');
    expect(diff).not.toContain('key.txt');
    expect(served.map((one) => `${one.method} ${one.path} ${one.status}`)).toContain(`POST ${path} 200`);
    const told = swarm.log.filter((line) => line.includes(`alice asked through its relay: POST ${path}: 200`));
    expect(told.length).toBeGreaterThan(0);
    expect(swarm.log.join('\n')).not.toContain(KEY);
  });
});
