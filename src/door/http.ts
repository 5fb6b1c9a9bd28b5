/** HTTP: where it listens, under which names, and how it stops. What it answers is the table's. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { Door } from './door.ts';
import type { Site } from './guard.ts';
import { hostName, isLoopback } from './guard.ts';
import { HttpAnswers, JSON_HEADERS } from './http-answer.ts';
import { BODY_MAX_BYTES, buildApp, malformedAnswer } from './http-app.ts';
import { HttpStreams } from './http-events.ts';
import { shown } from './refusal.ts';
import { isWebSocketRequest, WebSockets } from './websockets.ts';

/** A client gets so long to send its request: enough for a full body over a slow line. */
const REQUEST_MAX_MS = 120_000;
/**
 * An idle connection is kept so long, longer than clients keep theirs: whoever closes it first must be the one that asks, or a question meets a
 * connection that has just been closed, and is lost.
 */
const IDLE_MAX_MS = 75_000;
/** Connections at once: each stream holds one, each browser up to six. */
const CONNECTIONS_MAX = 1_024;
/** Requests under way get so long to end when the node stops. */
const CLOSE_MAX_MS = 2_000;
/** Aliases may be 128 characters, each of them written as three. */
const PARAM_MAX_CHARS = 600;

export type HttpOptions = {
  door: Door;
  port: number;
  /** Address to listen on. Beyond loopback it needs `tls` or `behindProxy`. */
  bind: string;
  tls?: { certFile: string; keyFile: string } | undefined;
  /** `skep.example.org`, `skep.example.org:8443` or `skep.example.org/skep`: a proxy there ends TLS, and takes the path off. */
  behindProxy?: string | undefined;
  /** Further names under which this node is called. */
  hosts?: readonly string[] | undefined;
  /** Between two comments that keep a silent stream open. */
  heartbeatMs?: number | undefined;
  /** Between two `status` frames of a WebSocket. */
  statusMs?: number | undefined;
};

export type HttpDoor = {
  readonly port: number;
  /** Address of the page, ending with a slash. */
  readonly url: string;
  /** Ends streams and requests. Idempotent, bounded. */
  close(): Promise<void>;
};

/** Why HTTP does not start. Nothing listens then. */
export class HttpStartError extends Error {
  readonly code: 'insecure_bind' | 'bad_tls' | 'bad_host' | 'port_in_use';

  constructor(code: HttpStartError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HttpStartError';
    this.code = code;
  }
}

/** Rejects with {@link HttpStartError}, or with what the system said, when it cannot listen as asked. */
export async function startHttp(o: HttpOptions): Promise<HttpDoor> {
  if (!isLoopback(o.bind) && o.tls === undefined && o.behindProxy === undefined) {
    const what = `HTTP on ${o.bind} can be reached by others and would carry tokens in clear text`;
    throw new HttpStartError('insecure_bind', `${what}: give --tls-cert and --tls-key, or --behind-proxy HOST`);
  }
  const proxy = o.behindProxy === undefined ? undefined : proxyOf(o.behindProxy);
  const site = siteOf(o, proxy);
  const secure = o.tls !== undefined || proxy !== undefined;
  const { app, server } = serverOf(o.tls);
  const streams = new HttpStreams(o.heartbeatMs);
  const answers = new HttpAnswers({ streams, site, base: proxy?.base ?? '/', secure });
  const websockets = new WebSockets({ door: o.door, site, statusMs: o.statusMs });
  server.on('upgrade', (message, connection, head) => void websockets.upgrade(message, connection, head));
  let closing: Promise<void> | undefined;
  buildApp(app, { door: o.door, site, answers, isClosing: () => closing !== undefined });
  await listen(app, o);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : o.port;
  const own = `${o.tls === undefined ? 'http' : 'https'}://${urlHost(o.bind)}:${port}/`;
  const url = proxy === undefined ? own : `https://${proxy.host}${proxy.base}`;
  o.door.site.url = url;
  const close = (): Promise<void> => (closing ??= closeAll({ app, server, streams, websockets }));
  return { port, url, close };
}

