/** `skep hub serve --open` as a process of its own, and the clients that came to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ResultPromise } from 'execa';
import { execa } from 'execa';
import type { z } from 'zod';
import { Key, OutsiderClient } from './outsider-client.ts';

const skep = fileURLToPath(new URL('../../../bin/skep', import.meta.url));

/** Somebody else may take the port between our look and the hub's; hardly twice. */
const STARTS_MAX = 5;

/** Bounds a hang: a node starts in seconds, on a busy machine in many. */
const WITHIN_MS = 120_000;

/** A port that the OS had free just now: to `--hub-port`, 0 means no hub. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

type Child = ResultPromise<{ cwd: string; reject: false; env: Record<string, string> }>;

/** The hub under test. */
export class OutsiderHub {
  #port = 0;
  readonly #home = mkdtempSync(join(tmpdir(), 'out-'));
  #child: Child | undefined;
  readonly #clients: OutsiderClient[] = [];

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  get #options(): { cwd: string; reject: false; env: Record<string, string> } {
    return { cwd: this.#home, reject: false, env: { HOME: this.#home } };
  }

  /** Starts the process; a second time on the same port and directory. */
  async start(): Promise<void> {
    for (let attempt = 0; attempt < STARTS_MAX; attempt++) {
      if (this.#port === 0) this.#port = await freePort();
      const child = this.#launch();
      this.#child = child;
      if (await this.#listens(child)) return;
      this.#port = 0;
    }
    throw new Error('the hub did not start');
  }

  #launch(): Child {
    const ports = ['--http-port', '0', '--p2p-port', '0', '--discovery-port', '0', '--hub-port', String(this.#port)];
    return execa(skep, ['hub', 'serve', '--open', '--json', ...ports, '--data-dir', 'data'], this.#options);
  }

  /** True when the hub answers; false when the process ended before. */
  async #listens(child: Child): Promise<boolean> {
    let said = '';
    const listening = new Promise<true>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (bytes: Buffer) => {
          said += bytes.toString();
          if (said.includes('the hub listens at')) resolve(true);
        });
      }
    });
    const late = AbortSignal.timeout(WITHIN_MS);
    const inVain = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(new Error(`the hub does not listen: ${said}`)), { once: true });
    });
    return Promise.race([listening, child.then(() => false), inVain]);
  }

  /** What `skep VERB` prints as JSON, asked of this hub's node. */
  async skep<S extends z.ZodType>(argv: string[], printed: S): Promise<z.infer<S>> {
    const { stdout } = await execa(skep, [...argv, '--data-dir', 'data', '--json'], {
      ...this.#options,
      reject: true,
      timeout: WITHIN_MS,
    });
    return printed.parse(JSON.parse(stdout));
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#port}${path}`, { headers, signal: AbortSignal.timeout(WITHIN_MS) });
  }

  /** A connection that has not said who it is. */
  async stranger(): Promise<OutsiderClient> {
    const client = await OutsiderClient.connect(this.url);
    this.#clients.push(client);
    return client;
  }

  async guest(name: string): Promise<OutsiderClient> {
    const client = await this.stranger();
    await client.comeAsGuest(name);
    return client;
  }

  async keyed(name: string, key: Key = new Key()): Promise<OutsiderClient> {
    const client = await this.stranger();
    await client.comeWithKey(name, key);
    return client;
  }

  /** Closes all clients; throws when one was sent what is on no row of the reference. */
  async leave(): Promise<void> {
    const gone = this.#clients.splice(0);
    await Promise.all(gone.map((client) => client.close()));
    const faults = gone.flatMap((client) => client.faults);
    if (faults.length > 0) throw new Error(`on no row of the reference: ${faults.join('\n')}`);
  }

  /** Ends the process without a word, as a fault of the machine would. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#child;
  }

  async close(): Promise<void> {
    await this.leave();
    this.#child?.kill('SIGTERM', undefined);
    const cut = setTimeout(() => this.#child?.kill('SIGKILL'), 20_000);
    await this.#child;
    clearTimeout(cut);
    rmSync(this.#home, { recursive: true, force: true });
  }
}
