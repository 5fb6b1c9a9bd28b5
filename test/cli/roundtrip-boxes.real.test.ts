// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root, npm, 1.2 GB of disk for the agent CLIs
/**
 * Two agents in boxes: one sends, the other's turn (the real Claude Code, on the scripted model, through the relay of its box) answers, and the node is
 * killed in between. Nothing is lost, each message is in the log once, and what may be handled again says so.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { agentBin } from '../agent-clis.ts';
import { NodeProcess } from '../host/process.ts';
import { freePort } from '../host/swarm.ts';
import { BOX_KINDS, imageOf } from '../runtime/box-image.ts';

/** Two turns of a real CLI, two starts of a node and of four boxes, on a busy machine; the agent CLIs may have to be installed first. */
const WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 200;
const KEY = 'sk-roundtrip-4711';
const ANSWER = 'the parser is fine';

const before = { ...process.env };
let dir: string;
let model: ModelServer;
let node: NodeProcess;
let asked: { path: string; status: number }[];

beforeEach(async () => {
  asked = [];
  dir = mkdtempSync(join(tmpdir(), 'sk-rb-'));
  model = await startModelServer({ port: 0, key: KEY, onServed: (one) => asked.push(one) });
  Object.assign(process.env, { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_AUTH_TOKEN: KEY });
  const [httpPort, p2pPort] = [await freePort(), await freePort()];
  node = new NodeProcess({ name: 'solo', dataDir: join(dir, 'data'), httpPort, p2pPort, seeds: '', shellAgents: 0 });
}, WITHIN_MS);

afterEach(async () => {
  await node.stop();
  await model.close();
  for (const name of ['ANTHROPIC_BASE_URL', 'ANTHROPIC_AUTH_TOKEN']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  rmSync(dir, { recursive: true, force: true });
}, WITHIN_MS);

const taskSchema = z.looseObject({ id: z.string(), status: z.string(), result: z.string().nullish() });

async function post(path: string, body: unknown): Promise<unknown> {
  const answer = await node.request('POST', path, body);
  if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const script = async (name: string, description: string): Promise<string> =>
  taskSchema.parse(
    await post('/api/swarm/tasks', {
      title: 'a script',
      description,
      required_capabilities: ['shell', name],
      attempts_max: 1,
      time_limit_s: WITHIN_MS / 1000,
    }),
  ).id;

/** What it printed. */
async function said(id: string): Promise<string> {
  for (let passed = 0; passed < WITHIN_MS; passed += LOOK_EVERY_MS) {
    const task = taskSchema.parse(await node.get(`/api/swarm/tasks/${id}`));
    if (task.status === 'completed') return String(task.result).trim();
    if (['failed', 'cancelled'].includes(task.status)) throw new Error(`it did not succeed: ${JSON.stringify(task)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`${id} does not end`);
}

/** Resolves when the first turn has its prompt. */
function begun(folder: string): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!existsSync(join(folder, 'prompts'))) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(folder, look);
    look();
  });
}

it.each(BOX_KINDS)(
  'an answer comes out of a %s, through a node that is killed in the middle of the turn',
  async (runtime) => {
    const tools = dirname(agentBin());
    const image = imageOf(runtime);
    await node.start();
    const box = { tool: 'shell', runtime, image };
    await post('/api/boxes', { ...box, name: 'ann', capabilities: ['ann'] });
    const mounts = [{ from: tools, at: tools, writable: false }];
    const { home } = z
      .looseObject({ home: z.string() })
      .parse(await post('/api/boxes', { ...box, name: 'bob', capabilities: ['bob'], mounts }));
    expect(await said(await script('bob', 'echo ready'))).toBe('ready');

    const turn = `cat > ~/prompt; cat ~/prompt >> ~/prompts; "$SKEP_NODE" "$SKEP_RELAY" ${tools}/.bin/claude --print < ~/prompt`;
    const serving = await script('bob', `cd; "$SKEP_NODE" "$SKEP_CLI" agent-harness serve -- sh -c '${turn}'`);
    const body = `Is the parser right? <<stub [{"text":"${ANSWER}"}]>>`;
    const { id } = z
      .looseObject({ id: z.string() })
      .parse(JSON.parse(await said(await script('ann', `"$SKEP_NODE" "$SKEP_CLI" agent-harness send bob '${body}'`))));
    await begun(home);
    await node.kill();
    await node.start();

    const received = await said(await script('ann', '"$SKEP_NODE" "$SKEP_CLI" agent-harness recv --wait 180'));
    expect(JSON.parse(received)).toMatchObject({ from: 'bob', body: ANSWER, in_reply_to: id, redelivered: false });
    const prompts = readFileSync(join(home, 'prompts'), 'utf8').split('A message from').slice(1);
    const marks = prompts.map((prompt) => prompt.includes('may be handled already'));
    expect(marks.length).toBeGreaterThan(1);
    expect(marks).toEqual(marks.map((_mark, at) => at > 0));
    expect(await node.get('/api/messages')).toMatchObject([
      { from: 'bob', to: 'ann', state: 'acknowledged' },
      { id, from: 'ann', to: 'bob' },
    ]);
    expect(asked.some(({ path, status }) => path === '/v1/messages' && status === 200)).toBe(true);
    expect(node.troubles).toEqual([]);
    await post(`/api/swarm/tasks/${serving}/cancel`, {});
  },
  WITHIN_MS,
);