type Proxy = {
  /** With port, as in a URL. */ host: string;
  name: string;
  /** Begins and ends with a slash. */ base: string;
};

function proxyOf(text: string): Proxy {
  const url = URL.parse(`https://${text}`);
  if (
    url === null ||
    text.includes('//') ||
    hostName(url.host) === undefined ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== ''
  ) {
    throw new HttpStartError('bad_host', `--behind-proxy: ${shown(text)} is no HOST, HOST:PORT or HOST/PATH`);
  }
  const base = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  return { host: url.host, name: hostName(url.host) ?? url.hostname, base };
}

function siteOf(o: HttpOptions, proxy: Proxy | undefined): Site {
  const own = ['localhost', '127.0.0.1', '::1', ...(o.hosts ?? [])];
  const bound = o.bind === '0.0.0.0' || o.bind === '::' ? [] : [o.bind];
  return {
    hosts: new Set([...own, ...bound].map((name) => name.toLowerCase())),
    proxyHost: proxy?.name,
    cookie: `skep_${o.door.node.info.self.slice(0, 8)}`,
  };
}

/** An address that listens everywhere is called by a name of this machine. */
const urlHost = (bind: string): string =>
  bind === '0.0.0.0' || bind === '::' ? 'localhost' : bind.includes(':') ? `[${bind}]` : bind;

function serverOf(tls: HttpOptions['tls']): { app: FastifyInstance; server: Server } {
  let server: Server | undefined;
  const app = fastify({
    serverFactory: (handler) => {
      const made =
        tls === undefined
          ? createServer({ shouldUpgradeCallback: isWebSocketRequest }, handler)
          : tlsServer(tls, handler);
      made.maxConnections = CONNECTIONS_MAX;
      made.requestTimeout = REQUEST_MAX_MS;
      made.keepAliveTimeout = IDLE_MAX_MS;
      server = made;
      return made;
    },
    bodyLimit: BODY_MAX_BYTES,
    routerOptions: { maxParamLength: PARAM_MAX_CHARS },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    frameworkErrors: (_error, request, reply) => {
      reply.raw.writeHead(400, JSON_HEADERS).end(malformedAnswer(shown(request.url)));
    },
    clientErrorHandler: (error, socket) => {
      if (!socket.writable) {
        socket.destroy();
        return;
      }
      const text = malformedAnswer(error.code ?? 'text that is no HTTP');
      const length = `Content-Length: ${Buffer.byteLength(text)}`;
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\n${length}\r\n\r\n${text}`,
      );
    },
  });
  if (server === undefined) throw new Error('fastify made no server');
  return { app, server };
}

function tlsServer(tls: { certFile: string; keyFile: string }, handler: RequestListener): Server {
  try {
    const [cert, key] = [readFileSync(tls.certFile), readFileSync(tls.keyFile)];
    const options = { cert, key, minVersion: 'TLSv1.2', shouldUpgradeCallback: isWebSocketRequest } as const;
    return createTlsServer(options, handler);
  } catch (cause) {
    throw new HttpStartError('bad_tls', `${tls.certFile} and ${tls.keyFile} are no certificate and its key in PEM`, {
      cause,
    });
  }
}

async function listen(app: FastifyInstance, o: HttpOptions): Promise<void> {
  try {
    await app.listen({ port: o.port, host: o.bind });
  } catch (cause) {
    await app.close();
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== 'EADDRINUSE') throw cause;
    throw new HttpStartError('port_in_use', `port ${o.port} on ${o.bind} is taken: choose another --http-port`, {
      cause,
    });
  }
}

type Parts = { app: FastifyInstance; server: Server; streams: HttpStreams; websockets: WebSockets };

async function closeAll({ app, server, streams, websockets }: Parts): Promise<void> {
  streams.close();
  websockets.close();
  const timer = setTimeout(() => {
    server.closeAllConnections();
    // An upgraded connection is the server's no more, but the server waits for it.
    websockets.terminate();
  }, CLOSE_MAX_MS);
  await app.close();
  clearTimeout(timer);
}
