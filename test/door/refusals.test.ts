import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessOf } from '#core/policy.ts';
import { STATUS_OF } from '#door/refusal.ts';
import type { Route } from '#door/route.ts';
import { routes } from '#door/table.ts';
import { raw } from './http-client.ts';
import type { Raw } from './http-client.ts';
import { bad, badQueries, good, NOBODY, textForNoJson } from './refusal-cases.ts';
import type { Served } from './serve.ts';
import { serve, TOKEN } from './serve.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const AUTH = { authorization: `Bearer ${TOKEN}` };

const named = (route: Route): string => `${route.method} ${route.path}`;
const pathOf = (route: Route, id = NOBODY): string =>
  route.path.replace('{id}', id).replace('{name}', 'nobody').replace('{token}', id);
const bodyOf = (route: Route): { body?: string; headers?: Record<string, string> } => {
  const body = good[named(route)];
  return body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_TYPE };
};
const each = (some: (route: Route) => boolean): [string, Route][] =>
  routes.filter(some).map((route) => [named(route), route]);
const changes = (route: Route): boolean => route.method !== 'GET';

describe('refusals', () => {
  let served: Served;
  let before: number;
  beforeAll(async () => {
    served = await serve();
    before = served.node.store.lastArrival();
  });
  afterAll(() => served.close());

  const ask = (
    route: Route,
    headers: Record<string, string>,
    rest: { body?: string | Buffer; path?: string; method?: string } = {},
  ) => {
    const own = bodyOf(route);
    const body = rest.body ?? own.body;
    return raw(served.http.port, {
      method: rest.method ?? route.method,
      path: rest.path ?? pathOf(route),
      headers: { ...own.headers, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  };

  /** One shape for all, the status that belongs to the code, nothing stored, and no fault of ours. */
  function expectRefusal(
    answer: Raw,
    code: keyof typeof STATUS_OF,
  ): { error: string; expected: string | null; got: string | null } {
    const json: unknown = JSON.parse(answer.text);
    expect(json).toEqual({
      error: expect.stringMatching(/./),
      code,
      expected: expect.toBeOneOf([null, expect.any(String)]),
      got: expect.toBeOneOf([null, expect.any(String)]),
    });
    expect(answer.status).toBe(STATUS_OF[code]);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(served.node.store.lastArrival()).toBe(before);
    expect(served.faults).toEqual([]);
    return JSON.parse(answer.text);
  }

  it.each(each((route) => accessOf(route.action) !== 'public'))('%s without a token', async (_name, route) => {
    const answer = await ask(route, {});
    expectRefusal(answer, 'unauthorised');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it.each(each(() => true))('%s with a wrong token', async (_name, route) => {
    expectRefusal(await ask(route, { authorization: `Bearer ${TOKEN}x` }), 'unauthorised');
    expectRefusal(await ask(route, { authorization: `Basic ${TOKEN}` }), 'unauthorised');
  });

  it.each(each((route) => accessOf(route.action) === 'operator'))('%s as a viewer', async (_name, route) => {
    expectRefusal(await ask(route, { authorization: `Bearer ${served.viewer}` }), 'forbidden');
  });

  it.each(each(() => true))('%s under a wrong Host', async (_name, route) => {
    for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.1:9090', 'localhost@evil.example']) {
      expectRefusal(await ask(route, { ...AUTH, host }), 'forbidden');
    }
  });

  it.each(each(() => true))('%s from a foreign Origin', async (_name, route) => {
    const port = served.http.port;
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${port + 1}`, `http://localhost:${port}`]) {
      const answer = await ask(route, { ...AUTH, origin, host: `127.0.0.1:${port}` });
      expectRefusal(answer, 'forbidden');
    }
  });

  it.each(each(() => true))('%s by a wrong method', async (_name, route) => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST']) {
      if (routes.some((other) => other.method === method && other.path === route.path)) continue;
      const answer = await raw(served.http.port, { method, path: pathOf(route), headers: AUTH });
      expectRefusal(answer, 'method_not_allowed');
      expect(answer.headers.allow?.split(', ')).toContain(route.method);
    }
  });

  it.each(each(changes))('%s with a body that is no JSON', async (name, route) => {
    for (const body of ['{"title":', 'title=x', '\u0000']) {
      const answer = await ask(route, { ...AUTH, ...JSON_TYPE }, { body });
      const { error, got } = expectRefusal(answer, 'invalid');
      expect(got).toBe('text that is no JSON');
      expect(error).toBe(textForNoJson[name] ?? 'the body is no JSON object');
    }
  });

  it.each(each(changes))('%s with a body of another type', async (_name, route) => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonx',
      'multipart/form-data',
    ]) {
      expectRefusal(await ask(route, { ...AUTH, 'content-type': type }, { body: '{}' }), 'unsupported_type');
    }
  });

  it.each(each(() => true))('%s with 10 MB', async (_name, route) => {
    const body = Buffer.alloc(10_000_000, 0x20);
    expectRefusal(await ask(route, { ...AUTH, ...JSON_TYPE }, { body }), 'too_large');
  });

  it.each(each(changes))('%s with 10 MB of unknown length', async (_name, route) => {
    const chunked = { method: route.method, path: pathOf(route), body: Buffer.alloc(10_000_000, 0x20), chunked: true };
    expectRefusal(await raw(served.http.port, { ...chunked, headers: { ...AUTH, ...JSON_TYPE } }), 'too_large');
  });

  it.each(each((route) => route.path.includes('{')))('%s of something unknown', async (name, route) => {
    for (const id of [NOBODY, 'nobody', '..%2f..%2fetc', 'cccc-7', `${'c'.repeat(32)}-0`]) {
      const answer = await ask(route, AUTH, { path: pathOf(route, id) });
      expectRefusal(answer, name === 'POST /api/swarm/tasks/{id}/cancel' ? 'conflict' : 'not_found');
    }
  });

  it.each(bad)('%s with %j', async (name, body, error, got) => {
    const route = routes.find((one) => named(one) === name);
    if (route === undefined) throw new Error(`no route ${name}`);
    const answer = await ask(route, { ...AUTH, ...JSON_TYPE }, { body: JSON.stringify(body) });
    const refusal = expectRefusal(answer, 'invalid');
    expect(refusal.error).toBe(error);
    expect(refusal.got).toBe(got ?? refusal.got);
  });

  it.each(badQueries)('GET %s', async (path) => {
    expectRefusal(await raw(served.http.port, { method: 'GET', path, headers: AUTH }), 'invalid');
  });

  it.each(['/nowhere', '/api/swarm', '/api/swarm/tasks/', '/api/swarm/tasks//cancel', '/page/../package.json'])(
    'GET %s',
    async (path) => {
      const { error } = expectRefusal(await raw(served.http.port, { method: 'GET', path, headers: AUTH }), 'not_found');
      expect(error).toBe('Not found');
    },
  );

  it('an Idempotency-Key that is too long', async () => {
    const route = routes.find((one) => named(one) === 'POST /api/posts');
    if (route === undefined) throw new Error('no such route');
    expectRefusal(await ask(route, { ...AUTH, 'idempotency-key': 'k'.repeat(256) }), 'invalid');
  });

  it('what the node refuses keeps its code', async () => {
    served.node.knobs.appendRefusal = { refused: true, code: 'stopping', message: 'this node is stopping' };
    const route = routes.find((one) => named(one) === 'POST /api/posts');
    if (route === undefined) throw new Error('no such route');
    expectRefusal(await ask(route, AUTH), 'stopping');
    delete served.node.knobs.appendRefusal;
  });

  it('every route with a body is in the tables above', () => {
    const withBody = routes.filter(
      (route) => changes(route) && !('def' in route.body && route.body.type === 'unknown'),
    );
    expect(withBody.map(named).toSorted()).toEqual(Object.keys(good).toSorted());
  });
});
