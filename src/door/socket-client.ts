/** One client of the admin socket. */
import type { Socket } from 'node:net';
import type { DoorCaller } from './caller.ts';
import type { Door } from './door.ts';
import type { Sink } from './feed.ts';
import type { Line } from './lines.ts';
import { LineCutter } from './lines.ts';
import type { DoorRefusal } from './refusal.ts';
import { isRefusal, noRoute, refusalJson, refused, shown, STATUS_OF } from './refusal.ts';
import type { Route } from './route.ts';
import { callRoute } from './route.ts';
import type { SocketRequest } from './socket-request.ts';
import { doorRequestOf, readRequest } from './socket-request.ts';
import { matchRoute } from './table.ts';

/** As the body of an HTTP request. */
export const LINE_MAX_BYTES = 8 * 1024 * 1024;
/** Requests of one client under way; the next ones wait in its own buffers. */
export const PIPELINE_MAX = 512;
/** Streams of one client. */
const STREAMS_MAX = 16;
/** What may wait for a slow reader of a stream beyond the first batch. More, and it is dropped: it comes back with `after`. */
const WAITING_MAX_BYTES = 4 * 1024 * 1024;

type Id = SocketRequest['id'];

/** Whose request it is, or why nobody's. */
export type CallerOf = (request: SocketRequest) => DoorCaller | DoorRefusal;

export class SocketClient {
  private readonly socket: Socket;
  private readonly callerOf: CallerOf;
  private readonly door: Door;
  private readonly cutter = new LineCutter(LINE_MAX_BYTES);
  /** Lines that came in a chunk with others, beyond {@link PIPELINE_MAX}. Reading stops while there are any. */
  private waiting: Line[] = [];
  private underWay = 0;
  private readonly streams = new Map<Id, () => void>();
  private out: string[] = [];
  private flushDue = false;
  private isFull = false;
  private hasEnded = false;
  private allowedBytes = WAITING_MAX_BYTES;

  constructor(socket: Socket, callerOf: CallerOf, door: Door) {
    this.socket = socket;
    this.callerOf = callerOf;
    this.door = door;
  }

  start(): void {
    const { socket } = this;
    socket.on('data', (chunk: Buffer) => {
      this.waiting.push(...this.cutter.cut(chunk));
      this.pump();
    });
    socket.on('drain', () => {
      this.isFull = false;
      this.pump();
    });
    socket.on('end', () => {
      this.hasEnded = true;
      this.stopStreams();
      this.endIfDone();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.stopStreams();
      this.waiting = [];
    });
  }

  /** Starts as many requests as may be under way, and reads on only when none waits: back-pressure reaches the client. */
  private pump(): void {
    let taken = 0;
    while (taken < this.waiting.length && this.underWay < PIPELINE_MAX && !this.isFull) {
      const line = this.waiting[taken];
      taken += 1;
      if (line !== undefined) this.take(line);
    }
    this.waiting.splice(0, taken);
    if (this.waiting.length > 0) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
  }

  private take(line: Line): void {
    if (line.kind === 'long') {
      this.refuse(null, refused('too_large', 'the line is too large', { expected: `at most ${LINE_MAX_BYTES} bytes` }));
      return;
    }
    const request = readRequest(line.text);
    if ('refusal' in request) this.refuse(request.id, request.refusal);
    else if (request.cancel) this.cancel(request.id);
    else this.dispatch(request);
  }

  private dispatch(request: SocketRequest): void {
    const match = matchRoute(request.method, request.path);
    if (match.kind === 'method') {
      const detail = { expected: match.allow.join(' | '), got: shown(request.method) };
      this.refuse(request.id, refused('method_not_allowed', 'Method not allowed', detail));
    } else if (match.kind === 'none' || match.route.httpOnly) {
      this.refuse(request.id, noRoute(request.path));
    } else {
      void this.call(match.route, match.params, request);
    }
  }

  /** Never rejects: a route answers also when its handler throws. */
  private async call(route: Route, params: Record<string, string>, request: SocketRequest): Promise<void> {
    const caller = this.callerOf(request);
    if (isRefusal(caller)) return this.refuse(request.id, caller);
    this.underWay += 1;
    const answer = await callRoute(route, doorRequestOf(request, params), caller, this.door);
    this.underWay -= 1;
    const id = JSON.stringify(request.id);
    if (answer.kind === 'json')
      this.say(`{"id":${id},"status":${answer.status},"body":${JSON.stringify(answer.body)}}\n`);
    else if (answer.kind === 'events') this.stream(request.id, answer.open);
    else this.refuse(request.id, noRoute(request.path));
    if (this.waiting.length > 0) this.pump();
    else this.endIfDone();
  }

  private stopStreams(): void {
    for (const stop of this.streams.values()) stop();
    this.streams.clear();
  }

  /**
   * A client that sends no more still gets its answers. Its streams end: a client that is gone looks the same until something is written to
   * it, and on a quiet day that is never.
   */
  private endIfDone(): void {
    if (!this.hasEnded || this.underWay > 0 || this.waiting.length > 0) return;
    this.flush();
    this.socket.end();
  }

  private stream(id: Id, open: (sink: Sink) => () => void): void {
    if (this.socket.destroyed || this.hasEnded) return;
    if (this.streams.has(id) || this.streams.size >= STREAMS_MAX) {
      this.refuse(
        id,
        refused('conflict', 'no further stream under this id', {
          expected: `an id of its own, at most ${STREAMS_MAX}`,
        }),
      );
      return;
    }
    const head = `{"id":${JSON.stringify(id)},"event":`;
    let isOver = false;
    const stop = open({
      deliver: (batch) => {
        for (const event of batch.events) this.say(`${head}${JSON.stringify(event.name)},"data":${event.json()}}\n`);
      },
      end: () => {
        isOver = true;
        this.streams.delete(id);
        this.say(`${head}"end","data":{}}\n`);
      },
    });
    if (!isOver) this.streams.set(id, stop);
    // A snapshot may be large: its size is what this client is allowed on top.
    this.flush();
    this.allowedBytes = this.socket.writableLength + WAITING_MAX_BYTES;
  }

  private cancel(id: Id): void {
    const stop = this.streams.get(id);
    if (stop === undefined) return;
    this.streams.delete(id);
    stop();
    this.say(`{"id":${JSON.stringify(id)},"event":"end","data":{}}\n`);
  }

  private refuse(id: Id, refusal: DoorRefusal): void {
    const body = JSON.stringify(refusalJson(refusal));
    this.say(`{"id":${JSON.stringify(id)},"status":${STATUS_OF[refusal.code]},"body":${body}}\n`);
  }

  /** Queues a line. All lines of one turn of the event loop leave in one write. */
  private say(line: string): void {
    this.out.push(line);
    if (this.flushDue) return;
    this.flushDue = true;
    setImmediate(() => this.flush());
  }

  private flush(): void {
    this.flushDue = false;
    const text = this.out.join('');
    this.out = [];
    if (text === '' || this.socket.destroyed || this.socket.writableEnded) return;
    this.isFull = !this.socket.write(text);
    if (this.streams.size > 0 && this.socket.writableLength > this.allowedBytes) this.socket.destroy();
  }
}
