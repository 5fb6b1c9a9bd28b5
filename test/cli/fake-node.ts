/** A node's doors without a node: routes of the test's own, over the admin socket and over HTTP. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { socketPath, stateDirOf } from '#socket-path.ts';

export type Seen = { method: string; path: string; query: Record<string, string>; body: unknown };
export type Reply = { status: number; body: unknown };
type Event = { event: string; data: unknown };

export class FakeNode {
  readonly seen: Seen[] = [];
  /** By `METHOD /path`. */
  readonly routes = new Map<string, Reply | ((request: Seen) => Reply)>();
  /** Sent to each stream that opens, at once. */
  readonly beginning: Event[] = [];
  token: string | undefined;
  /** By `METHOD /path`: what its stream says; then it stays open. */
  private readonly scripts = new Map<string, readonly Event[]>();
  private readonly streams = new Set<(event: Event) => void>();
  private readonly opened: (() => void)[] = [];
  private readonly closers: (() => Promise<void>)[] = [];
  cancelled = 0;

  on(route: string, body: unknown, status = 200): this {
    this.routes.set(route, { status, body });
    return this;
  }

  when(route: string, answer: (request: Seen) => Reply): this {
    this.routes.set(route, answer);
    return this;
  }

  streamsAt(route: string, events: readonly Event[]): this {
    this.scripts.set(route, events);
    return this;
  }

  /** To all streams. */
  tell(event: string, data: unknown): void {
    for (const send of this.streams) send({ event, data });
  }

  streamOpened(): Promise<void> {
    return this.streams.size > 0 ? Promise.resolve() : new Promise((resolve) => this.opened.push(resolve));
  }

  private answer(request: Seen): Reply {
    this.seen.push(request);
    const found = this.routes.get(`${request.method} ${request.path}`);
    if (found === undefined)
      return { status: 404, body: { error: 'Not found', code: 'not_found', expected: null, got: request.path } };
    return typeof found === 'function' ? found(request) : found;
  }

  private open(send: (event: Event) => void, events: readonly Event[] = this.beginning): () => void {
    for (const event of events) send(event);
    this.streams.add(send);
    for (const resolve of this.opened.splice(0)) resolve();
    return () => this.streams.delete(send);
  }

  async listenSocket(dataDir: string, p2pPort: number): Promise<string> {
    const path = socketPath(stateDirOf(dataDir, p2pPort), 'admin');
    mkdirSync(dirname(path), { recursive: true });
    mkdirSync(stateDirOf(dataDir, p2pPort), { recursive: true });
    const clients = new Set<Socket>();
    const server = createServer((socket) => {
      clients.add(socket);
      this.serve(socket);
    });
    server.listen(path);
    await once(server, 'listening');
    this.closers.push(async () => {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    });
    return path;
  }

  private serve(socket: Socket): void {
    const stops = new Map<number, () => void>();
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const { id, cancel, method, path, query, body } = JSON.parse(line);
        const send = (message: object): unknown => socket.write(`${JSON.stringify({ id, ...message })}\n`);
        if (cancel === true) {
          this.cancelled += 1;
          stops.get(id)?.();
        } else if (this.scripts.has(`${method} ${path}`)) {
          this.seen.push({ method, path, query, body });
          stops.set(id, this.open(send, this.scripts.get(`${method} ${path}`)));
        } else if (path === '/api/events' && !this.routes.has('GET /api/events')) {
          this.seen.push({ method, path, query, body });
          stops.set(id, this.open(send));
        } else send(this.answer({ method, path, query, body }));
      }
    });
  }

  async listenHttp(): Promise<string> {
    const server = createHttpServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      let text = '';
      request.setEncoding('utf8');
      request.on('data', (piece: string) => (text += piece));
      request.on('end', () => {
        const seen = {
          method: request.method ?? '',
          path: url.pathname,
          query: Object.fromEntries(url.searchParams),
          body: text === '' ? undefined : JSON.parse(text),
        };
        if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
          response
            .writeHead(401)
            .end(JSON.stringify({ error: 'a token is needed', code: 'unauthorised', expected: null, got: null }));
        } else if (url.pathname === '/api/events' || this.scripts.has(`${seen.method} ${url.pathname}`)) {
          this.seen.push(seen);
          response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
          const stop = this.open(
            ({ event, data }) => response.write(`id: x:1\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
            this.scripts.get(`${seen.method} ${url.pathname}`),
          );
          response.on('close', stop);
        } else {
          const { status, body } = this.answer(seen);
          response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.closers.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    const address: AddressInfo | string | null = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  async close(): Promise<void> {
    for (const close of this.closers.splice(0)) await close();
  }
}

const AUTHOR = 'a'.repeat(32);
export const TASK_ID = `${AUTHOR}-7`;

export const taskJson = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: TASK_ID,
  title: 'Greet',
  description: 'echo hello',
  status: 'pending',
  priority: 0,
  required_capabilities: ['shell'],
  created_by: AUTHOR,
  assigned_to: null,
  assigned_node: null,
  result: null,
  error: null,
  progress: null,
  project: null,
  created_at: '2026-11-20T11:59:00Z',
  updated_at: '2026-11-20T11:59:00Z',
  claimed_at: null,
  completed_at: null,
  home: AUTHOR,
  voters: [AUTHOR],
  attempt: 0,
  attempts_max: 3,
  reason: null,
  pending_reason: null,
  work: null,
  lamport_ts: 7,
  ...fields,
});

export const completedTask = (fields: Record<string, unknown> = {}): Record<string, unknown> =>
  taskJson({
    status: 'completed',
    attempt: 1,
    claimed_at: '2026-11-20T11:59:01Z',
    completed_at: '2026-11-20T11:59:04Z',
    ...fields,
  });

export const WORK = {
  branch: `skep/${TASK_ID}/1`,
  base: 'b'.repeat(40),
  head: 'c'.repeat(40),
  commits: 1,
  size_bytes: 200,
};
