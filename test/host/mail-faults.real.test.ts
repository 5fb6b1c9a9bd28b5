// Needs: root (a file system of a few megabytes is mounted)
/** Mailboxes of a real node under faults: a disk that is full, a mailbox of ten thousand, readers that do not read, two starts at once. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { agentSocketDir, stateDirOf } from '#socket-path.ts';
import { AgentLine } from './agent-line.ts';
import { NodeProcess } from './process.ts';
import { freePort } from './swarm.ts';

const TEST_MS = 300_000;
/** Between two looks at what no event tells of, and how often at most: two minutes, which only a hang takes. */
const LOOK_MS = 100;
const LOOKS_MAX = 1_200;
/** Mounts and their ends. */
const COMMAND_MS = 30_000;
const ENV = '/usr/bin/env';

const [ann, bob] = ['n-shell-1', 'n-shell-2'];

const directories: string[] = [];
const mounts: string[] = [];
const nodes: NodeProcess[] = [];
const lines: AgentLine[] = [];
afterEach(async () => {
  for (const line of lines.splice(0)) line.close();
  for (const node of nodes.splice(0)) await node.stop();
  for (const path of mounts.splice(0)) execFileSync(ENV, ['umount', '-l', path], { timeout: COMMAND_MS });
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}, TEST_MS);

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'skep-mf-'));
  directories.push(path);
  return path;
}

async function made(dataDir: string): Promise<NodeProcess> {
  const ports = { httpPort: await freePort(), p2pPort: await freePort() };
  const node = new NodeProcess({
    name: 'n',
    dataDir,
    ...ports,
    seeds: '',
    shellAgents: 2,
    messagesPerMinute: 1_000_000,
  });
  nodes.push(node);
  return node;
}

async function until(what: string, look: () => boolean): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    if (look()) return;
    await wait(LOOK_MS);
  }
  throw new Error(`waited in vain for ${what}`);
}

async function line(node: NodeProcess, agent: string): Promise<AgentLine> {
  const { dataDir, p2pPort } = node.options;
  const made = await AgentLine.open(join(agentSocketDir(stateDirOf(dataDir, p2pPort), agent), 'mcp.sock'));
  lines.push(made);
  return made;
}

type Answer = Awaited<ReturnType<AgentLine['next']>>;

/** Undefined where the node went away before it answered. */
const answerOf = (from: AgentLine): Promise<Answer | undefined> => from.next().catch(() => undefined);

/** All that is there, acknowledged batch by batch. */
async function drained(to: AgentLine, atMost = Number.POSITIVE_INFINITY): Promise<{ body: string; again: boolean }[]> {
  const all: { body: string; again: boolean }[] = [];
  while (all.length < atMost) {
    const batch = await to.recv({ max: 32 });
    if (batch.length === 0) break;
    all.push(...batch.map(({ body, redelivered }) => ({ body: String(body), again: redelivered === true })));
    await to.ask({ cmd: 'ack_turn' });
  }
  return all;
}

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_none, n) => String(from + n));

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

describe('a disk that is full', { timeout: TEST_MS }, () => {
  it('refuses what it does not keep, keeps what it acknowledged, and goes on when there is room', async () => {
    const place = directory();
    execFileSync(ENV, ['mount', '-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', place], { timeout: COMMAND_MS });
    mounts.push(place);
    const node = await made(join(place, 'data'));
    await node.start();
    const from = await line(node, ann);
    for (const body of numbers(3)) expect(await from.ask({ cmd: 'send', to: bob, body })).toMatchObject({ ok: true });
    const { bavail, bsize } = statfsSync(place);
    writeFileSync(join(place, 'other'), Buffer.alloc(Math.max(0, bavail * bsize - 512 * 1024)));

    const text = (n: number): string => `${n} ${'x'.repeat(8_000)}`;
    const acknowledged = numbers(3);
    let refusal: Answer | undefined;
    for (let n = 3; n < 10_000 && refusal === undefined; n += 1) {
      from.say({ cmd: 'send', to: bob, body: text(n) });
      const answer = await answerOf(from);
      if (answer?.ok === true) acknowledged.push(text(n));
      else refusal = answer ?? { ok: false, code: 'gone' };
    }
    expect(refusal).toMatchObject({ ok: false, code: 'stopping', error: expect.stringMatching(/full/) });
    await until('the end of a node whose disk is full', () => !node.isUp);
    expect(node.troubles.splice(0)).toEqual([expect.stringMatching(/full/)]);

    rmSync(join(place, 'other'));
    await node.start();
    const again = await line(node, ann);
    expect(await again.ask({ cmd: 'send', to: bob, body: 'after' })).toMatchObject({ ok: true });
    const held = await drained(await line(node, bob));
    expect(held.map(({ body }) => body)).toEqual([...acknowledged, 'after']);
  });
});

