/** The socket of one agent: whoever holds it is that agent. No token, and no word in a request, says who speaks. */
import { chmod } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import type { OpId } from '#core/brand.ts';
import type { Door } from '../door.ts';
import type { Kept } from '../socket-server.ts';
import { clearSocket, closeServer, keepBound, openServer } from '../socket-server.ts';
import { AgentClient } from './client.ts';

/** Connections of one agent: its harness, its tool server and some commands. */
const CLIENTS_MAX = 64;
const MODE = 0o600;

export class AgentSocket {
  readonly #agent: OpId;
  readonly #path: string;
  readonly #door: Door;
  readonly #clients = new Map<Socket, AgentClient>();
  #server: Server | undefined;
  #kept: Kept | undefined;

  /** `path`: of a socket in a folder of its own, which is there. */
  constructor(o: { agent: OpId; path: string; door: Door }) {
    this.#agent = o.agent;
    this.#path = o.path;
    this.#door = o.door;
  }

  /** Listens, in the place of whatever is there. Rejects when the system refuses. */
  async open(): Promise<void> {
    const onFault = (error: unknown): void => this.#door.onFault(error, `the socket ${this.#path}`);
    await clearSocket(this.#path);
    const server = await openServer({
      path: this.#path,
      clientsMax: CLIENTS_MAX,
      onClient: (socket) => this.#welcome(socket),
      onFault,
    });
    this.#server = server;
    await chmod(this.#path, MODE);
    this.#kept = keepBound({ server, path: this.#path, mode: MODE, onFault });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#kept?.close();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    for (const client of this.#clients.values()) client.flush();
    await closeServer(server, new Set(this.#clients.keys()));
  }

  #welcome(socket: Socket): void {
    const client = new AgentClient(socket, { agent: this.#agent, door: this.#door });
    this.#clients.set(socket, client);
    socket.once('close', () => this.#clients.delete(socket));
    client.start();
  }
}
