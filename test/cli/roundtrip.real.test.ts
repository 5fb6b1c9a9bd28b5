// Needs: npm, 1.2 GB of disk for the agent CLIs
/**
 * Two agents at a real node: one sends, the other's turn (the real Claude Code, on the scripted model) answers, and the node is killed in between. Nothing
 * is lost, each message is in the log once, and what may be handled again says so.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serve } from '#cli/harness.ts';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { stateDirOf } from '#socket-path.ts';
import { AgentHome } from '../agent-clis.ts';
import { AgentLine } from '../host/agent-line.ts';
import { NodeProcess } from '../host/process.ts';
import { freePort } from '../host/swarm.ts';

/** The agent CLIs may have to be installed first. */
const INSTALL_MS = 300_000;
/** Two turns of a real CLI and two starts of a node, on a busy machine. */
const WITHIN_MS = 600_000;
const WAIT_S = 180;
const KEY = 'roundtrip-key';
const ANSWER = 'the parser is fine';
const [ANN, BOB] = ['solo-shell-1', 'solo-shell-2'];

let dir: string;
let model: ModelServer;
let home: AgentHome;
let node: NodeProcess;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sk-round-'));
  model = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  home = new AgentHome({ url: model.url, key: KEY });
  const [httpPort, p2pPort] = [await freePort(), await freePort()];
  node = new NodeProcess({ name: 'solo', dataDir: join(dir, 'data'), httpPort, p2pPort, seeds: '', shellAgents: 2 });
  await node.start();
}, INSTALL_MS);

afterAll(async () => {
  await node.stop();
  await model.close();
  home.remove();
  rmSync(dir, { recursive: true, force: true });
});

const pathOf = (name: string): string =>
  join(stateDirOf(node.options.dataDir, node.options.p2pPort), 'agents', name, 'mcp.sock');

/** Resolves when the first turn has its prompt. */
function begun(): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!existsSync(join(dir, 'prompts'))) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(dir, look);
    look();
  });
}

it(
  'an answer comes through a node that is killed in the middle of the turn',
  async () => {
    const ending = new AbortController();
    const served = serve({
      path: pathOf(BOB),
      command: ['sh', '-c', 'cd "$HOME/project" && tee -a "$DIR/prompts" | claude --print'],
      echo: false,
      once: false,
      signal: ending.signal,
      env: { ...home.env, DIR: dir },
      log: () => {},
    });
    const asker = await AgentLine.open(pathOf(ANN));
    const body = `Is the parser right? <<stub [{"text":"${ANSWER}"}]>>`;
    const { id } = await asker.ask({ cmd: 'send', to: BOB, body });
    await begun();
    await node.kill();
    await node.start();
    const again = await AgentLine.open(pathOf(ANN));
    const answer = { from: BOB, body: ANSWER, in_reply_to: id, redelivered: false };
    expect(await again.recv({ wait_seconds: WAIT_S })).toMatchObject([answer]);
    expect(await again.ask({ cmd: 'ack_turn' })).toMatchObject({ acknowledged: 1 });
    ending.abort();
    await served;
    again.close();
    const prompts = readFileSync(join(dir, 'prompts'), 'utf8').split('A message from').slice(1);
    expect(prompts.map((prompt) => prompt.includes('may be handled already'))).toEqual([false, true]);
    expect(await node.get('/api/messages')).toMatchObject([
      { from: BOB, to: ANN, state: 'acknowledged' },
      { id, from: ANN, to: BOB },
    ]);
    expect(node.troubles).toEqual([]);
  },
  WITHIN_MS,
);
