/** One request of a box on its way through: what passes is counted and bounded, and told once when it is over. */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { request as askHttp } from 'node:http';
import { request as askHttps } from 'node:https';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { DoorRefusal } from '../refusal.ts';
import { refusalJson, refused, STATUS_OF } from '../refusal.ts';
import { Counted } from './counted.ts';
import { answeredHeaders, forwardedHeaders } from './headers.ts';

/** What a model's service itself takes. */
const REQUEST_MAX_BYTES = 32 * 1024 * 1024;
/** Far above the longest answer of a model; a package may be as large. */
const ANSWER_MAX_BYTES = 512 * 1024 * 1024;
/** What git sends of a repository, as far as its servers take it. */
const FORWARDED_MAX_BYTES = 2 * 1024 ** 3;
/** Nothing comes for so long: a model that thinks says so meanwhile. */
const SILENCE_MAX_MS = 600_000;

/** How a request ended, for the log of the node: never a body, a query or a header; of a place that was listed, its name alone. */
export type Relayed = {
  method: string;
  path: string;
  status: number;
  sentBytes: number;
  receivedBytes: number;
  tookMs: number;
  /** Of what was dialled for a box. */
  address?: string;
  /** Why it was not. */
  refused?: string;
};

/** A connection to a place that was listed, and what is asked for there. */
export type Through = { socket: Socket; address: string; path: string };

const WHOLE_URL = /^[a-z]+:\/\/[^/?#@]*/i;

/** The path without its query; of a request that names its server, that name alone. */
function toldOf(url: string): string {
  return WHOLE_URL.exec(url)?.[0] ?? url.split('?', 1)[0] ?? '';
}

export class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #received: Counted;
  readonly #sendMaxBytes: number;
  #sentBytes = 0;
  #more: Pick<Relayed, 'address' | 'refused'> = {};

  /** `told`: called once, when the box has its answer or is gone. */
  constructor(o: { request: IncomingMessage; response: ServerResponse; told: (relayed: Relayed) => void }) {
    this.#request = o.request;
    this.#response = o.response;
    const isForwarded = !(o.request.url ?? '').startsWith('/');
    this.#received = new Counted(isForwarded ? FORWARDED_MAX_BYTES : ANSWER_MAX_BYTES);
    this.#sendMaxBytes = isForwarded ? FORWARDED_MAX_BYTES : REQUEST_MAX_BYTES;
    // Whoever is gone is told of by the end of the response.
    o.request.on('error', () => {});
    o.response.on('error', () => {});
    const began = performance.now();
    o.response.once('close', () =>
      o.told({
        method: o.request.method ?? '',
        path: toldOf(o.request.url ?? ''),
        status: o.response.headersSent ? o.response.statusCode : 0,
        sentBytes: this.#sentBytes,
        receivedBytes: this.#received.bytes,
        tookMs: Math.round(performance.now() - began),
        ...this.#more,
      }),
    );
  }

  /** Answers in words that the tools of all services show. */
  refuse(refusal: DoorRefusal, status = STATUS_OF[refusal.code]): void {
    const { error: message, ...more } = refusalJson(refusal);
    const body = JSON.stringify({ type: 'error', error: { type: `skep_${refusal.code}`, message, ...more } });
    this.#response.writeHead(status, { 'content-type': 'application/json' });
    this.#response.end(body);
    // A client that is still writing would otherwise never read it. The server bounds how long that may take.
    this.#request.resume();
  }

  /** Answers in one line of text, which git shows to whoever runs it. */
  refuseInWords(refusal: DoorRefusal, status: number): void {
    this.#more = { refused: refusal.message };
    this.#response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
    this.#response.end(refusalWords(refusal));
    this.#request.resume();
  }

  /** Asks there and passes on what comes, as it comes. Never rejects. */
  async pass(to: { url: URL; headers: OutgoingHttpHeaders; through?: Through }): Promise<void> {
    if (Number(this.#request.headers['content-length'] ?? 0) > this.#sendMaxBytes) return this.refuse(this.#tooLarge());
    const { method = 'GET' } = this.#request;
    const { through } = to;
    if (through !== undefined) this.#more = { address: through.address };
    const way = through === undefined ? {} : { path: through.path, createConnection: () => through.socket };
    const ask = to.url.protocol === 'https:' ? askHttps : askHttp;
    const asked = ask(to.url, { method, headers: to.headers, ...way });
    asked.setTimeout(SILENCE_MAX_MS, () => asked.destroy(new Error('silent')));
    // Whoever is gone needs no answer, and nobody is to pay for one.
    this.#response.once('close', () => asked.destroy());
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve);
      // For good: one that fails in the middle of its answer says so there, too.
      asked.on('error', reject);
    });
    // A service may answer before it has read all.
    const sending = this.#send(asked).catch(() => asked.destroy());
    try {
      const answer = await answered;
      const headers = through === undefined ? answeredHeaders(answer.headers) : forwardedHeaders(answer.headers);
      this.#response.writeHead(answer.statusCode ?? 502, headers);
      this.#response.flushHeaders();
      await pipeline(answer, this.#received, this.#response);
    } catch {
      asked.destroy();
      await sending;
      if (this.#response.headersSent) this.#response.destroy();
      else this.refuse(this.#sentBytes > this.#sendMaxBytes ? this.#tooLarge() : UNREACHABLE);
    }
  }

  /** The request stays open at its end, for an answer to be written. */
  async #send(asked: ClientRequest): Promise<void> {
    const closed = new Promise((resolve) => asked.once('close', resolve));
    for await (const chunk of this.#request.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('a request is made of bytes');
      this.#sentBytes += chunk.length;
      if (this.#sentBytes > this.#sendMaxBytes) return void asked.destroy();
      if (asked.destroyed) return;
      if (!asked.write(chunk)) await Promise.race([new Promise((resolve) => asked.once('drain', resolve)), closed]);
    }
    asked.end();
  }

  #tooLarge(): DoorRefusal {
    return refused('too_large', 'the request is too large', { expected: `at most ${this.#sendMaxBytes} bytes` });
  }
}

/** A refusal in one line, for people. */
export const refusalWords = ({ message, expected }: DoorRefusal): string =>
  `${message}${expected === undefined ? '' : `; expected: ${expected}`}\n`;

/** Nothing of the reason: it would tell of the network of the node. */
const UNREACHABLE = refused('node_unreachable', 'what was asked for cannot be reached from the node', {
  expected: 'try again later',
});
