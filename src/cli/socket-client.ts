/** The admin socket of a node on this machine: one JSON line a request, one a response, events in between. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { Answer, Client, NodeEvent, Request } from './client.ts';
import { ANSWER_MAX_BYTES, ANSWER_WITHIN_MS, NodeGone, NodeRefused } from './client.ts';
import { LineBuffer } from './json-lines.ts';
import { EventQueue } from './queue.ts';

/** A socket of this machine takes a connection at once, or nobody listens. */
const CONNECT_WITHIN_MS = 5_000;

type Waiting = { resolve(answer: Answer): void; reject(error: Error): void; timer: NodeJS.Timeout };

/** Connects; throws {@link NodeGone} when nobody listens there. `token`: shown with each request, at the socket of agents. */
export function connectSocket(path: string, token?: string): Promise<SocketClient> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const refuse = (why: string): void => {
      socket.destroy();
      reject(new NodeGone(path, why));
    };
    const timer = setTimeout(() => refuse('it does not take the connection'), CONNECT_WITHIN_MS);
    socket.once('error', (error) => {
      clearTimeout(timer);
      refuse(error.message);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(new SocketClient(socket, path, token));
    });
  });
}

export class SocketClient implements Client {
  readonly where: string;
  readonly #socket: Socket;
  readonly #token: string | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #streams = new Map<number, EventQueue<NodeEvent>>();
  readonly #lines = new LineBuffer(ANSWER_MAX_BYTES);
  #lastId = 0;
  #gone: NodeGone | undefined;

  constructor(socket: Socket, where: string, token?: string) {
    this.#token = token;
    this.where = where;
    this.#socket = socket;
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end('it closed the connection'));
  }

  call(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new NodeGone(this.where, `no answer within ${ANSWER_WITHIN_MS / 1000} s`));
      }, ANSWER_WITHIN_MS);
      const id = this.#send(request);
      this.#waiting.set(id, { resolve, reject, timer });
      if (this.#gone !== undefined) this.#settle(id)?.reject(this.#gone);
    });
  }

  events(query: Request['query'], signal: AbortSignal): AsyncIterable<NodeEvent> {
    return this.stream({ method: 'GET', path: '/api/events', ...(query === undefined ? {} : { query }) }, signal);
  }

  stream(request: Request, signal: AbortSignal): AsyncIterable<NodeEvent> {
    const queue = new EventQueue<NodeEvent>();
    const id = this.#send(request);
    this.#streams.set(id, queue);
    if (this.#gone !== undefined) queue.fail(this.#gone);
    return this.#follow(id, queue, signal);
  }

  async *#follow(id: number, queue: EventQueue<NodeEvent>, signal: AbortSignal): AsyncGenerator<NodeEvent> {
    const stop = (): void => queue.end();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      yield* queue;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#streams.delete(id);
      if (this.#gone === undefined) this.#socket.write(`${JSON.stringify({ id, cancel: true })}\n`);
    }
  }

  close(): void {
    this.#end('closed');
    this.#socket.destroy();
  }

  #send(request: Request): number {
    this.#lastId += 1;
    const { method, path, query, body } = request;
    const given = Object.entries(query ?? {}).filter((entry) => entry[1] !== undefined);
    const line = {
      id: this.#lastId,
      token: this.#token,
      method,
      path,
      query: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
      body,
    };
    if (this.#gone === undefined) this.#socket.write(`${JSON.stringify(line)}\n`);
    return this.#lastId;
  }

  #read(bytes: Buffer): void {
    try {
      for (const line of this.#lines.push(bytes)) if (line !== '') this.#take(JSON.parse(line));
    } catch (error) {
      this.#end(`it sent what is no answer (${String(error)})`);
      this.#socket.destroy();
    }
  }

  #take(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('id' in message)) {
      throw new TypeError('a line without an id');
    }
    if (message.id === null) return this.#refuseAll(message);
    if (typeof message.id !== 'number') throw new TypeError('a line whose id is no number');
    if ('event' in message) {
      const data = 'data' in message ? message.data : undefined;
      const stream = this.#streams.get(message.id);
      // A stream that nobody cancelled ends only when the node stops.
      if (message.event === 'end') stream?.fail(new NodeGone(this.where, 'it is stopping'));
      else stream?.push({ event: String(message.event), data });
      return;
    }
    const status = 'status' in message && typeof message.status === 'number' ? message.status : 500;
    const answer: Answer = { status, body: 'body' in message ? message.body : undefined };
    this.#streams.get(message.id)?.fail(new NodeRefused(answer));
    this.#settle(message.id)?.resolve(answer);
  }

  /** A request that the node could not read, too long for example, is refused without its id. */
  #refuseAll(message: object): void {
    const status = 'status' in message && typeof message.status === 'number' ? message.status : 400;
    const answer: Answer = { status, body: 'body' in message ? message.body : undefined };
    for (const id of this.#waiting.keys()) this.#settle(id)?.resolve(answer);
    for (const queue of this.#streams.values()) queue.fail(new NodeRefused(answer));
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(id);
    return waiting;
  }

  #end(why: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = new NodeGone(this.where, why);
    for (const id of this.#waiting.keys()) this.#settle(id)?.reject(this.#gone);
    for (const queue of this.#streams.values()) queue.fail(this.#gone);
  }
}
