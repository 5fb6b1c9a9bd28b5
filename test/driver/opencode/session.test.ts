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
import { OpenCodeSession } from '#driver/opencode/session.ts';
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
let server: Server;
let home: LocalHome;
let runtime: Runtime;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skep-opencode-'));
  home = makeLocalHome();
  runtime = home.open();
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await home.remove();
  rmSync(dir, { recursive: true, force: true });
});

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
    server = breaking({ isQuick });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address: AddressInfo | string | null = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const proc = await runtime.start(script('sleep 600'));
    const running = {
      api: new OpenCodeApi({ url: `http://127.0.0.1:${port}`, password: 'x' }),
      process: new ServerProcess(proc),
    };
    const session = new OpenCodeSession({
      spec: { ...PLAIN, procId: freshId(), cwd: dir, env: {} },
      asks: [],
      records: new RecordFiles(join(dir, 'turns'), sessionRecordSchema),
      acquire: async () => running,
      release: async () => {},
      nowMs: Date.now,
    });
    const events = new Events(session);
    await session.prompt(PROMPT);
    expect(await events.ended()).toMatchObject({ outcome: 'completed' });
    await session.close();
  },
);