describe('a mailbox of ten thousand', { timeout: TEST_MS }, () => {
  it('takes little memory, keeps its order through a SIGKILL in the middle, and gives each once', async () => {
    const count = 10_000;
    const node = await made(join(directory(), 'data'));
    await node.start();
    const from = await line(node, ann);
    await from.ask({ cmd: 'send', to: bob, body: '0' });
    const before = residentMb(node.pid);
    for (let n = 1; n < count; n += 100) {
      const some = numbers(Math.min(100, count - n), n);
      for (const body of some) from.say({ cmd: 'send', to: bob, body });
      for (const _one of some) expect(await from.next()).toMatchObject({ ok: true });
    }
    expect(residentMb(node.pid) - before).toBeLessThan(150);
    const to = await line(node, bob);
    expect(await to.ask({ cmd: 'status' })).toMatchObject({ unread: count });
    const first = await drained(to, 3_200);
    const inHand = await to.recv({ max: 32 });
    await node.kill();
    await node.start();
    const rest = await drained(await line(node, bob));
    expect([...first, ...rest].map(({ body }) => body)).toEqual(numbers(count));
    const marked = rest.filter(({ again }) => again).map(({ body }) => body);
    expect(marked).toEqual(inHand.map(({ body }) => body));
  });
});

describe('a reader that does not read', { timeout: TEST_MS }, () => {
  it('costs no more than a bounded buffer, holds nobody up, and has all when it reads again', async () => {
    const node = await made(join(directory(), 'data'));
    await node.start();
    const [from, to] = [await line(node, ann), await line(node, bob)];
    const body = 'y'.repeat(1_000_000);
    const { id } = await from.ask({ cmd: 'send', to: bob, body });
    const before = residentMb(node.pid);
    const slow = await Promise.all(Array.from({ length: 16 }, () => line(node, bob)));
    for (const one of slow) {
      one.socket.pause();
      for (let n = 0; n < 64; n += 1) one.say({ cmd: 'read', id, request: n });
    }
    // Whoever reads is served, as often as those who do not have asked.
    for (let n = 0; n < 64; n += 1) expect(await to.ask({ cmd: 'status' })).toMatchObject({ ok: true });
    for (const text of numbers(20))
      expect(await from.ask({ cmd: 'send', to: bob, body: text })).toMatchObject({ ok: true });
    expect(residentMb(node.pid) - before).toBeLessThan(300);
    const [one] = slow;
    one?.socket.resume();
    for (let n = 0; n < 64; n += 1) expect(await one?.next()).toMatchObject({ ok: true, request: n, body });
  });

  it('that goes away with a message on its way has it again', async () => {
    const node = await made(join(directory(), 'data'));
    await node.start();
    const [from, slow] = [await line(node, ann), await line(node, bob)];
    slow.socket.pause();
    for (let n = 0; n < 64; n += 1) slow.say({ cmd: 'recv', wait_seconds: 100 });
    for (const text of numbers(40)) await from.ask({ cmd: 'send', to: bob, body: text });
    slow.close();
    const next = await line(node, bob);
    await next.ask({ cmd: 'requeue_inflight' });
    expect((await drained(next)).map(({ body }) => body)).toEqual(numbers(40));
  });
});

describe('two starts at once on one directory', { timeout: TEST_MS }, () => {
  it('are one node and one refusal, and nothing that was acknowledged is lost', async () => {
    const dataDir = join(directory(), 'data');
    mkdirSync(dataDir, { recursive: true });
    const [one, two] = [await made(dataDir), await made(dataDir)];
    Object.assign(two.options, { p2pPort: one.options.p2pPort });
    for (let round = 0; round < 3; round += 1) {
      const ends = await Promise.allSettled([one.start(), two.start()]);
      expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      const refused = ends.find((end) => end.status === 'rejected');
      expect(String(refused?.reason)).toMatch(/runs once|in use|EADDRINUSE|already/i);
      const up = one.isUp ? one : two;
      const from = await line(up, ann);
      expect(await from.ask({ cmd: 'send', to: bob, body: String(round) })).toMatchObject({ ok: true });
      await up.kill();
    }
    await one.start();
    expect((await drained(await line(one, bob))).map(({ body }) => body)).toEqual(numbers(3));
  });
});
