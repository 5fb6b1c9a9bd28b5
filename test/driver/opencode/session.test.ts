/** A session at a small server that answers as OpenCode does, where the real one is too quick or too slow to be caught. */
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OpenCodeApi } from '#driver/opencode/api.ts';
import { ServerProcess } from '#driver/opencode/process.ts';
import { sessionRecordSchema } from '#driver/opencode/session-record.ts';
import type { Running } from '#driver/opencode/server.ts';
import { OpenCodeSession, type OpenCodeSessionOptions } from '#driver/opencode/session.ts';
import { RecordFiles } from '#driver/record-files.ts';
import type { Runtime } from '#ports.ts';
import { Events, PLAIN } from '../../contract/driver.ts';
import { freshId, script } from '../../contract/runtime.ts';
import type { LocalHome } from '../../runtime/local-home.ts';
import { makeLocalHome } from '../../runtime/local-home.ts';

/** How long the server thinks about a prompt after its stream of events broke: long enough for the session to come back and look. */
const THINKS_MS = 1_500;
const SESSION = 'ses_1';
const PROMPT = 'Do it.';
const EVENTS = [
  { type: 'session.status', properties: { sessionID: SESSION, status: { type: 'busy' } } },
  { type: 'session.idle', properties: { sessionID: SESSION } },
];

let dir: string;
let server: Server | undefined;
let home: LocalHome;
let runtime: Runtime;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skep-opencode-'));
  home = makeLocalHome();
  runtime = home.open();
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await home.remove();
  rmSync(dir, { recursive: true, force: true });
});

async function listening(made: Server): Promise<string> {
  server = made;
  await new Promise<void>((resolve) => void made.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = made.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

async function runningAt(url: string): Promise<Running> {
  const proc = await runtime.start(script('sleep 600'));
  return { api: new OpenCodeApi({ url, password: 'x' }), process: new ServerProcess(proc) };
}

function opened(servers: Pick<OpenCodeSessionOptions, 'acquire' | 'release'>): OpenCodeSession {
  return new OpenCodeSession({
    spec: { ...PLAIN, procId: freshId(), cwd: dir, env: {} },
    asks: [],
    records: new RecordFiles(join(dir, 'turns'), sessionRecordSchema),
    ...servers,
    nowMs: Date.now,
  });
}

/** Its first stream breaks when the prompt comes. It answers that at once, or only when it takes it up. */
function breaking({ isQuick }: { isQuick: boolean }): Server {
  const streams: ServerResponse[] = [];
  let isAsked = false;
  return createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const answer = (value: unknown): void => void response.end(JSON.stringify(value));
    if (path === '/event') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      streams.push(response);
    } else if (path === '/session') answer({ id: SESSION });
    else if (path.endsWith('/prompt_async')) {
      streams[0]?.destroy();
      if (isQuick) response.writeHead(204).end();
      void sleep(THINKS_MS).then(() => {
        isAsked = true;
        if (!isQuick) response.writeHead(204).end();
        for (const event of EVENTS) streams.at(-1)?.write(`data: ${JSON.stringify(event)}\n\n`);
      });
    } else if (path.endsWith('/message'))
      answer(
        isAsked
          ? [{ info: { id: 'm', role: 'user' }, parts: [{ id: 'p', messageID: 'm', type: 'text', text: PROMPT }] }]
          : [],
      );
    else answer(path === '/permission' ? [] : isAsked ? { [SESSION]: { type: 'busy' } } : {});
  });
}

it.each([
  ['is on its way', false],
  ['is about to be taken up', true],
])(
  'goes on where its events break while its prompt %s: it is no turn that was never asked for',
  async (_when, isQuick) => {
    const running = await runningAt(await listening(breaking({ isQuick })));
    const session = opened({ acquire: async () => running, release: async () => {} });
    const events = new Events(session);
    await session.prompt(PROMPT);
    expect(await events.ended()).toMatchObject({ outcome: 'completed' });
    await session.close();
  },
);

/** It asks for leave as soon as it is prompted, and answers each reply with that status. */
function asking({ status, calls }: { status: number; calls: string[] }): Server {
  const streams: ServerResponse[] = [];
  return createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    calls.push(path);
    if (path === '/event') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      streams.push(response);
    } else if (path.endsWith('/prompt_async')) {
      response.writeHead(204).end();
      const asked = { type: 'permission.asked', properties: { sessionID: SESSION } };
      streams.at(-1)?.write(`data: ${JSON.stringify(asked)}\n\n`);
    } else if (path.endsWith('/reply')) {
      response.writeHead(status).end('{}');
      if (status === 404) for (const event of EVENTS) streams.at(-1)?.write(`data: ${JSON.stringify(event)}\n\n`);
    } else if (path === '/permission')
      response.end(JSON.stringify([{ id: 'per_1', sessionID: SESSION, permission: 'bash' }]));
    else response.end(JSON.stringify({ id: SESSION }));
  });
}

it.each([
  [
    'fails the turn, which would wait for ever, where its server does not take an answer',
    500,
    3,
    'failed',
    'status 500',
  ],
  ['leaves what is not asked any more', 404, 1, 'completed', ''],
] as const)('%s', async (_what, status, replies, outcome, text) => {
  const calls: string[] = [];
  const running = await runningAt(await listening(asking({ status, calls })));
  const session = opened({ acquire: async () => running, release: async () => {} });
  const events = new Events(session);
  await session.prompt(PROMPT);
  await events.until('a permission', (one) => one.kind === 'permission');
  await session.answer('per_1', { behavior: 'allow', message: '' });
  expect(await events.ended()).toMatchObject({ outcome, text: expect.stringContaining(text) });
  expect(calls.filter((path) => path.endsWith('/reply'))).toHaveLength(replies);
  expect(calls.some((path) => path.endsWith('/abort'))).toBe(outcome === 'failed');
  await session.close();
});

it('asks for a server once more where the first one is going, and says so where the second one is, too', async () => {
  const url = await listening(createServer());
  server?.close();
  const going = await Promise.all([runningAt(url), runningAt(url)]);
  const held = new Set<Running>();
  const servers = [...going];
  const session = opened({
    acquire: async () => {
      const next = servers.shift();
      if (next === undefined) throw new Error('asked for a third time');
      held.add(next);
      return next;
    },
    release: async (one) => void held.delete(one),
  });
  const asked = session.prompt(PROMPT);
  for (const one of going) await one.process.proc.kill(0);
  await expect(asked).rejects.toMatchObject({ code: 'not_started' });
  expect([servers, held.size]).toEqual([[], 0]);
  server = breaking({ isQuick: true });
  servers.push(await runningAt(url), await runningAt(await listening(server)));
  await servers[0]?.process.proc.kill(0);
  const events = new Events(session);
  await session.prompt(PROMPT);
  expect(await events.ended()).toMatchObject({ outcome: 'completed' });
  await session.close();
  expect(held.size).toBe(0);
});
