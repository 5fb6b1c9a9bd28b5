/** Fastify with the routes of the table: what comes in is checked and turned into a {@link DoorRequest}, what comes out into HTTP. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Action } from '#core/policy.ts';
import { allowed } from '#core/policy.ts';
import type { Door } from './door.ts';
import type { Site, Visitor } from './guard.ts';
import { cookieRefusal, placeRefusal, visitorOf } from './guard.ts';
import type { HttpAnswers } from './http-answer.ts';
import { addMcp } from './mcp/http.ts';
import type { DoorRefusal } from './refusal.ts';
import { isRefusal, noRoute, refusalJson, refused, shown } from './refusal.ts';
import type { DoorRequest, RequestBody, Route } from './route.ts';
import { callRoute } from './route.ts';
import { matchRoute, routes } from './table.ts';
import { HEADER } from './webhook/signature.ts';

/** A request's body; a task's description may be as long. */
export const BODY_MAX_BYTES = 8 * 1024 * 1024;
const KEY_MAX_CHARS = 255;

declare module 'fastify' {
  interface FastifyRequest {
    visitor: Visitor;
    /** The body as it came. */
    bodyText: string;
  }
  interface FastifyContextConfig {
    route?: Route;
    /** Row of the policy table, where there is no route. */
    action?: Action;
  }
}

type Parts = { door: Door; site: Site; answers: HttpAnswers; isClosing: () => boolean };

/** Adds hooks, parsers and routes to a fresh fastify. */
export function buildApp(app: FastifyInstance, parts: Parts): void {
  const { answers, door } = parts;
  app.decorateRequest('visitor');
  app.decorateRequest('bodyText', '');
  app.addHook('onRequest', (request, reply, done) => {
    const enter = (): void => {
      const refusal = entryRefusal(request, parts);
      if (refusal === undefined) done();
      else answers.refuse(reply, refusal);
    };
    // Waits for a disk only when it must: this is on the way of every request.
    if (door.tokens.isDue()) door.tokens.refresh().then(enter, done);
    else enter();
  });
  addParsers(app);
  app.setNotFoundHandler((request, reply) => notFound(request, reply, answers));
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error, request);
    if (refusal.code === 'internal')
      door.onFault(error, `${request.method} ${request.routeOptions.url ?? pathOf(request.url)}`);
    return answers.refuse(reply, refusal);
  });
  for (const route of routes) addRoute(app, route, parts);
  addMcp(app, parts);
}

function addRoute(app: FastifyInstance, route: Route, { door, answers }: Parts): void {
  app.route({
    method: route.method === 'GET' && !isStream(route) ? ['GET', 'HEAD'] : route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    config: { route },
    ...(route.bodyMaxBytes === undefined ? {} : { bodyLimit: route.bodyMaxBytes }),
    handler: async (request, reply) => {
      if (route.answer === 'websocket') return answers.refuse(reply.header('upgrade', 'websocket'), UPGRADE_REQUIRED);
      const asked = doorRequest(request);
      if (isRefusal(asked)) return answers.refuse(reply, asked);
      return answers.answer(request, reply, await callRoute(route, asked, request.visitor.caller, door));
    },
  });
}

/** Everything that can be known before the body: nothing of a refused request is read. */
function entryRefusal(request: FastifyRequest, parts: Parts): DoorRefusal | undefined {
  const { site, door } = parts;
  if (parts.isClosing()) return refused('stopping', 'this node is stopping');
  const place = placeRefusal(request.raw, site);
  if (place !== undefined) return place;
  const visitor = visitorOf(request.raw, site, door);
  if (isRefusal(visitor)) return visitor;
  request.visitor = visitor;
  const { route, action = route?.action } = request.routeOptions.config;
  if (action !== undefined && visitor.caller === undefined && !allowed(undefined, action)) {
    const expected = 'Authorization: Bearer <token>; the token of this node is in its data directory';
    return refused('unauthorised', 'a token is needed', { expected, got: 'none' });
  }
  if (Number(request.headers['content-length'] ?? 0) > bodyMaxBytes(request)) return bodyTooLarge(request);
  return cookieRefusal(request.raw, visitor, route !== undefined && isStream(route));
}

