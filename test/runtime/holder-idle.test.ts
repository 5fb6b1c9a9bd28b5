/** When a holder ends by itself. In this process, so that its time is ours. */
import { mkdirSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Holder } from '#runtime/holder.ts';
import { prepareDirectory, readToken } from '#runtime/layout.ts';
import { script, soon } from '../contract/runtime.ts';
import { temporaryDirectories } from './temporary.ts';

const makeDirectory = temporaryDirectories();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Said = { t: string; [key: string]: unknown };

/** A holder that listens, and a node that speaks its protocol by hand. The holder's own time begins with `begin`. */
async function makeHolder(): Promise<{
  holder: Holder;
  idle: Promise<void>;
  isIdle: () => boolean;
  node: () => Promise<Node>;
}> {
  const directory = prepareDirectory(join(makeDirectory(), 'runtime'));
  mkdirSync(join(directory, 'forgotten', 'rest'), { recursive: true });
  const token = readToken(directory);
  const idle = Promise.withResolvers<void>();
  let isIdle = false;
  const end = (): void => {
    isIdle = true;
    idle.resolve();
  };
  const holder = new Holder({ directory, token, nowMs: () => 0, idleMs: 1, idle: end });
  const server = createServer((socket) => holder.accept(socket));
  const path = join(directory, 'test.sock');
  server.listen(path);
  await once(server, 'listening');
  closers.push(() => server.close());
  return { holder, idle: idle.promise, isIdle: () => isIdle, node: () => dial(path, token) };
}

type Node = { socket: Socket; say: (message: object) => void; next: (t: string) => Promise<Said> };

async function dial(path: string, token: string): Promise<Node> {
  const socket = connect(path);
  const heard: Said[] = [];
  let held = '';
  socket.on('data', (chunk: Buffer) => {
    const lines = `${held}${chunk.toString()}`.split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) heard.push(JSON.parse(line));
    socket.emit('heard');
  });
  const say = (message: object): void => void socket.write(`${JSON.stringify(message)}\n`);
  const next = async (t: string): Promise<Said> => {
    for (;;) {
      const at = heard.findIndex((one) => one.t === t);
      const [found] = at === -1 ? [] : heard.splice(at, 1);
      if (found !== undefined) return found;
      await soon(t, once(socket, 'heard'));
    }
  };
  say({ t: 'hello', token, version: 1 });
  await next('welcome');
  return { socket, say, next };
}

describe('a holder', () => {
  it('ends when nobody came', async () => {
    const { holder, idle, isIdle } = await makeHolder();
    holder.begin();
    await soon('the idle end', idle);
    expect(isIdle()).toBe(true);
  });

  it('stays while a node is connected or a process runs, and ends after both', async () => {
    const { holder, idle, isIdle, node } = await makeHolder();
    const first = await node();
    holder.begin();
    const spec = script('read -r line');
    first.say({ t: 'start', request: 1, spec });
    expect(await first.next('answer')).toMatchObject({ request: 1, running: true });
    first.socket.destroy();
    const second = await node();
    second.say({ t: 'ask', request: 2, id: spec.id });
    expect(await second.next('answer')).toMatchObject({ request: 2, running: true });
    second.say({ t: 'kill', request: 3, id: spec.id, graceMs: 1000 });
    await second.next('answer');
    expect(await second.next('ended')).toMatchObject({ id: spec.id, exit: { signal: 'SIGTERM' } });
    // So many questions and answers take far longer than its patience.
    for (let request = 4; request < 104; request += 1) {
      second.say({ t: 'list', request });
      expect(await second.next('answer')).toMatchObject({ request, ids: [] });
    }
    expect(isIdle()).toBe(false);
    second.socket.end();
    await soon('the idle end', idle);
  });

  it('rings once for much output, and hangs up on what is no message', async () => {
    const { node } = await makeHolder();
    const one = await node();
    const spec = script('seq 1 1000; read -r line');
    one.say({ t: 'start', request: 1, spec });
    expect(await one.next('outbox')).toEqual({ t: 'outbox', ids: [spec.id] });
    one.say({ t: 'kill', request: 2, id: spec.id, graceMs: 1000 });
    await one.next('ended');
    one.say({ t: 'start', request: 3, spec: { id: 'x' } });
    await soon('the end of the connection', once(one.socket, 'close'));
  });

  it('starts nothing any more once it is told to stop', async () => {
    const { idle, node } = await makeHolder();
    const one = await node();
    one.say({ t: 'start', request: 1, spec: script('trap "" TERM; echo ready; while :; do sleep 0.05; done') });
    await one.next('outbox');
    one.say({ t: 'stop', request: 2, graceMs: 50 });
    one.say({ t: 'start', request: 3, spec: script('true') });
    const answers = [await one.next('answer'), await one.next('answer'), await one.next('answer')];
    expect(answers.map((answer) => answer['request'])).toEqual([1, 3, 2]);
    expect(answers[1]).toMatchObject({ refused: { code: 'holder_unavailable' } });
    await soon('the end', idle);
  });
});
