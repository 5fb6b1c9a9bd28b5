/**
 * Routes are data: one table that every door adapts. A door finds out who calls and hands in a request; parsing, authority, idempotency and
 * the answer are the same for all of them, here.
 */
import { hash } from 'node:crypto';
import type { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { Action } from '#core/policy.ts';
import { allowed } from '#core/policy.ts';
import type { DoorCaller } from './caller.ts';
import type { Door } from './door.ts';
import type { Sink } from './feed.ts';
import type { Asset } from './asset.ts';
import type { DoorRefusal } from './refusal.ts';
import type { Signed } from './webhook/signature.ts';
import { isRefusal, refusalJson, refusalOfIssue, refused, STATUS_OF } from './refusal.ts';

/** A request as a door hands it in. Nothing of it is trusted. */
export type DoorRequest = {
  /** Parts of the path by the names in the route's path, decoded. */
  params: Record<string, string>;
  query: unknown;
  body: RequestBody;
  idempotencyKey: string | undefined;
  /** Where a stream goes on: the event id a client saw last. */
  lastEventId: string | undefined;
  /** Of a request that says who it is by a signature over its body. */
  signed?: Signed | undefined;
};

/** `none`: the request had no body. `text`: it had one that is no JSON. */
export type RequestBody = { kind: 'none' } | { kind: 'json'; value: unknown } | { kind: 'text' };

export type Answer =
  | { kind: 'json'; status: number; body: unknown }
  | { kind: 'page'; status: number; asset: Asset }
  /** `session` is the value of the cookie to set. */
  | { kind: 'redirect'; location: string; session: string }
  /** The door opens the stream with its sink, and calls what it gets back when the client is gone. */
  | { kind: 'events'; open: (sink: Sink) => () => void };

export type Context<P, Q, B> = {
  door: Door;
  caller: DoorCaller | undefined;
  /** Principal of what this call appends. */
  by: Principal;
  params: P;
  query: Q;
  body: B;
  request: DoorRequest;
};

export type Method = 'GET' | 'POST' | 'DELETE';

type Shape<P, Q, B> = {
  method: Method;
  /** `/api/swarm/tasks/{id}` */
  path: string;
  /** One line for the documents. */
  summary: string;
  /** Row of the policy table. */
  action: Action;
  params: z.ZodType<P>;
  query: z.ZodType<Q>;
  body: z.ZodType<B>;
  /** Of the body, where less than any request's is enough. */
  bodyMaxBytes?: number;
  /** Status of the normal answer. */
  status: number;
};

/** A route of the table, its types folded into `call`. */
export type Route = Shape<unknown, unknown, unknown> & {
  /** What the answer's JSON looks like, or what else comes. */
  answer: z.ZodType | 'events' | 'websocket' | 'page';
  /** Which events come, where they do. */
  events?: string;
  /** Only for browsers: the page, its files, the login. */
  httpOnly: boolean;
  call(request: DoorRequest, caller: DoorCaller | undefined, door: Door): Promise<Answer>;
};

/** A route that answers with JSON of its `answer` schema. */
export function jsonRoute<P, Q, B, A>(
  shape: Shape<P, Q, B> & {
    answer: z.ZodType<A>;
    handle(context: Context<P, Q, B>): A | DoorRefusal | Promise<A | DoorRefusal>;
  },
): Route {
  return {
    ...shape,
    httpOnly: false,
    call: (request, caller, door) =>
      run(shape, { request, caller, door }, async (context) => {
        const body = await shape.handle(context);
        return isRefusal(body) ? body : { kind: 'json', status: shape.status, body };
      }),
  };
}

/** A route that answers with something else than one JSON value. */
export function otherRoute<P, Q, B>(
  shape: Shape<P, Q, B> & {
    answer: 'events' | 'websocket' | 'page';
    events?: string;
    httpOnly: boolean;
    handle(context: Context<P, Q, B>): Answer | DoorRefusal | Promise<Answer | DoorRefusal>;
  },
): Route {
  return {
    ...shape,
    call: (request, caller, door) => run(shape, { request, caller, door }, async (context) => shape.handle(context)),
  };
}

/** The one way in: parse, authorise, handle. Always answers; what a handler throws is recorded and answered as `internal`. */
export const callRoute = (
  route: Route,
  request: DoorRequest,
  caller: DoorCaller | undefined,
  door: Door,
): Promise<Answer> => route.call(request, caller, door);

export const refusalAnswer = (refusal: DoorRefusal): Answer => ({
  kind: 'json',
  status: STATUS_OF[refusal.code],
  body: refusalJson(refusal),
});

type Call = { request: DoorRequest; caller: DoorCaller | undefined; door: Door };

async function run<P, Q, B>(
  shape: Shape<P, Q, B>,
  call: Call,
  handle: (context: Context<P, Q, B>) => Promise<Answer | DoorRefusal>,
): Promise<Answer> {
  const { request, caller, door } = call;
  const where = `${shape.method} ${shape.path}`;
  try {
    const params = parsed(shape.params, request.params, 'path');
    const query = parsed(shape.query, request.query, 'query');
    const body = parsedBody(shape.body, request.body);
    if (!params.ok) return refusalAnswer(params.refusal);
    if (!query.ok) return refusalAnswer(query.refusal);
    if (!body.ok) return refusalAnswer(body.refusal);
    if (!allowed(caller, shape.action)) return refusalAnswer(notAllowed(caller, shape.action));
    const by = caller?.principal ?? userPrincipal('anonymous');
    const context = { door, caller, by, params: params.value, query: query.value, body: body.value, request };
    const answer = await once(shape.method, where, call, () => handle(context));
    return isRefusal(answer) ? refusalAnswer(answer) : answer;
  } catch (error) {
    door.onFault(error, where);
    return refusalAnswer(refused('internal', 'something went wrong inside this node; its log says what'));
  }
}

function notAllowed(caller: DoorCaller | undefined, action: Action): DoorRefusal {
  if (caller === undefined)
    return refused('unauthorised', 'a token is needed', { expected: 'Authorization: Bearer <token>' });
  return refused('forbidden', `your role may not do this`, { expected: `a role that may ${action}`, got: caller.role });
}

/** With an `Idempotency-Key`, a POST is handled once; whoever repeats it gets the first answer. */
async function once(
  method: Method,
  where: string,
  call: Call,
  handle: () => Promise<Answer | DoorRefusal>,
): Promise<Answer | DoorRefusal> {
  const { request, caller, door } = call;
  if (request.idempotencyKey === undefined || method !== 'POST') return handle();
  const scope = hash('sha256', canonicalJson([caller?.principal ?? '', where, request.params, request.idempotencyKey]));
  return door.idempotency.once(scope, canonicalJson([request.query, request.body]), handle);
}

type Parsed<T> = { ok: true; value: T } | { ok: false; refusal: DoorRefusal };

function parsed<T>(schema: z.ZodType<T>, input: unknown, place: string): Parsed<T> {
  const result = schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, refusal: refusalOfIssue(result.error, input, place) };
}

/** A body that is no JSON, or no object, is refused with the text that an empty one gets: the seed says `title is required` to all three. */
function parsedBody<T>(schema: z.ZodType<T>, body: RequestBody): Parsed<T> {
  if (body.kind === 'json' && (isObject(body.value) || schema.safeParse(body.value).success)) {
    return parsed(schema, body.value, 'body');
  }
  const empty = parsed(schema, {}, 'body');
  if (body.kind === 'none') return empty;
  const expected = 'a JSON object';
  const got = body.kind === 'text' ? 'text that is no JSON' : 'JSON that is no object';
  const message = empty.ok ? 'the body is no JSON object' : empty.refusal.message;
  return { ok: false, refusal: refused('invalid', message, { expected, got }) };
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
