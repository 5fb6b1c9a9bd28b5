/** A node over HTTP: the same routes, with a bearer token; events as server-sent events. */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Answer, Client, NodeEvent, Request } from './client.ts';
import { ANSWER_MAX_BYTES, ANSWER_WITHIN_MS, NodeGone, NodeRefused, queryText } from './client.ts';
import { LineBuffer } from './json-lines.ts';
import { EventQueue } from './queue.ts';

export class HttpClient implements Client {
  readonly where: string;
  readonly #token: string | undefined;
  readonly #open = new Set<() => void>();

  /** `url` is the node's address, without a path of a route. */
  constructor(url: string, token: string | undefined) {
    this.where = url.replace(/\/+$/, '');
    this.#token = token;
  }

  async call(request: Request): Promise<Answer> {
    const response = await this.#ask(request, ANSWER_WITHIN_MS);
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of bytesOf(response, this.where)) {
      pieces.push(piece);
      length += piece.length;
      if (length > ANSWER_MAX_BYTES) throw new NodeGone(this.where, `an answer of more than ${ANSWER_MAX_BYTES} bytes`);
    }
    return { status: response.statusCode ?? 0, body: bodyOf(Buffer.concat(pieces).toString('utf8')) };
  }

  events(query: Request['query'], signal: AbortSignal): AsyncIterable<NodeEvent> {
    return this.stream({ method: 'GET', path: '/api/events', ...(query === undefined ? {} : { query }) }, signal);
  }

  stream(request: Request, signal: AbortSignal): AsyncIterable<NodeEvent> {
    const queue = new EventQueue<NodeEvent>();
    this.#follow(request, queue, signal).catch((error: unknown) => {
      queue.fail(error instanceof Error ? error : new Error(String(error)));
    });
    return queue;
  }

  close(): void {
    for (const destroy of this.#open) destroy();
  }

  async #follow(request: Request, queue: EventQueue<NodeEvent>, signal: AbortSignal): Promise<void> {
    const response = await this.#ask(request, undefined);
    if (response.statusCode !== 200) {
      let text = '';
      for await (const piece of bytesOf(response, this.where)) text += piece.toString('utf8');
      throw new NodeRefused({ status: response.statusCode ?? 0, body: bodyOf(text) });
    }
    const stop = (): void => {
      queue.end();
      response.destroy();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const lines = new LineBuffer(ANSWER_MAX_BYTES);
    const event = new EventLines();
    for await (const piece of bytesOf(response, this.where)) {
      for (const line of lines.push(piece)) {
        const complete = event.take(line);
        if (complete !== undefined) queue.push(complete);
      }
    }
    signal.removeEventListener('abort', stop);
    throw new NodeGone(this.where, 'it closed the connection');
  }

  #ask({ method, path, query, body }: Request, withinMs: number | undefined): Promise<IncomingMessage> {
    const url = new URL(`${this.where}${path}${queryText(query)}`);
    const content = body === undefined ? undefined : JSON.stringify(body);
    const options: RequestOptions = {
      method,
      headers: {
        accept: 'application/json, text/event-stream',
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(content === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
      },
      ...(withinMs === undefined ? {} : { timeout: withinMs }),
    };
    return new Promise((resolve, reject) => {
      const sent = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve);
      const destroy = (): void => {
        sent.destroy();
      };
      this.#open.add(destroy);
      sent.on('close', () => this.#open.delete(destroy));
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)));
      sent.on('error', (error) => reject(new NodeGone(this.where, error.message)));
      sent.end(content);
    });
  }
}

/** The bytes of a response; a connection that breaks is told as {@link NodeGone}. */
async function* bytesOf(response: IncomingMessage, where: string): AsyncGenerator<Buffer> {
  try {
    for await (const piece of response) {
      if (Buffer.isBuffer(piece)) yield piece;
    }
  } catch (error) {
    throw new NodeGone(where, error instanceof Error ? error.message : String(error));
  }
}

/** JSON, or the text itself: a proxy in between may answer with a page. */
function bodyOf(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Collects the lines of server-sent events: `event:` and `data:` until an empty line. Comments and ids are passed over. */
export class EventLines {
  #event = 'message';
  #data: string[] = [];

  take(line: string): NodeEvent | undefined {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return this.#complete();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(text) ?? [];
    if (field === 'event') this.#event = value ?? '';
    if (field === 'data') this.#data.push(value ?? '');
    return undefined;
  }

  #complete(): NodeEvent | undefined {
    const event: NodeEvent | undefined =
      this.#data.length === 0 ? undefined : { event: this.#event, data: bodyOf(this.#data.join('\n')) };
    this.#event = 'message';
    this.#data = [];
    return event;
  }
}
