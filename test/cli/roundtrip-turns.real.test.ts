// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root, npm, 1.2 GB of disk for the agent CLIs
/**
 * Two agents in boxes: one sends, and the node begins a turn of the other (the real Claude Code, on the scripted model, through the relay of its box), which
 * answers. In the middle of a first turn the node is killed, in the middle of a second the box with it.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { stateDirOf } from '#socket-path.ts';
import { agentBin } from '../agent-clis.ts';
import { AgentLine } from '../host/agent-line.ts';
import { NodeProcess } from '../host/process.ts';
import { freePort } from '../host/swarm.ts';
import { BOX_KINDS, imageOf } from '../runtime/box-image.ts';

/** Turns of a real CLI, starts of a node and of boxes, on a busy machine; the agent CLIs may have to be installed first. */
const WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 200;
const WAIT_S = 180;
const KEY = 'sk-roundtrip-turns-4711';

const before = { ...process.env };
let dir: string;
let model: ModelServer;
let node: NodeProcess;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sk-rt-'));
  model = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  const path = `${agentBin()}:${before['PATH'] ?? ''}`;
  Object.assign(process.env, { PATH: path, ANTHROPIC_BASE_URL: model.url, ANTHROPIC_AUTH_TOKEN: KEY });
  const [httpPort, p2pPort] = [await freePort(), await freePort()];
  node = new NodeProcess({ name: 'solo', dataDir: join(dir, 'data'), httpPort, p2pPort, seeds: '', shellAgents: 0 });
}, WITHIN_MS);

afterEach(async () => {
  await node.stop();
  await model.close();
  for (const name of ['PATH', 'ANTHROPIC_BASE_URL', 'ANTHROPIC_AUTH_TOKEN']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  rmSync(dir, { recursive: true, force: true });
}, WITHIN_MS);

async function post(path: string, body: unknown): Promise<unknown> {
  const answer = await node.request('POST', path, body);
  if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const turnsSchema = z.looseObject({
  state: z.string(),
  notes_path: z.string(),
  turns: z.array(z.looseObject({ n: z.number(), state: z.string() })),
});
const turns = async () => turnsSchema.parse(await node.get('/api/swarm/agents/bob/turns'));

async function until(look: () => Promise<boolean>): Promise<void> {
  for (let passed = 0; passed < WITHIN_MS; passed += LOOK_EVERY_MS) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`in vain: ${JSON.stringify(await turns())} ${JSON.stringify(await node.get('/api/messages'))}`);
}

/** In the box of the one that sends. */
const ann = (): Promise<AgentLine> =>
  AgentLine.open(join(stateDirOf(node.options.dataDir, node.options.p2pPort), 'agents/ann/mcp.sock'));

async function sent(name: string): Promise<string> {
  const line = await ann();
  // The turn waits in its own folder for the word to go on.
  const gate = `touch ${name}.begun; until [ -e ${name}.go ]; do sleep 0.1; done`;
  const steps = JSON.stringify([{ bash: gate }, { text: `${name} is fine` }]);
  const { id } = await line.ask({ cmd: 'send', to: 'bob', body: `Is ${name} right? <<stub ${steps}>>` });
  line.close();
  return String(id);
}

async function received(): Promise<unknown[]> {
  const line = await ann();
  const messages = await line.recv({ wait_seconds: WAIT_S });
  await line.ask({ cmd: 'ack_turn' });
  line.close();
  return messages;
}

it.each(BOX_KINDS)(
  'the turn of an agent in a %s answers, through a node and a box that are killed in the middle of it',
  async (runtime) => {
    const image = imageOf(runtime);
    await node.start();
    await post('/api/boxes', { name: 'ann', tool: 'shell', runtime, image, capabilities: ['ann'] });
    await post('/api/boxes', { name: 'bob', tool: 'claude', turns: 'on', runtime, image });
    await post('/api/rules', { effect: 'allow', tool: 'Bash', agent: 'bob' });
    const folder = dirname((await turns()).notes_path);

    const first = await sent('one');
    await until(async () => existsSync(join(folder, 'one.begun')));
    await node.kill();
    await node.start();
    writeFileSync(join(folder, 'one.go'), '');
    expect(await received()).toMatchObject([
      { from: 'bob', body: 'one is fine', in_reply_to: first, redelivered: false },
    ]);

    const second = await sent('two');
    await until(async () => existsSync(join(folder, 'two.begun')));
    await node.kill();
    node.killHolder();
    await node.start();
    writeFileSync(join(folder, 'two.go'), '');
    expect(await received()).toMatchObject([
      { from: 'bob', body: 'two is fine', in_reply_to: second, redelivered: false },
    ]);

    await until(async () => (await turns()).state === 'idle');
    expect((await turns()).turns.toReversed()).toMatchObject([
      { n: 1, state: 'completed', wake: 'text', messages: [first], redelivered: 0 },
      { n: 2, state: 'lost', messages: [second], redelivered: 0 },
      { n: 3, state: 'completed', messages: [second], redelivered: 1 },
    ]);
    // Each is in the log once, and closed.
    expect(await node.get('/api/messages')).toMatchObject([
      { from: 'bob', to: 'ann', body: 'two is fine', state: 'acknowledged' },
      { id: second, state: 'acknowledged' },
      { from: 'bob', to: 'ann', body: 'one is fine', state: 'acknowledged' },
      { id: first, state: 'acknowledged' },
    ]);
    expect(node.troubles).toEqual([]);
  },
  WITHIN_MS,
);
