/**
 * The host's socket in the words of hyperhive: one JSON object a line, and one answer a line, in order.
 *
 *     {"cmd":"spawn","name":"alice"}                  →  {"ok":true,"agent":{…}}
 *     {"cmd":"kill","name":"alice"}                   →  {"ok":true,"agent":{…}}
 *     {"cmd":"rebuild","name":"alice"}                →  {"ok":true,"agent":{…}}
 *     {"cmd":"destroy","name":"alice","purge":true}   →  {"ok":true,"name":"alice","purged":true}
 *     {"cmd":"list"}                                  →  {"ok":true,"agents":[…]}
 *     {"cmd":"fly"}                                   →  {"ok":false,"error":"…"}
 *
 * Other fields of a `spawn` or a `rebuild` are those of the same request over HTTP. Whoever may open the socket is an operator.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { SHELL } from '#core/task/fit.ts';
import type { DoorCaller } from './caller.ts';
import type { Door } from './door.ts';
import { LineCutter } from './lines.ts';
import { refusalAnswer } from './route.ts';
import type { Answer } from './route.ts';
import { callRoute } from './route.ts';
import { noRoute } from './refusal.ts';
import { matchRoute } from './table.ts';

/** A declaration with all its mounts. */
const LINE_MAX_BYTES = 256 * 1024;
/** Command lines and scripts of one machine. */
const CLIENTS_MAX = 64;
/** Commands of one client that wait for the one before them. */
const WAITING_MAX = 64;

const named = z.looseObject({ name: z.string().min(1).max(64) });
const commandSchema = z.discriminatedUnion('cmd', [
  named.extend({ cmd: z.literal('spawn') }),
  named.extend({ cmd: z.literal('kill') }),
  named.extend({ cmd: z.literal('rebuild') }),
  named.extend({ cmd: z.literal('destroy'), purge: z.boolean().default(false) }),
  z.looseObject({ cmd: z.literal('list') }),
]);
type Command = z.output<typeof commandSchema>;
type Request = { method: 'GET' | 'POST' | 'DELETE'; path: string; query?: object; body?: object };

/** Listens at `path`, in the place of whatever an earlier node left there. */
export async function startHiveSocket(o: {
  door: Door;
  path: string;
  caller: DoorCaller;
}): Promise<{ close(): Promise<void> }> {
  await rm(o.path, { force: true });
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    serve(socket, o);
  });
  server.maxConnections = CLIENTS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.path, () => {
      server.off('error', reject);
      server.on('error', (error) => o.door.onFault(error, `the socket ${o.path}`));
      resolve();
    });
  });
  await chmod(o.path, 0o660);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of clients) socket.destroy();
    }));
  return { close };
}

function serve(socket: Socket, o: { door: Door; caller: DoorCaller }): void {
  const cutter = new LineCutter(LINE_MAX_BYTES);
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  socket.on('error', () => socket.destroy());
  // A client that sends no more still gets its answers.
  socket.on('end', () => void last.then(() => socket.end()));
  socket.on('data', (chunk: Buffer) => {
    for (const line of cutter.cut(chunk)) {
      waiting += 1;
      if (waiting > WAITING_MAX) return void socket.destroy();
      last = last.then(async () => {
        const answer =
          line.kind === 'long' ? failed(`a line has at most ${LINE_MAX_BYTES} bytes`) : await carryOut(line.text, o);
        waiting -= 1;
        if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
      });
    }
  });
}

/** Never rejects: a route answers also when its handler throws. */
async function carryOut(text: string, { door, caller }: { door: Door; caller: DoorCaller }): Promise<object> {
  const command = commandOf(text);
  if (command === undefined)
    return failed('no such command: expected cmd spawn, kill, rebuild, destroy (with a name), or list');
  const { method, path, query, body } = requestOf(command);
  const match = matchRoute(method, path);
  const given = body === undefined ? { kind: 'none' as const } : { kind: 'json' as const, value: body };
  const request = { params: {}, query: query ?? {}, body: given, idempotencyKey: undefined, lastEventId: undefined };
  const answer =
    match.kind === 'route'
      ? await callRoute(match.route, { ...request, params: match.params }, caller, door)
      : refusalAnswer(noRoute(path));
  return told(command, answer);
}

function commandOf(text: string): Command | undefined {
  try {
    return commandSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** An agent of hyperhive is woken by its messages; a script is not. */
const turnsByDefault = (more: Record<string, unknown>): object => (more['tool'] === SHELL ? {} : { turns: 'on' });

function requestOf(command: Command): Request {
  if (command.cmd === 'list') return { method: 'GET', path: '/api/boxes' };
  const { cmd, name, ...more } = command;
  const path = `/api/boxes/${encodeURIComponent(name)}`;
  if (cmd === 'spawn') return { method: 'POST', path: '/api/boxes', body: { name, ...turnsByDefault(more), ...more } };
  if (cmd === 'destroy') return { method: 'DELETE', path, query: { purge: String(command.purge) } };
  return { method: 'POST', path: `${path}/${cmd}`, ...(cmd === 'rebuild' ? { body: more } : {}) };
}

const refusalSchema = z.object({ error: z.string(), expected: z.string().optional() });

function told(command: Command, answer: Answer): object {
  if (answer.kind !== 'json') return failed('the node has no answer to that');
  if (answer.status >= 300) {
    const refused = refusalSchema.safeParse(answer.body).data;
    return failed([refused?.error ?? 'the node refused', refused?.expected].filter(Boolean).join('; expected: '));
  }
  if (command.cmd === 'list') return { ok: true, agents: answer.body };
  if (command.cmd === 'destroy')
    return { ok: true, ...z.object({ name: z.string(), purged: z.boolean() }).parse(answer.body) };
  return { ok: true, agent: answer.body };
}

const failed = (error: string): { ok: false; error: string } => ({ ok: false, error });
