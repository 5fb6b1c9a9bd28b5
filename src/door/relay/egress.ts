/**
 * The way of one box to the places that are listed for it, and to no other: CONNECT, and requests that name their server. The name is compared before
 * anything is looked up; it is looked up once, and the address that was looked at is the one that is dialled.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isRefusal, refused, STATUS_OF } from '../refusal.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isPublic } from './addresses.ts';
import { Counted } from './counted.ts';
import type { Lookup } from './dial.ts';
import { addressesOf, firstReached } from './dial.ts';
import type { Exchange, Relayed } from './exchange.ts';
import { refusalWords } from './exchange.ts';
import { forwardedHeaders } from './headers.ts';
import type { Place } from './places.ts';
import { nameOf, tunnelPlaceOf, wholeUrlOf } from './places.ts';

export type EgressBounds = {
  /** Tunnels of one box at once: npm opens 15, git one. */
  tunnelsMax: number;
  /** Each way: far above a clone of a large repository. */
  tunnelMaxBytes: number;
  /** A tunnel in which nothing moves is given up by both ends of most tools, too. */
  idleMaxMs: number;
  /** However busy it is: what is needed longer is asked for again. */
  tunnelMaxMs: number;
  /** An address that has not answered by then is not there for a tool either. */
  dialMaxMs: number;
};
const BOUNDS: EgressBounds = {
  tunnelsMax: 32,
  tunnelMaxBytes: 4 * 1024 ** 3,
  idleMaxMs: 120_000,
  tunnelMaxMs: 2 * 3_600_000,
  dialMaxMs: 15_000,
};

export type EgressOptions = {
  /** What is listed for the box, asked at each request. */
  listed: () => readonly string[];
  told: (relayed: Relayed) => void;
  /** The system's when left out. */
  lookup?: Lookup;
  bounds?: Partial<EgressBounds>;
};

export class Egress {
  readonly #o: EgressOptions;
  readonly #bounds: EgressBounds;
  readonly #open = new Set<Duplex>();

  constructor(o: EgressOptions) {
    this.#o = o;
    this.#bounds = { ...BOUNDS, ...o.bounds };
  }

  /** CONNECT: bytes both ways, until either end closes. Never rejects. */
  async tunnel(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const began = performance.now();
    const [sent, received] = [new Counted(this.#bounds.tunnelMaxBytes), new Counted(this.#bounds.tunnelMaxBytes)];
    const told = { method: 'CONNECT', path: request.url ?? '', status: 200 };
    let more: Partial<Relayed> = {};
    // Whoever is gone is told of by the end of the pipes.
    client.on('error', () => {});
    const found = await this.#reached(tunnelPlaceOf(request.url ?? ''));
    if (isRefusal(found)) {
      told.status = statusOf(found);
      more = { refused: found.message };
      client.end(refusalText(found));
    } else {
      more = { address: found.address };
      await this.#joined({ client, head, upstream: found.socket, sent, received });
    }
    const tookMs = Math.round(performance.now() - began);
    this.#o.told({ ...told, ...more, sentBytes: sent.bytes, receivedBytes: received.bytes, tookMs });
  }

  /** `GET http://host/path`: asked there in the box's own words. Never rejects. */
  async pass(request: IncomingMessage, exchange: Exchange): Promise<void> {
    const wanted = wholeUrlOf(request.url ?? '');
    const found = await this.#reached(wanted?.place);
    if (wanted === undefined || isRefusal(found)) {
      const refusal = isRefusal(found) ? found : noPlace();
      return exchange.refuseInWords(refusal, statusOf(refusal));
    }
    const { socket, address } = found;
    this.#hold(socket);
    const url = new URL(`http://${wanted.place.name}`);
    const host = wanted.place.port === 80 ? wanted.place.name.replace(/:80$/, '') : wanted.place.name;
    const headers = { ...forwardedHeaders(request.headers), host };
    await exchange.pass({ url, headers, through: { socket, address, path: wanted.path } });
    socket.destroy();
  }

  /** Ends all that is open. */
  close(): void {
    for (const one of this.#open) one.destroy();
  }

  #hold(one: Duplex): void {
    this.#open.add(one);
    one.once('close', () => this.#open.delete(one));
  }

  async #joined(o: {
    client: Duplex;
    head: Buffer;
    upstream: Socket;
    sent: Counted;
    received: Counted;
  }): Promise<void> {
    const { client, upstream, sent, received } = o;
    const { idleMaxMs, tunnelMaxMs } = this.#bounds;
    this.#hold(client);
    this.#hold(upstream);
    upstream.setTimeout(idleMaxMs, () => upstream.destroy(new Error('nothing moves')));
    const limit = setTimeout(() => upstream.destroy(new Error('too long')), tunnelMaxMs);
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (o.head.length > 0) sent.write(o.head);
    // One that fails takes its two ends along, and so the other.
    await Promise.allSettled([pipeline(client, sent, upstream), pipeline(upstream, received, client)]);
    clearTimeout(limit);
    client.destroy();
    upstream.destroy();
  }

  async #reached(place: Place | undefined): Promise<{ socket: Socket; address: string } | DoorRefusal> {
    if (place === undefined) return noPlace();
    const listed = this.#o.listed();
    if (!listed.includes(place.name)) return notListed(place, listed);
    const { tunnelsMax } = this.#bounds;
    if (this.#open.size >= 2 * tunnelsMax)
      return refused('too_many', 'this box has too many connections open', { expected: `at most ${tunnelsMax}` });
    const all = await addressesOf(place.host, this.#o.lookup);
    const may = all.filter((address) => isPublic(address) || listed.includes(nameOf(address, place.port)));
    if (may.length === 0 && all.length > 0)
      return refused('forbidden', `${place.name} leads to an address that is not public`, {
        expected: 'a public address, or one that is listed itself, as ADDRESS:PORT',
      });
    const reached = await firstReached(may, { port: place.port, limitMs: this.#bounds.dialMaxMs });
    if (reached !== undefined) return reached;
    return refused('node_unreachable', `${place.name} cannot be reached from the node`, {
      expected: 'try again later',
    });
  }
}

const statusOf = ({ code }: DoorRefusal): number => (code === 'node_unreachable' ? 502 : STATUS_OF[code]);

const noPlace = (): DoorRefusal =>
  refused('invalid', 'that is no place of the network', { expected: 'CONNECT HOST:PORT, or http://HOST[:PORT]/…' });

function notListed(place: Place, listed: readonly string[]): DoorRefusal {
  const expected = listed.length === 0 ? 'nothing: an operator lists places for it' : listed.join(', ');
  return refused('forbidden', `this box may not reach ${place.name}`, { expected });
}

function refusalText(refusal: DoorRefusal): string {
  const body = refusalWords(refusal);
  const head = [
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `HTTP/1.1 ${statusOf(refusal)} Refused\r\n${head.join('\r\n')}\r\n\r\n${body}`;
}
