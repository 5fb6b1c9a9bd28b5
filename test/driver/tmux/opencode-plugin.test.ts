/** The plugin in OpenCode's place: what it tells is told in order, and a node that is away, mute or says nonsense holds nothing up. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';

const lineSchema = z.object({
  id: z.number(),
  token: z.literal('skep_hook_x'),
  body: z.object({ request: z.string().optional(), hook: z.looseObject({ hook_event_name: z.string() }) }),
});
/** It tries again each second, and waits two for an answer. */
const TEST_MS = 60_000;

type Line = z.output<typeof lineSchema>;

type Plugin = (
  input: unknown,
  options: unknown,
) => Promise<{ event?: (o: unknown) => Promise<void>; 'chat.message'?: (i: unknown, o: unknown) => Promise<void> }>;
const FILE = pathToFileURL(join(import.meta.dirname, '../../../bin/opencode-plugin.mjs')).href;
const { skep }: { skep: Plugin } = await import(FILE);

let dir: string;
let server: Server | undefined;
let replies: unknown[];
const sockets = new Set<Socket>();
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skep-oc-'));
  replies = [];
  writeFileSync(join(dir, 'a.json'), JSON.stringify({ token: 'skep_hook_x', socket: join(dir, 's') }));
});
afterEach(async () => {
  await close();
  rmSync(dir, { recursive: true, force: true });
});

async function close(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  const closing = server;
  server = undefined;
  if (closing !== undefined) await new Promise((resolve) => closing.close(resolve));
}

/** A node in its place. Resolves, when it listens, with what waits for so many lines. */
async function node(answer: (line: Line) => unknown): Promise<(count: number) => Promise<Line[]>> {
  const lines: Line[] = [];
  let heard = (): void => {};
  const made = createServer((socket) => {
    sockets.add(socket);
    let rest = '';
    socket.setEncoding('utf8').on('error', () => {});
    socket.on('data', (text) => {
      const whole = (rest + String(text)).split('\n');
      rest = whole.pop() ?? '';
      for (const one of whole) {
        const line = lineSchema.parse(JSON.parse(one));
        lines.push(line);
        const body = answer(line);
        if (body !== undefined) socket.write(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`);
        heard();
      }
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(join(dir, 's'), resolve));
  return (count) =>
    new Promise((resolve) => {
      heard = () => lines.length >= count && resolve(lines);
      heard();
    });
}

const ok = ({ id }: Line): unknown => ({ id, status: 200, body: { decision: null } });
const names = (lines: readonly Line[]): string[] => lines.map(({ body }) => body.hook.hook_event_name);

const client = { _client: { post: async (o: unknown) => void replies.push(o) } };
const load = (options: unknown = { secret: join(dir, 'a.json'), holds: true }) =>
  skep({ client, directory: '/place' }, options);
const busy = { event: { type: 'session.status', properties: { sessionID: 'ses_a', status: { type: 'busy' } } } };
const asks = {
  event: {
    type: 'permission.asked',
    properties: { id: 'per_1', sessionID: 'ses_a', permission: 'bash', patterns: ['ls'], metadata: { command: 'ls' } },
  },
};

it('tells in order what happened while the node was away, once it is there', { timeout: TEST_MS }, async () => {
  const hooks = await load();
  await hooks['chat.message']?.({ sessionID: 'ses_a' }, { parts: [{ type: 'text', text: 'do it' }] });
  await hooks.event?.(busy);
  const heard = await node(ok);
  const lines = await heard(3);
  expect(names(lines)).toEqual(['SessionStart', 'UserPromptSubmit', 'Busy']);
  expect(lines[1]?.body.hook).toMatchObject({ prompt: 'do it', session_id: 'ses_a', cwd: '/place' });
});

it('goes on where the node takes lines and is mute, or answers nonsense', { timeout: TEST_MS }, async () => {
  const hooks = await load();
  const heard = await node(({ id }) => (id === 1 ? undefined : 'nonsense\n'));
  await hooks.event?.(busy);
  await hooks.event?.(asks);
  expect(names(await heard(3))).toEqual(['SessionStart', 'Busy', 'PermissionRequest']);
});

it('brings an answer to OpenCode, and asks again when the node was away meanwhile', { timeout: TEST_MS }, async () => {
  const hooks = await load();
  const first = await node((line) => (line.body.request === undefined ? ok(line) : undefined));
  await hooks.event?.(asks);
  expect((await first(2))[1]?.body).toMatchObject({ request: 'per_1', hook: { tool_input: { patterns: ['ls'] } } });
  await close();
  const decision = { behavior: 'deny', message: 'not today' };
  const second = await node(({ id }) => ({ id, status: 200, body: { decision } }));
  expect((await second(1))[0]?.body.request).toBe('per_1');
  await expect.poll(() => replies.length, { timeout: 60_000 }).toBe(1);
  expect(replies).toMatchObject([{ url: '/permission/per_1/reply', body: { reply: 'reject', message: 'not today' } }]);
});

it('leaves alone what it is given no secret for, and what it cannot read', { timeout: TEST_MS }, async () => {
  expect(await skep({}, undefined)).toEqual({});
  expect(await load({})).toEqual({});
  const hooks = await load({ secret: join(dir, 'none.json') });
  await hooks.event?.({ event: { type: 'message.updated' } });
  await hooks.event?.({});
  await hooks.event?.(busy);
});
