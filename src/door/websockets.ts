/**
 * `/ws`: the feed in the seed's frames, on the port of HTTP. Push only: what a client sends is ignored. Each client has one bounded queue, and
 * is asked now and then whether it is still there; without clients there is no timer.
 */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Door } from './door.ts';
import type { Farewell } from './farewell.ts';
import type { Batch, Sink } from './feed.ts';
import { statusFrame } from './frames.ts';
import { Gather } from './gather.ts';
import type { Site } from './guard.ts';
import { cookieRefusal, placeRefusal, PROTOCOL, visitorOf } from './guard.ts';
import { JSON_HEADERS } from './http-answer.ts';
import { statusJson } from './json/status.ts';
import { isRefusal, refused } from './refusal.ts';
import type { Answer } from './route.ts';
import { callRoute, refusalAnswer } from './route.ts';
import { websocketRoute } from './routes/events.ts';

/** Between two `status` frames, as in the seed. */
const STATUS_MS = 5_000;
/** A client that answered none of so many pings, one a status, is gone without having said so: half a minute. */
const PINGS_MAX = 6;
/** What may wait for a slow client beyond its first batch. More, and it is closed: it comes back with `after`. */
const WAITING_MAX_BYTES = 4 * 1024 * 1024;
/** Clients have nothing to say: room for a ping and a close. */
const MESSAGE_MAX_BYTES = 4_096;
/** A closed client gets so long to read what is queued and to answer. */
const CLOSE_MAX_MS = 5_000;

/** Of the registry of RFC 6455. */
const TRY_AGAIN_LATER = 1013;
const TOO_SLOW: Farewell = {
  code: TRY_AGAIN_LATER,
  reason: 'reads too slowly: come back with ?after=<id of the last event read>',
};

type Client = { socket: WebSocket; gather: Gather; allowedBytes: number; unansweredPings: number };

export class WebSockets {
  private readonly door: Door;
  private readonly site: Site;
  private readonly statusMs: number;
  private readonly clients = new Set<Client>();
  private readonly server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MESSAGE_MAX_BYTES,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(o: { door: Door; site: Site; statusMs?: number | undefined }) {
    this.door = o.door;
    this.site = o.site;
    this.statusMs = o.statusMs ?? STATUS_MS;
  }

  /** Takes over a connection that asks to be upgraded: it becomes a client, or is refused as any request and closed. Never rejects. */
  async upgrade(message: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    const drop = (): void => void connection.destroy();
    connection.on('error', drop);
    const answer = await this.enter(message).catch((error: unknown) => {
      this.door.onFault(error, 'GET /ws');
      return refusalAnswer(refused('internal', 'something went wrong inside this node; its log says what'));
    });
    if (connection.destroyed) return;
    if (answer.kind !== 'events') {
      refuse(connection, answer);
      return;
    }
    connection.off('error', drop);
    this.server.handleUpgrade(message, connection, head, (socket) =>
      this.welcome(socket, new Gather(connection), answer.open),
    );
  }

  /** Says goodbye to all. Idempotent. */
  close(): void {
    this.closed = true;
    for (const client of this.clients) part(client, this.door.farewell.says);
  }

  /** Cuts whoever has not gone yet. */
  terminate(): void {
    for (const { socket } of this.clients) socket.terminate();
  }

  private async enter(message: IncomingMessage): Promise<Answer> {
    const { door, site } = this;
    if (this.closed) return refusalAnswer(refused('stopping', 'this node is stopping'));
    const place = placeRefusal(message, site);
    if (place !== undefined) return refusalAnswer(place);
    if (door.tokens.isDue()) await door.tokens.refresh();
    const visitor = visitorOf(message, site, door);
    if (isRefusal(visitor)) return refusalAnswer(visitor);
    const foreign = cookieRefusal(message, visitor, true);
    if (foreign !== undefined) return refusalAnswer(foreign);
    const { searchParams } = new URL(message.url ?? '/', 'http://localhost');
    const request = {
      params: {},
      query: Object.fromEntries(searchParams),
      body: { kind: 'none' } as const,
      idempotencyKey: undefined,
      lastEventId: undefined,
    };
    return callRoute(websocketRoute, request, visitor.caller, door);
  }

  private welcome(socket: WebSocket, gather: Gather, open: (sink: Sink) => () => void): void {
    const client: Client = { socket, gather, allowedBytes: Infinity, unansweredPings: 0 };
    this.clients.add(client);
    this.timer ??= this.tick();
    socket.on('error', () => {
      // Why it ends was said just now, and may be held back.
      gather.flush();
      socket.terminate();
    });
    socket.on('pong', () => {
      client.unansweredPings = 0;
    });
    const stop = open({
      deliver: (batch) => {
        if (!deliver(client, batch)) stop();
      },
      end: () => part(client, this.door.farewell.says),
    });
    socket.on('close', () => {
      gather.flush();
      stop();
      this.clients.delete(client);
      if (this.clients.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    });
    socket.send(JSON.stringify(statusFrame(statusJson(this.door))));
    // The first batch may be large: its size is what this client is allowed on top.
    client.allowedBytes = socket.bufferedAmount + WAITING_MAX_BYTES;
  }

  private tick(): NodeJS.Timeout {
    const timer = setInterval(() => {
      const text = JSON.stringify(statusFrame(statusJson(this.door)));
      for (const client of this.clients) {
        if (client.unansweredPings >= PINGS_MAX) client.socket.terminate();
        if (client.socket.readyState !== WebSocket.OPEN) continue;
        client.unansweredPings += 1;
        client.socket.ping();
        client.socket.send(text);
      }
    }, this.statusMs);
    return timer.unref();
  }
}

/** False when the client reads too slowly and was closed: nothing more may be queued for it. */
function deliver(client: Client, batch: Batch): boolean {
  const { socket, gather, allowedBytes } = client;
  if (socket.readyState !== WebSocket.OPEN) return true;
  for (const text of batch.frames()) socket.send(text);
  gather.written();
  if (socket.bufferedAmount <= allowedBytes) return true;
  part(client, TOO_SLOW);
  return false;
}

/** Says why behind what is queued already, and cuts the line when that is not read in time. Idempotent. */
function part({ socket, gather }: Pick<Client, 'socket' | 'gather'>, { code, reason }: Farewell): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  gather.flush();
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), CLOSE_MAX_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** The same text and status that a request gets; a browser shows them in its network panel only. */
function refuse(connection: Duplex, answer: Answer): void {
  const [status, body] = answer.kind === 'json' ? [answer.status, answer.body] : [500, {}];
  const text = `${JSON.stringify(body)}\n`;
  const headers = { ...JSON_HEADERS, connection: 'close', 'content-length': Buffer.byteLength(text) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`);
}

/** Whether node hands a request to {@link WebSockets.upgrade}; all others, also those that offer `h2c`, are answered as plain HTTP. */
export const isWebSocketRequest = ({ url, headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket' && url?.split('?', 1)[0] === websocketRoute.path;
