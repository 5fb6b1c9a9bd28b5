/**
 * The socket at which the agent's tools ask, on this very node: a compute node reaches no node of the swarm. What is asked goes to the outbox, and the
 * answer comes by the inbox, from whoever follows the mailbox. One JSON line a request, one a response, as at the socket of a node.
 *
 *     → {"id":1,"token":"…","method":"POST","path":"/api/tools/task_complete","body":{"summary":"Done."}}
 *     ← {"id":1,"status":200,"body":{"text":"Noted."}}
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { ToolServer } from '#agent-ports.ts';
import { JsonLines } from '#runtime/json-lines.ts';
import type { ToolResult } from '../record.ts';

/** A model asks for a few at once; a program that asks for more than this is broken. */
const WAITING_MAX = 64;
const SKEP = fileURLToPath(new URL('../../../bin/skep.mjs', import.meta.url));

const request = z.object({
  id: z.number(),
  token: z.string().optional(),
  method: z.literal('POST'),
  // Its tools, and nothing else of a node.
  path: z.string().regex(/^\/api\/tools\/[a-z_]{1,64}$/),
  body: z.unknown(),
});
type Asked = { call: string; method: string; path: string; body: unknown; token?: string };
/** How the secrets of attempts of the swarm begin: their node knows them, and this worker does not. */
const ATTEMPT = 'skep_attempt_';

export class ToolSocket {
  /** What the agent's tool is told of it. */
  readonly server: ToolServer;
  /** How the tool of any other agent on this node reaches it. */
  readonly reach: { command: [string, ...string[]]; socket: string };
  readonly #server: Server;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #clients = new Set<Socket>();
  readonly #waiting = new Map<string, (result: Pick<ToolResult, 'status' | 'body'>) => void>();
  readonly #ask: (asked: Asked) => void;
  readonly #prefix: string;
  #calls = 0;

  /** `prefix`: of the names of its calls, no other worker's. Rejects where the system refuses the socket. */
  static async open(o: { path: string; prefix: string; ask: (asked: Asked) => void }): Promise<ToolSocket> {
    rmSync(o.path, { force: true });
    const socket = new ToolSocket(o);
    socket.#server.listen(o.path);
    await once(socket.#server, 'listening');
    return socket;
  }

  private constructor(o: { path: string; prefix: string; ask: (asked: Asked) => void }) {
    this.#ask = o.ask;
    this.#prefix = o.prefix;
    this.#server = createServer((client) => this.#take(client));
    this.reach = { command: [process.execPath, SKEP, 'mcp'], socket: o.path };
    this.server = {
      name: 'skep',
      command: [process.execPath, SKEP, 'mcp'],
      env: { SKEP_MCP_TOKEN: this.#token, SKEP_MCP_SOCKET: o.path },
    };
  }

  /** False where nobody waits for it any more. */
  answer({ call, status, body }: ToolResult): boolean {
    const settle = this.#waiting.get(call);
    settle?.({ status, body });
    return settle !== undefined;
  }

  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
  }

  #take(client: Socket): void {
    const lines = new JsonLines();
    const calls = new Set<string>();
    this.#clients.add(client);
    client.on('close', () => {
      this.#clients.delete(client);
      for (const call of calls) this.#waiting.delete(call);
    });
    client.on('error', () => client.destroy());
    client.on('data', (bytes) => {
      for (const line of lines.feed(bytes)) {
        if (line.kind === 'record') this.#carry(line.value, { client, calls });
        else client.destroy();
      }
    });
  }

  #carry(value: unknown, { client, calls }: { client: Socket; calls: Set<string> }): void {
    const id = z.looseObject({ id: z.number() }).safeParse(value).data?.id ?? null;
    const reply = (o: { status: number; body: unknown }): void =>
      void client.write(`${JSON.stringify({ id, ...o })}\n`);
    const refuse = (status: number, message: string): void => reply({ status, body: { error: { message } } });
    const { success, data } = request.safeParse(value);
    if (!success) return refuse(400, 'expected the call of a tool');
    const isOfAttempt = data.token?.startsWith(ATTEMPT) === true;
    if (!isOfAttempt && !this.#isOurs(data.token)) return refuse(401, 'expected the token of this agent');
    if (this.#waiting.size >= WAITING_MAX) return refuse(429, `${WAITING_MAX} calls wait for their answers`);
    this.#calls += 1;
    const call = `${this.#prefix}-${this.#calls}`;
    const settle = (o: { status: number; body: unknown }): void => {
      this.#waiting.delete(call);
      calls.delete(call);
      reply(o);
    };
    this.#waiting.set(call, settle);
    calls.add(call);
    const { method, path, body, token } = data;
    this.#ask({ call, method, path, body, ...(isOfAttempt && token !== undefined ? { token } : {}) });
  }

  #isOurs(token: string | undefined): boolean {
    const [own, given] = [Buffer.from(this.#token), Buffer.from(token ?? '')];
    return own.length === given.length && timingSafeEqual(own, given);
  }
}
