/** The hub's own port: WebSocket in AgentChat's protocol, and its health. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Door } from '../door.ts';
import { isLoopback } from '../guard.ts';
import { FRAME_MAX_BYTES } from './fields.ts';
import type { Refused, Said } from './frames.ts';
import { nameOf } from './frames.ts';
import { handle, mayOverlap } from './handlers.ts';
import { Hub } from './hub.ts';
import { Claims } from './claims.ts';
import { Inbox } from './inbox.ts';
import { Proofs } from './proof.ts';
import { answerHttp } from './status.ts';
import { CLOSE, FRAMES_PER_S, Session } from './session.ts';

/** Connections at once. */
const CONNECTIONS_MAX = 12_000;
/** As in AgentChat: asked so often whether it is there, and dead after so long without an answer. */
const [PING_MS, DEAD_MS] = [30_000, 70_000];
/** Who does not log in is closed after so long. */
const NAMELESS_MS = 120_000;
/** How often connections are looked at. */
const LOOK_MS = 10_000;
/** How often what was read is written down. */
const READ_MS = 1_000;
const CLOSE_MAX_MS = 2_000;

export type HubOptions = {
  door: Door;
  port: number;
  bind: string;
  /** Whoever comes is let in, with any key or none. */
  isOpen: boolean;
  tls?: { certFile: string; keyFile: string } | undefined;
  /** A proxy in front of this machine ends TLS. */
  isBehindProxy?: boolean | undefined;
  /** Between two messages of one connection; 1 s without it, 0 for any pace. */
  messageMs?: number | undefined;
  /** Frames that one connection may send in a second; Infinity for any number. */
  framesPerS?: number | undefined;
};

export type HubDoor = { readonly port: number; readonly url: string; close(): Promise<void> };

/** Rejects, with what to do, when it cannot listen as asked. */
export async function startHub(o: HubOptions): Promise<HubDoor> {
  if (!isLoopback(o.bind) && o.tls === undefined && o.isBehindProxy !== true)
    throw new Error(`the hub on ${o.bind} can be reached by others in clear text: give --tls-cert and --tls-key`);
  const hub = new Hub(o);
  const around = { hub, proofs: new Proofs(hub), claims: new Claims(hub), now: () => o.door.now(), o };
  const web = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: FRAME_MAX_BYTES });
  const answer = (request: IncomingMessage, response: ServerResponse): void => void answerHttp(request, response, hub);
  const server =
    o.tls === undefined
      ? createServer(answer)
      : createTlsServer(
          { cert: readFileSync(o.tls.certFile), key: readFileSync(o.tls.keyFile), minVersion: 'TLSv1.2' },
          answer,
        );
  server.maxConnections = CONNECTIONS_MAX;
  server.on('upgrade', (request, socket, head) => {
    endOnError(socket);
    // A browser's page of any origin could speak to a hub on loopback in the name of who looks at it; agents send no origin.
    if (request.headers.origin !== undefined)
      return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    web.handleUpgrade(request, socket, head, (client) => welcome(client, request, { ...around, stream: socket }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.port, o.bind, resolve);
  });
  server.on('error', (error) => o.door.onFault(error, 'the hub'));
  const timers = [
    setInterval(() => {
      for (const session of hub.sessions) void hub.writeRead(session);
    }, READ_MS).unref(),
    setInterval(() => look(hub), LOOK_MS).unref(),
  ];
  void hub.clear().catch((error: unknown) => o.door.onFault(error, 'the hub'));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : o.port;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= new Promise<void>((resolve) => {
      for (const timer of timers) clearInterval(timer);
      around.proofs.close();
      hub.close();
      for (const session of hub.sessions) session.close(CLOSE.goingAway, 'this node is stopping');
      const timer = setTimeout(() => {
        for (const session of hub.sessions) session.socket.terminate();
        server.closeAllConnections();
      }, CLOSE_MAX_MS);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    }));
  const host = o.bind.includes(':') ? `[${o.bind}]` : o.bind;
  return { port, url: `${o.tls === undefined ? 'ws' : 'wss'}://${host}:${port}`, close };
}

/** Apart from where its request is at hand: what listens as long as the connection lives would keep that in memory. */
const endOnError = (socket: Duplex): void => void socket.on('error', () => socket.destroy());

/** Asks who is silent whether it is there, and closes who is not, or never said who it is. */
function look(hub: Hub): void {
  const nowMs = performance.now();
  for (const session of hub.sessions) {
    const silentMs = nowMs - session.heardMs;
    if (silentMs > DEAD_MS) session.socket.terminate();
    else if (silentMs > PING_MS) session.socket.ping();
    if (session.member === undefined && hub.door.now() - session.openedMs > NAMELESS_MS)
      session.close(CLOSE.policy, 'no IDENTIFY');
  }
}

type Around = { hub: Hub; proofs: Proofs; claims: Claims; now: () => number; o: HubOptions; stream: Duplex };

function welcome(socket: WebSocket, request: IncomingMessage, around: Around): void {
  const { hub, o, stream } = around;
  const session = new Session({
    socket,
    stream,
    outgoing: hub.outgoing,
    ip: request.socket.remoteAddress ?? '',
    userAgent: request.headers['user-agent'] ?? '',
    now: around.now,
    messageMs: o.messageMs ?? 1_000,
    framesPerS: o.framesPerS ?? FRAMES_PER_S,
  });
  hub.sessions.add(session);
  const place = { ...around, session };
  const inbox = new Inbox<Said | Refused, Refused | undefined>({
    handle: (said) => handle(said, place),
    answered: (refused) => refused && session.error(refused.code, refused.message),
    onFault: (error) => {
      o.door.onFault(error, 'a frame of the hub');
      session.error('INVALID_MSG', 'something went wrong inside this node; its log says what');
    },
  });
  socket.on('pong', (data: Buffer) => {
    session.heardMs = performance.now();
    session.ponged(data.toString('utf8'));
  });
  socket.on('error', () => socket.terminate());
  // Whole messages come as one buffer.
  socket.on('message', (data: Buffer, isBinary) => {
    session.heardMs = performance.now();
    const text = isBinary ? '' : data.toString('utf8');
    const isChunk = session.member !== undefined && text.startsWith('{"type":"FILE_CHUNK"');
    if (!isChunk && !session.mayFrame()) return session.close(CLOSE.policy, 'too many frames');
    const said = nameOf(text);
    if (!inbox.take(said, mayOverlap(said, text))) session.close(CLOSE.policy, 'too many frames');
  });
  // What it sent before it went is carried out first.
  socket.once('close', () => {
    void inbox
      .end()
      .then(() => hub.gone(session))
      .catch((error: unknown) => o.door.onFault(error, 'the hub'));
  });
}
