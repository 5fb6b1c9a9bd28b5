/** A door over a fake node, served over HTTP and the admin socket of a temporary directory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openDoor } from '#door/door.ts';
import type { Door } from '#door/door.ts';
import { startHttp } from '#door/http.ts';
import type { HttpDoor, HttpOptions } from '#door/http.ts';
import { startAdminSocket } from '#door/socket.ts';
import { matchRoute } from '#door/table.ts';
import { Tokens } from '#door/tokens.ts';
import { Webhooks } from '#door/webhook/webhooks.ts';
import { FakeNode, SELF } from './fake-node.ts';

export const TOKEN = 'skep_test_operator';

export type Served = {
  node: FakeNode;
  door: Door;
  http: HttpDoor;
  faults: unknown[];
  viewer: string;
  /** Fetches as the operator unless headers say otherwise. */
  fetch(path: string, init?: RequestInit & { token?: string | null }): Promise<Response>;
  /** JSON of a 2xx answer. */
  json(path: string, init?: RequestInit): Promise<unknown>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  connect(): Promise<LineClient>;
  close(): Promise<void>;
};

export async function serve(o: { node?: FakeNode; http?: Partial<HttpOptions> } = {}): Promise<Served> {
  const dir = await mkdtemp(join(tmpdir(), 'skep-door-'));
  const node = o.node ?? new FakeNode();
  await node.register(SELF, 'hive');
  const tokens = await Tokens.open({ dataDir: dir, now: node.now, environmentToken: TOKEN });
  const made = await tokens.create({ name: 'eyes', role: 'viewer' });
  if ('refused' in made) throw new Error(made.message);
  const faults: unknown[] = [];
  const door = openDoor({ node, tokens, now: node.now, onFault: (error) => faults.push(error) });
  const webhooks = new Webhooks({ door, path: join(dir, 'webhooks.json'), log: () => {}, pauseMsOf: () => 1 });
  door.webhooks.open = webhooks;
  const http = await startHttp({ door, port: 0, bind: '127.0.0.1', ...o.http });
  const path = join(dir, 'admin.sock');
  const socket = await startAdminSocket({ door, path });
  const request: Served['fetch'] = async (where, { token = TOKEN, ...init } = {}) => {
    const headers = new Headers(init.headers);
    if (token !== null && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
    const url = new URL(where, http.url);
    const answer = await fetch(url, { redirect: 'manual', ...init, headers });
    await expectAsDocumented(init.method ?? 'GET', url.pathname, answer);
    return answer;
  };
  return {
    node,
    door,
    http,
    faults,
    viewer: made.token,
    fetch: request,
    json: async (where, init) => {
      const answer = await request(where, init);
      if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    post: (where, body, headers = {}) =>
      request(where, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    connect: () => LineClient.connect(path),
    close: async () => {
      door.close();
      await Promise.all([http.close(), socket.close(), webhooks.close()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Every answer that a test gets is the one that its route's schema, and so the documentation, promises: no field more, no field less. */
async function expectAsDocumented(method: string, path: string, answer: Response): Promise<void> {
  const match = matchRoute(method, path);
  if (!answer.ok || match.kind !== 'route' || typeof match.route.answer === 'string') return;
  const json: unknown = await answer.clone().json();
  expect(match.route.answer.parse(json)).toEqual(json);
  expect(answer.status).toBe(match.route.status);
}

/** Speaks JSON lines: what it reads is kept until somebody waits for it. */
export class LineClient {
  readonly socket: Socket;
  private readonly lines: unknown[] = [];
  private wake: () => void = () => undefined;
  private text = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      const parts = `${this.text}${chunk}`.split('\n');
      this.text = parts.pop() ?? '';
      this.lines.push(...parts.map((line): unknown => JSON.parse(line)));
      this.wake();
    });
    socket.on('close', () => this.wake());
    socket.on('error', () => undefined);
  }

  static connect(path: string): Promise<LineClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path, () => resolve(new LineClient(socket)));
      socket.once('error', reject);
    });
  }

  send(...requests: unknown[]): void {
    this.socket.write(requests.map((one) => `${JSON.stringify(one)}\n`).join(''));
  }

  raw(text: string): void {
    this.socket.write(text);
  }

  /** The next line; rejects when the socket closes before one comes. */
  async next(): Promise<unknown> {
    while (this.lines.length === 0) {
      if (this.socket.destroyed) throw new Error('the socket is closed');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.lines.shift();
  }

  async take(count: number): Promise<unknown[]> {
    const taken: unknown[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  close(): void {
    this.socket.destroy();
  }
}
