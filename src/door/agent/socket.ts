/** The socket of one agent: whoever holds it is that agent. No token, and no word in a request, says who speaks. */
import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { chmod, lstat } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import type { OpId } from '#core/brand.ts';
import type { Door } from '../door.ts';
import { clearSocket, closeServer, openServer } from '../socket-server.ts';
import { AgentClient } from './client.ts';

/** Connections of one agent: its harness, its tool server and some commands. */
const CLIENTS_MAX = 64;

export class AgentSocket {
  readonly #agent: OpId;
  readonly #path: string;
  readonly #door: Door;
  readonly #clients = new Set<Socket>();
  #server: Server | undefined;
  #watcher: FSWatcher | undefined;
  #changing: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** `path`: of a socket in a folder of its own, which is there. */
  constructor(o: { agent: OpId; path: string; door: Door }) {
    this.#agent = o.agent;
    this.#path = o.path;
    this.#door = o.door;
  }

  /** Listens, in the place of whatever is there. Rejects when the system refuses. */
  async open(): Promise<void> {
    await this.#inTurn(() => this.#bind());
    // Removed by hand, or with the folder of a box: bound anew.
    this.#watcher = watch(dirname(this.#path), (_event, name) => {
      if (name === basename(this.#path)) void this.#look();
    });
    this.#watcher.on('error', (error) => this.#door.onFault(error, `watching ${this.#path}`));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watcher?.close();
    await this.#inTurn(() => this.#unbind());
  }

  #look(): Promise<void> {
    return this.#inTurn(async () => {
      const stat = await lstat(this.#path).catch(() => undefined);
      if (stat === undefined && !this.#isClosed) await this.#bind();
    }).catch((error: unknown) => this.#door.onFault(error, `the socket ${this.#path}`));
  }

  /** The old listener goes first: two on one path would be one that nobody can reach. */
  async #bind(): Promise<void> {
    await this.#unbind();
    await clearSocket(this.#path);
    this.#server = await openServer({
      path: this.#path,
      clientsMax: CLIENTS_MAX,
      onClient: (socket) => this.#welcome(socket),
      onFault: (error) => this.#door.onFault(error, `the socket ${this.#path}`),
    });
    await chmod(this.#path, 0o600);
  }

  async #unbind(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await closeServer(server, this.#clients);
  }

  #welcome(socket: Socket): void {
    this.#clients.add(socket);
    socket.once('close', () => this.#clients.delete(socket));
    new AgentClient(socket, { agent: this.#agent, door: this.#door }).start();
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const next = this.#changing.then(run);
    this.#changing = next.catch(() => {});
    return next;
  }
}
