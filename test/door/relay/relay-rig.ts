/** A relay with a service behind it that the test plays, for tests. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Relayed } from '#door/relay/exchange.ts';
import type { Relay, RelayedAgent } from '#door/relay/relay.ts';
import { startRelay } from '#door/relay/relay.ts';

export const KEY = 'sk-of-the-node';

export type Asked = { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer[] };
export type Answered = { status: number; headers: IncomingMessage['headers']; text: string };

export class RelayRig {
  readonly dir = mkdtempSync(join(tmpdir(), 'sk-relay-'));
  readonly path = join(this.dir, 'relay.sock');
  /** What came to the service. */
  readonly seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  readonly told: Relayed[] = [];
  readonly faults: unknown[] = [];
  /** How the service answers. */
  plays: (response: ServerResponse, incoming: IncomingMessage) => void = (response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'set-cookie': 'a=b',
      location: '/x',
      'request-id': 'r1',
    });
    response.end('{"ok":true}');
  };
  url = '';
  over: string | undefined;
  /** What is listed for the box. */
  listed: string[] = [];
  /** Stands still unless a test moves it. */
  nowMs = 0;
  readonly #service: Server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (piece: string) => (body += piece));
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming;
      this.seen.push({ method, url, headers, body });
      this.plays(response, incoming);
    });
  });
  #relay: Relay | undefined;

  async open(
    more: Partial<Omit<RelayedAgent, 'egress'>> = {},
    relay: Omit<Parameters<typeof startRelay>[0], 'path' | 'agent' | 'nowMs'> = {},
  ): Promise<this> {
    await new Promise<void>((resolve) => void this.#service.listen(0, '127.0.0.1', resolve));
    const address = this.#service.address();
    if (typeof address !== 'object' || address === null) throw new Error('the service has no port');
    this.url = `http://127.0.0.1:${address.port}/base/`;
    this.#relay = await startRelay({
      ...relay,
      path: this.path,
      nowMs: () => this.nowMs,
      agent: {
        upstream: (service) => ({ url: this.url, headers: { 'x-api-key': `${KEY} ${service}` } }),
        overBudget: () => this.over,
        egress: () => this.listed,
        told: (relayed) => this.told.push(relayed),
        onFault: (error) => this.faults.push(error),
        ...more,
      },
    });
    return this;
  }

  async close(): Promise<void> {
    await this.#relay?.close();
    this.#service.closeAllConnections();
    await new Promise((resolve) => void this.#service.close(resolve));
    rmSync(this.dir, { recursive: true, force: true });
  }

  ask({ method = 'POST', path, headers = {}, body = '{}' }: Asked): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.path, method, path, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        answer.on('error', reject);
      });
      asked.on('error', reject);
      if (typeof body === 'string') return void asked.end(body);
      for (const piece of body) asked.write(piece);
      asked.end();
    });
  }

  /** All that comes for these bytes, until the relay closes; or until `until` is in it. */
  async said(bytes: string, until?: string): Promise<string> {
    const socket = connect(this.path);
    let text = '';
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
      if (until !== undefined && text.includes(until)) socket.destroy();
    });
    socket.write(bytes);
    await once(socket, 'close');
    return text;
  }
}

/** `HTTP/1.1 200 OK`. */
export const statusIn = (answer: string): string => answer.split('\r\n', 1)[0] ?? '';