const isStream = ({ answer }: Route): boolean => answer === 'events' || answer === 'websocket';

const UPGRADE_REQUIRED = refused('upgrade_required', 'this is a WebSocket', {
  expected: 'Upgrade: websocket; for server-sent events: GET /api/events',
  got: 'a plain request',
});

/** Only JSON is a body. What is no JSON is told apart here and refused by the route, whose text for it the seed names. */
function addParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    request.bodyText = String(text);
    done(null, bodyOf(request.bodyText));
  });
}

function bodyOf(text: string): RequestBody {
  if (text === '') return { kind: 'none' };
  try {
    return { kind: 'json', value: JSON.parse(text) };
  } catch {
    return { kind: 'text' };
  }
}

function doorRequest(request: FastifyRequest): DoorRequest | DoorRefusal {
  const { 'idempotency-key': key, 'last-event-id': last } = request.headers;
  const idempotencyKey = typeof key === 'string' ? key : undefined;
  if (idempotencyKey !== undefined && (idempotencyKey === '' || idempotencyKey.length > KEY_MAX_CHARS)) {
    const expected = `1 to ${KEY_MAX_CHARS} characters`;
    return refused('invalid', 'Idempotency-Key is not usable', { expected, got: shown(idempotencyKey) });
  }
  const params = textsOf(request.params);
  if (Object.values(params).includes('')) return noRoute(pathOf(request.url));
  return {
    params,
    query: request.query,
    body: isBody(request.body) ? request.body : { kind: 'none' },
    idempotencyKey,
    lastEventId: typeof last === 'string' ? last : undefined,
    signed: signedOf(request),
  };
}

function signedOf({ headers, bodyText: body }: FastifyRequest): DoorRequest['signed'] {
  const { [HEADER.timestamp]: timestamp, [HEADER.signature]: signature } = headers;
  if (typeof timestamp !== 'string' || typeof signature !== 'string') return undefined;
  return { timestamp, signature, body };
}

const isBody = (body: unknown): body is RequestBody => typeof body === 'object' && body !== null && 'kind' in body;

const textsOf = (params: unknown): Record<string, string> =>
  typeof params === 'object' && params !== null
    ? Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
    : {};

const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';

function notFound(request: FastifyRequest, reply: FastifyReply, answers: HttpAnswers): FastifyReply {
  const path = pathOf(request.url);
  const match = matchRoute(request.method, path);
  if (match.kind !== 'method') return answers.refuse(reply, noRoute(path));
  reply.header('allow', match.allow.join(', '));
  if (request.method === 'OPTIONS') return reply.code(204).send();
  const detail = { expected: match.allow.join(' | '), got: request.method };
  return answers.refuse(reply, refused('method_not_allowed', 'Method not allowed', detail));
}

const bodyMaxBytes = ({ routeOptions }: FastifyRequest): number =>
  routeOptions.config.route?.bodyMaxBytes ?? BODY_MAX_BYTES;

const bodyTooLarge = (request: FastifyRequest): DoorRefusal =>
  refused('too_large', 'the body is too large', {
    expected: `at most ${bodyMaxBytes(request)} bytes`,
    got: shown(request.headers['content-length']),
  });

const malformed = (got: string): DoorRefusal =>
  refused('invalid', 'the request is not well formed', { expected: 'HTTP/1.1 as any client writes it', got });

/** Answers what is no HTTP request at all, or one whose path cannot be read: no hook and no route ever sees it. */
export const malformedAnswer = (got: string): string => `${JSON.stringify(refusalJson(malformed(got)))}\n`;

/** What fastify itself refuses, in our words; anything else is a bug of ours. */
function refusalOf(error: unknown, request: FastifyRequest): DoorRefusal {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return bodyTooLarge(request);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const got = shown(request.headers['content-type']);
      return refused('unsupported_type', 'the body must be JSON', { expected: 'Content-Type: application/json', got });
    }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_BAD_URL':
      return malformed(shown(request.url));
    default:
      return refused('internal', 'something went wrong inside this node; its log says what');
  }
}
