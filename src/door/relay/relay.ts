/**
 * The relay of one box: a unix socket that speaks HTTP, shown in the box alone. Whoever holds it is that agent. What it asks of a model goes on with
 * the credential of the node; whatever it says of itself does not. What names its own server, as a request to a proxy does, goes where an operator
 * lets the box go, with nothing of the node's.
 */
import { chmod } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import { TokenBucket } from '#core/token-bucket.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { DoorRefusal } from '../refusal.ts';
import { clearSocket, keepBound } from '../socket-server.ts';
import type { EgressOptions } from './egress.ts';
import { Egress } from './egress.ts';
import type { Relayed } from './exchange.ts';
import { Exchange } from './exchange.ts';
import { askedHeaders, withBeta } from './headers.ts';
import type { ModelService } from './model-paths.ts';
import { ALLOWED_WORDS, modelPathOf } from './model-paths.ts';

/** Where a model answers, by what it knows who pays, and what of Anthropic's betas that credential needs beside those that the tool asks for. */
export type Upstream = { url: string; headers: Readonly<Record<string, string>>; beta?: string };

/** The agent whose box it is, as the relay needs it. All is asked at each request: what an operator says counts from the next one on. */
export type RelayedAgent = {
  upstream: (service: ModelService) => Upstream | DoorRefusal;
  /** Why it may ask no model now: its budget. */
  overBudget: () => string | undefined;
  /** Places that were listed for it, as `host:port`. */
  egress: () => readonly string[];
  told: (relayed: Relayed) => void;
  /** A bug or a failing disk; the box has been told nothing of it. */
  onFault: (error: unknown) => void;
};

const MODE = 0o600;
/** Connections of one box. A tool has a handful. */
const CLIENTS_MAX = 64;
/** Requests of one box: a tool makes one a second where it is quick. */
const PACE = { perSecond: 10, burst: 100 } as const;
const PACE_RETRY_S = '1';
/** Of the ways out of one box: an installation of many packages asks for each. */
const EGRESS_PACE = { perSecond: 100, burst: 500 } as const;
/** Whoever begins a request ends its head by then. */
const HEAD_MAX_MS = 30_000;

export type Relay = { close(): Promise<void> };

/** Listens at `path`, whose folder is there, in the place of whatever an earlier node left. Rejects when the system refuses. */
export async function startRelay(o: {
  path: string;
  agent: RelayedAgent;
  /** By which the pace is measured; without it the clock of this process. */
  nowMs?: () => number;
  /** Of this relay's ways out, where they are not the usual ones. */
  egress?: Pick<EgressOptions, 'lookup' | 'bounds'>;
  headMaxMs?: number;
}): Promise<Relay> {
  await clearSocket(o.path);
  const nowMs = o.nowMs ?? (() => performance.now());
  const [bucket, ways] = [new TokenBucket(PACE, nowMs()), new TokenBucket(EGRESS_PACE, nowMs())];
  const egress = new Egress({ listed: o.agent.egress, told: o.agent.told, ...o.egress });
  const headMaxMs = o.headMaxMs ?? HEAD_MAX_MS;
  const server = createServer(
    { headersTimeout: headMaxMs, connectionsCheckingInterval: headMaxMs },
    (request, response) => {
      const exchange = new Exchange({ request, response, told: o.agent.told });
      const isModel = isForModel(request);
      if ((isModel ? bucket : ways).tryTake(1, nowMs()))
        return void answer(request, exchange, { ...o.agent, way: egress });
      response.setHeader('retry-after', PACE_RETRY_S);
      const expected = `at most ${isModel ? PACE.perSecond : EGRESS_PACE.perSecond} a second`;
      exchange.refuse(refused('too_many', 'this box asks too often', { expected }), 429);
    },
  );
  server.on('connect', (request, client, head) => {
    if (ways.tryTake(1, nowMs())) return void egress.tunnel(request, client, head);
    client.on('error', () => {});
    client.end(`HTTP/1.1 429 Too Many Requests\r\nretry-after: ${PACE_RETRY_S}\r\nconnection: close\r\n\r\n`);
  });
  server.maxConnections = CLIENTS_MAX;
  // A tool that asks on a connection which is just being closed would take it for an outage.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.path, resolve);
  });
  await chmod(o.path, MODE);
  const kept = keepBound({ server, path: o.path, mode: MODE, onFault: o.agent.onFault });
  const close = async (): Promise<void> => {
    await kept.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
      egress.close();
    });
  };
  let closing: Promise<void> | undefined;
  return { close: () => (closing ??= close()) };
}

/** What asks a model names a path alone. */
const isForModel = ({ url = '' }: IncomingMessage): boolean => url.startsWith('/');

type WithWay = RelayedAgent & { way: Egress };

/** Never rejects. */
async function answer(request: IncomingMessage, exchange: Exchange, agent: WithWay): Promise<void> {
  try {
    await serve(request, exchange, agent);
  } catch (error) {
    agent.onFault(error);
    exchange.refuse(refused('internal', 'something went wrong in the node; its log says more'));
  }
}

async function serve(request: IncomingMessage, exchange: Exchange, agent: WithWay): Promise<void> {
  if (!isForModel(request)) return agent.way.pass(request, exchange);
  const { method = '', url = '', headers } = request;
  const wanted = modelPathOf({ method, url, headers });
  if (wanted === undefined) {
    const detail = { expected: ALLOWED_WORDS, got: shown(`${method} ${url.split('?', 1)[0] ?? ''}`) };
    return exchange.refuse(refused('forbidden', 'a box may not ask that', detail));
  }
  const over = agent.overBudget();
  // No tool asks again after this one.
  if (over !== undefined) return exchange.refuse(refused('forbidden', over), 402);
  const upstream = agent.upstream(wanted.service);
  if (isRefusal(upstream)) return exchange.refuse(upstream);
  const to = new URL(`${upstream.url.replace(/\/+$/, '')}${wanted.path}`);
  return exchange.pass({
    url: to,
    headers: { ...withBeta(askedHeaders(headers), upstream.beta), ...upstream.headers },
  });
}
