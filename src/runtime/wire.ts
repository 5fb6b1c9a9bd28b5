/**
 * What a node and its holder say to each other: JSON lines over the holder's unix socket. A holder outlives upgrades of the node, so a node speaks
 * every version whose holders may still run; version 1 is the only one.
 *
 *     → {"t":"hello","token":"5f0c…","version":1}
 *     ← {"t":"welcome","version":1,"pid":4711}
 *     → {"t":"start","request":1,"spec":{"id":"…-17.1","argv":["sh","-c","true"],"cwd":"/","env":{},"outboxMaxBytes":8388608}}
 *     ← {"t":"answer","request":1,"running":true}
 *     → {"t":"ask","request":2,"id":"…-17.1"}
 *     ← {"t":"answer","request":2,"running":false,"exit":{"code":0,"signal":null,"error":null}}
 *     → {"t":"kill","request":3,"id":"…-17.1","graceMs":5000}
 *     ← {"t":"answer","request":3,"running":true}
 *     → {"t":"list","request":4}
 *     ← {"t":"answer","request":4,"running":true,"ids":["…-18.1"]}
 *     → {"t":"stop","request":5,"graceMs":5000}
 *     ← {"t":"answer","request":5,"refused":{"code":"bad_request","message":"…"}}
 *     → {"t":"inbox","id":"…-17.1"}
 *     ← {"t":"outbox","ids":["…-17.1"]}
 *     ← {"t":"ended","id":"…-17.1","exit":{"code":0,"signal":null,"error":null}}
 */
import type { Socket } from 'node:net';
import type { Exit, ProcSpec } from '#ports.ts';
import { legalProcId } from './layout.ts';
import { isObject, JsonLines } from './json-lines.ts';
import { exitOf } from './outbox.ts';

export const WIRE_VERSION = 1;

/** To the holder. `inbox` is the doorbell: a line stands in the inbox. */
export type ToHolder =
  | { t: 'hello'; token: string; version: number }
  | { t: 'start'; request: number; spec: ProcSpec }
  | { t: 'ask'; request: number; id: string }
  | { t: 'kill'; request: number; id: string; graceMs: number }
  | { t: 'list'; request: number }
  | { t: 'stop'; request: number; graceMs: number }
  | { t: 'inbox'; id: string };

export type Refused = { code: string; message: string };

export type Answer = {
  t: 'answer';
  request: number;
  running?: boolean;
  exit?: Exit;
  ids?: string[];
  refused?: Refused;
};

/** From the holder. `outbox` is the doorbell; without ids it rings for all of them, after a time in which the node did not read. */
export type FromHolder =
  | { t: 'welcome'; version: number; pid: number }
  | Answer
  | { t: 'outbox'; ids?: string[] }
  | { t: 'ended'; id: string; exit: Exit };

/** One end of the socket. A line that is no message, or too long, ends the connection: both ends are ours, so it is a stranger or a bug. */
export class WireSocket {
  readonly socket: Socket;

  constructor(socket: Socket, o: { take: (value: unknown) => boolean; closed: () => void }) {
    this.socket = socket;
    const lines = new JsonLines();
    socket.on('data', (chunk) => {
      for (const line of lines.feed(Buffer.from(chunk))) {
        if (socket.destroyed) return;
        if (line.kind === 'fault' || !o.take(line.value)) socket.destroy();
      }
    });
    // Errors of a local socket say only that the other side is gone; 'close' follows and is what counts.
    socket.on('error', () => {});
    socket.on('close', o.closed);
  }

  send(message: ToHolder | FromHolder): void {
    if (!this.socket.destroyed) this.socket.write(`${JSON.stringify(message)}\n`);
  }
}

/** Undefined for what is no message to a holder. */
export function toHolderOf(value: unknown): ToHolder | undefined {
  if (!isObject(value)) return undefined;
  const { t, request, id, graceMs, token, version } = value;
  if (t === 'hello' && typeof token === 'string' && typeof version === 'number') return { t, token, version };
  if (t === 'inbox' && typeof id === 'string') return { t, id };
  if (typeof request !== 'number') return undefined;
  if (t === 'list') return { t, request };
  if (t === 'ask' && typeof id === 'string') return { t, request, id };
  if (t === 'stop' && typeof graceMs === 'number') return { t, request, graceMs };
  if (t === 'kill' && typeof id === 'string' && typeof graceMs === 'number') return { t, request, id, graceMs };
  const spec = t === 'start' ? procSpecOf(value['spec']) : undefined;
  return spec === undefined ? undefined : { t: 'start', request, spec };
}

function procSpecOf(value: unknown): ProcSpec | undefined {
  if (!isObject(value)) return undefined;
  const { id, argv, cwd, env, outboxMaxBytes } = value;
  const procId = typeof id === 'string' ? legalProcId(id) : undefined;
  if (procId === undefined || typeof cwd !== 'string' || typeof outboxMaxBytes !== 'number') return undefined;
  if (!Array.isArray(argv) || !isObject(env)) return undefined;
  const [program, ...rest] = argv.filter((one) => typeof one === 'string');
  if (program === undefined || rest.length !== argv.length - 1) return undefined;
  const environment: Record<string, string> = {};
  for (const [name, text] of Object.entries(env)) {
    if (typeof text !== 'string') return undefined;
    environment[name] = text;
  }
  return { id: procId, argv: [program, ...rest], cwd, env: environment, outboxMaxBytes };
}

/** Undefined for what is no message of a holder. */
export function fromHolderOf(value: unknown): FromHolder | undefined {
  if (!isObject(value)) return undefined;
  const { t, version, pid, id, ids, request, running, refused } = value;
  const names = Array.isArray(ids) ? { ids: ids.filter((one) => typeof one === 'string') } : {};
  const exit = exitOf(value['exit']);
  if (t === 'welcome' && typeof version === 'number' && typeof pid === 'number') return { t, version, pid };
  if (t === 'outbox') return { t, ...names };
  if (t === 'ended' && typeof id === 'string' && exit !== undefined) return { t, id, exit };
  if (t !== 'answer' || typeof request !== 'number') return undefined;
  const answer: Answer = { t, request, ...names };
  if (typeof running === 'boolean') answer.running = running;
  if (exit !== undefined) answer.exit = exit;
  if (isObject(refused) && typeof refused['code'] === 'string' && typeof refused['message'] === 'string') {
    answer.refused = { code: refused['code'], message: refused['message'] };
  }
  return answer;
}
