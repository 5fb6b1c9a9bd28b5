/** One request of a box on its way through: what passes is counted and bounded, and told once when it is over. */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { request as askHttp } from 'node:http';
import { request as askHttps } from 'node:https';
import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DoorRefusal } from '../refusal.ts';
import { refusalJson, refused, STATUS_OF } from '../refusal.ts';
import { answeredHeaders } from './headers.ts';

/** What a model's service itself takes. */
const REQUEST_MAX_BYTES = 32 * 1024 * 1024;
/** Far above the longest answer of a model; a package may be as large. */
const ANSWER_MAX_BYTES = 512 * 1024 * 1024;
/** Nothing comes for so long: a model that thinks says so meanwhile. */
const SILENCE_MAX_MS = 600_000;

/** How a request ended, for the log of the node: never a body, a query or a header. */
export type Relayed = {
  method: string;
  path: string;
  status: number;
  sentBytes: number;
  receivedBytes: number;
  tookMs: number;
};

/** Counts what passes, and fails where that is too much. */
class Counted extends Transform {
  bytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    if (this.bytes > ANSWER_MAX_BYTES) done(new Error(`an answer of more than ${ANSWER_MAX_BYTES} bytes`));
    else done(null, chunk);
  }
}

export class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #received = new Counted();
  #sentBytes = 0;

  /** `told`: called once, when the box has its answer or is gone. */
  constructor(o: { request: IncomingMessage; response: ServerResponse; told: (relayed: Relayed) => void }) {
    this.#request = o.request;
    this.#response = o.response;
    // Whoever is gone is told of by the end of the response.
    o.request.on('error', () => {});
    o.response.on('error', () => {});
    const began = performance.now();
    o.response.once('close', () =>
      o.told({
        method: o.request.method ?? '',
        path: (o.request.url ?? '').split('?', 1)[0] ?? '',
        status: o.response.headersSent ? o.response.statusCode : 0,
        sentBytes: this.#sentBytes,
        receivedBytes: this.#received.bytes,
        tookMs: Math.round(performance.now() - began),
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

  /** Asks there and passes on what comes, as it comes. Never rejects. */
  async pass(to: { url: URL; headers: OutgoingHttpHeaders }): Promise<void> {
    if (Number(this.#request.headers['content-length'] ?? 0) > REQUEST_MAX_BYTES) return this.refuse(tooLarge());
    const { method = 'GET' } = this.#request;
    const asked = (to.url.protocol === 'https:' ? askHttps : askHttp)(to.url, { method, headers: to.headers });
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
      this.#response.writeHead(answer.statusCode ?? 502, answeredHeaders(answer.headers));
      this.#response.flushHeaders();
      await pipeline(answer, this.#received, this.#response);
    } catch {
      asked.destroy();
      await sending;
      if (this.#response.headersSent) this.#response.destroy();
      else this.refuse(this.#sentBytes > REQUEST_MAX_BYTES ? tooLarge() : UNREACHABLE);
    }
  }

  /** The request stays open at its end, for an answer to be written. */
  async #send(asked: ClientRequest): Promise<void> {
    const closed = new Promise((resolve) => asked.once('close', resolve));
    for await (const chunk of this.#request.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('a request is made of bytes');
      this.#sentBytes += chunk.length;
      if (this.#sentBytes > REQUEST_MAX_BYTES) return void asked.destroy();
      if (asked.destroyed) return;
      if (!asked.write(chunk)) await Promise.race([new Promise((resolve) => asked.once('drain', resolve)), closed]);
    }
    asked.end();
  }
}

const tooLarge = (): DoorRefusal =>
  refused('too_large', 'the request is too large', { expected: `at most ${REQUEST_MAX_BYTES} bytes` });

/** Nothing of the reason: it would tell of the network of the node. */
const UNREACHABLE = refused('node_unreachable', 'what was asked for cannot be reached from the node', {
  expected: 'try again later',
});
