/** The program that runs an agent: a turn a message, acknowledged when it succeeded, and again with the mark when it may not have been. */
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HarnessOptions } from '#cli/harness.ts';
import { serve } from '#cli/harness.ts';
import { stateDirOf } from '#socket-path.ts';
import { AgentLine } from '../host/agent-line.ts';
import type { Member } from '../host/swarm.ts';
import { TestSwarm } from '../host/swarm.ts';

const WAIT_S = 100;

let swarm: TestSwarm;
let member: Member;
let dir: string;
const closing: (() => Promise<void>)[] = [];

const pathOf = (name: string): string =>
  join(stateDirOf(member.options.dataDir, member.options.p2pPort), 'agents', name, 'mcp.sock');

async function line(name: string): Promise<AgentLine> {
  const made = await AgentLine.open(pathOf(name));
  closing.push(async () => made.close());
  return made;
}

function harness(name: string, script: string, o: Partial<HarnessOptions> = {}): string[] {
  const ending = new AbortController();
  const said: string[] = [];
  const served = serve({
    path: pathOf(name),
    command: ['sh', '-c', script],
    echo: false,
    once: false,
    signal: ending.signal,
    env: { PATH: process.env['PATH'], DIR: dir },
    log: (text) => void said.push(text),
    ...o,
  });
  closing.push(async () => {
    ending.abort();
    await served;
  });
  return said;
}

/** Resolves when the file is there. */
function made(name: string): Promise<void> {
  const path = join(dir, name);
  return new Promise((resolve) => {
    const look = (): void => {
      if (!existsSync(path)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(dir, look);
    look();
  });
}

beforeEach(async () => {
  swarm = new TestSwarm();
  dir = mkdtempSync(join(tmpdir(), 'skep-harness-'));
  member = await swarm.add({ shellAgents: 2 });
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await swarm.close();
  rmSync(dir, { recursive: true, force: true });
});

const [ann, bob] = ['node-0-shell-1', 'node-0-shell-2'];

it('has a turn with a message and sends back what it printed', async () => {
  harness(bob, 'tail -n 1 | tr a-z A-Z');
  const asker = await line(ann);
  const { id } = await asker.ask({ cmd: 'send', to: bob, body: 'hello' });
  expect(await asker.recv({ wait_seconds: WAIT_S })).toMatchObject([{ from: bob, body: 'HELLO', in_reply_to: id }]);
  await member.until(async () => {
    const message = await member.get(`/api/messages/${String(id)}`);
    return message['state'] === 'acknowledged' ? true : undefined;
  });
});

it('answers a question as its answer', async () => {
  harness(bob, 'cat > /dev/null; echo yes');
  const asker = await line(ann);
  const { id } = await asker.ask({ cmd: 'ask', to: bob, question: 'Ready?' });
  expect(await asker.recv({ wait_seconds: WAIT_S })).toMatchObject([{ kind: 'answer', body: 'yes', in_reply_to: id }]);
  expect(await member.get(`/api/messages/${String(id)}`)).toMatchObject({ question: 'answered' });
});

it('tries again, with the mark, what failed; loses nothing and tells the agent', async () => {
  harness(bob, 'cat > "$DIR/prompt"; test -e "$DIR/second" || { touch "$DIR/second"; exit 1; }; echo done');
  const asker = await line(ann);
  await asker.ask({ cmd: 'send', to: bob, body: 'hello' });
  expect(await asker.recv({ wait_seconds: WAIT_S })).toMatchObject([{ body: 'done' }]);
  expect(readFileSync(join(dir, 'prompt'), 'utf8')).toContain('may be handled already');
});

it('goes on with a node that was stopped in the middle of a turn: each message once in the log, and marked where it came again', async () => {
  harness(bob, 'cat >> "$DIR/prompts"; touch "$DIR/begun"; until test -e "$DIR/go"; do sleep 0.05; done; echo done');
  const asker = await line(ann);
  const { id } = await asker.ask({ cmd: 'send', to: bob, body: 'hello' });
  await made('begun');
  await member.restart();
  writeFileSync(join(dir, 'go'), '');
  const again = await line(ann);
  expect(await again.recv({ wait_seconds: WAIT_S })).toMatchObject([{ from: bob, body: 'done', in_reply_to: id }]);
  const prompts = readFileSync(join(dir, 'prompts'), 'utf8');
  expect(prompts.match(/id /g)).toHaveLength(2);
  expect(prompts.match(/may be handled already/g)).toHaveLength(1);
  expect(await member.list('/api/messages')).toHaveLength(2);
});

it('echoes only when told so, and never an echo', async () => {
  harness(bob, 'exit 1', { echo: true });
  const asker = await line(ann);
  await asker.ask({ cmd: 'send', to: bob, body: 'echo: no answer' });
  const { id } = await asker.ask({ cmd: 'send', to: bob, body: 'hello' });
  expect(await asker.recv({ wait_seconds: WAIT_S, max: 32 })).toMatchObject([{ body: 'echo: hello', in_reply_to: id }]);
});
