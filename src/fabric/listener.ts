/** Accepts connections on one port of one or several addresses. */
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Address } from './address.ts';
import { plainHost } from './address.ts';

export type ListenerOptions = {
  /** Addresses to listen on. */
  bind: readonly string[];
  /** 0: any free one, the same on all addresses. */
  port: number;
  accept: (socket: Socket, from: Address) => void;
};

export class Listener {
  readonly #options: ListenerOptions;
  readonly #servers: Server[] = [];
  #address: Address | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Resolves when all addresses listen. Rejects with the error of the first that cannot (`EADDRINUSE`, `EADDRNOTAVAIL`); none listens then. */
  async start(): Promise<void> {
    try {
      for (const host of this.#options.bind) await this.#listen(host, this.#address?.port ?? this.#options.port);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The first address, with the port that is really in use; undefined while nothing listens. */
  address(): Address | undefined {
    return this.#address;
  }

  /** Idempotent. Resolves when the connections that were accepted are closed, which is not done here. */
  async close(): Promise<void> {
    this.#address = undefined;
    await Promise.all(
      this.#servers.splice(0).map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }

  #listen(host: string, port: number): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        // An error of a listening socket (too many open files) costs one connection; its peer dials again.
        server.on('error', () => undefined);
        const at = server.address();
        if (typeof at === 'object' && at !== null) this.#address ??= { host: plainHost(at.address), port: at.port };
        this.#servers.push(server);
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    // Closed again before it was looked at.
    if (remoteAddress === undefined || remotePort === undefined) socket.destroy();
    else this.#options.accept(socket, { host: plainHost(remoteAddress), port: remotePort });
  }
}
