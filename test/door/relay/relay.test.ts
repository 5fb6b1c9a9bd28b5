/** The relay of a box: what goes through, with whose credential, and what does not. */
import { existsSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refused } from '#door/refusal.ts';
import { KEY, RelayRig } from './relay-rig.ts';

let rig: RelayRig;
beforeEach(async () => {
  rig = await new RelayRig().open();
});
afterEach(() => rig.close());

const PIECE = Buffer.alloc(1024 * 1024);

describe('the relay', () => {
  it.each([
    ['POST', '/v1/messages?beta=true', '/base/v1/messages?beta=true', 'anthropic'],
    ['POST', '/v1/messages/count_tokens', '/base/v1/messages/count_tokens', 'anthropic'],
    ['POST', '/v1/responses', '/base/responses', 'openai'],
    ['POST', '/v1/chat/completions', '/base/chat/completions', 'openai'],
    ['GET', '/v1/models?limit=3', '/base/models?limit=3', 'openai'],
    [
      'POST',
      '/v1beta/models/m-1:streamGenerateContent?alt=sse',
      '/base/v1beta/models/m-1:streamGenerateContent?alt=sse',
      'gemini',
    ],
  ])('lets %s %s through, with the credential of the node', async (method, path, url, service) => {
    const answer = await rig.ask({ method, path, body: method === 'GET' ? '' : '{"a":1}' });
    expect(answer).toMatchObject({ status: 200, text: '{"ok":true}' });
    expect(rig.seen).toMatchObject([{ method, url, headers: { 'x-api-key': `${KEY} ${service}` } }]);
  });

  it('asks the other service for its models where a version of it is named', async () => {
    await rig.ask({ method: 'GET', path: '/v1/models', headers: { 'anthropic-version': '2023-06-01' }, body: '' });
    expect(rig.seen).toMatchObject([{ url: '/base/v1/models', headers: { 'x-api-key': `${KEY} anthropic` } }]);
  });

  it('passes no credential, cookie or address of the box on, and none back', async () => {
    const forged = {
      authorization: 'Bearer forged',
      'x-api-key': 'forged',
      'x-goog-api-key': 'forged',
      'proxy-authorization': 'forged',
      cookie: 'forged',
      'x-forwarded-for': 'forged',
      host: 'forged',
      'anthropic-beta': 'b-1',
    };
    const { headers } = await rig.ask({ path: '/v1/messages?key=forged&beta=true', headers: forged });
    expect(JSON.stringify(rig.seen)).not.toContain('forged');
    expect(rig.seen).toMatchObject([{ headers: { 'x-api-key': `${KEY} anthropic`, 'anthropic-beta': 'b-1' } }]);
    expect(headers['request-id']).toBe('r1');
    expect(headers['set-cookie']).toBeUndefined();
    expect(headers.location).toBeUndefined();
  });

  it.each([
    ['GET', '/v1/messages'],
    ['DELETE', '/v1/messages'],
    ['POST', '/v1/messages/'],
    ['POST', '/v1/messages/batches'],
    ['POST', '/v1/messages/../files'],
    ['POST', '/v1/./messages'],
    ['POST', '/v1/%6dessages'],
    ['POST', '//elsewhere.example/v1/messages'],
    ['POST', '/v1/files'],
    ['GET', '/v1/organizations/api_keys'],
    ['POST', '/v1beta/models/../files:generateContent'],
    ['POST', `/v1/messages?beta=${'x'.repeat(1_000)}`],
    ['GET', '/'],
  ])('refuses %s %s, and asks nobody', async (method, path) => {
    const answer = await rig.ask({ method, path, body: '' });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({
      type: 'error',
      error: { code: 'forbidden', message: 'a box may not ask that' },
    });
    expect(rig.seen).toEqual([]);
    expect(rig.told).toMatchObject([{ method, status: 403 }]);
  });

  it('passes on what comes as it comes', async () => {
    const first = Promise.withResolvers<string>();
    rig.plays = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('one');
      // The second piece is sent once the first has been read: a relay that gathers would wait for ever.
      void first.promise.then(() => response.end('two'));
    };
    const pieces: string[] = [];
    await new Promise((resolve) => {
      const asked = request({ socketPath: rig.path, method: 'POST', path: '/v1/messages' }, (answer) => {
        answer.setEncoding('utf8').on('data', (piece: string) => {
          pieces.push(piece);
          first.resolve(piece);
        });
        answer.on('end', resolve);
      });
      asked.end('{}');
    });
    expect(pieces).toEqual(['one', 'two']);
  });

  it('asks nobody for an agent whose budget is used up', async () => {
    rig.over = 'the budget of alice for today (UTC) is used up: $2.0000 of $2';
    const answer = await rig.ask({ path: '/v1/messages' });
    expect(answer.status).toBe(402);
    expect(answer.text).toContain('is used up');
    expect(rig.seen).toEqual([]);
  });

  it.each([
    ['one whole', { 'content-length': String(33 * PIECE.length) }],
    ['one in pieces', { 'transfer-encoding': 'chunked' }],
  ])('refuses a body above its bound: %s', async (_what, headers) => {
    const body = Array.from({ length: 33 }, () => PIECE);
    expect(await rig.ask({ path: '/v1/messages', headers, body })).toMatchObject({ status: 413 });
    expect(rig.seen).toEqual([]);
  });

  it('says that a service is away, and not why', async () => {
    rig.url = 'http://127.0.0.1:1/';
    const answer = await rig.ask({ path: '/v1/messages' });
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain('127.0.0.1');
  });

  it('passes a refusal of the service on as it is', async () => {
    rig.plays = (response) => response.writeHead(429, { 'retry-after': '7' }).end('{"error":"slow"}');
    expect(await rig.ask({ path: '/v1/messages' })).toMatchObject({
      status: 429,
      headers: { 'retry-after': '7' },
      text: '{"error":"slow"}',
    });
  });

  it('stops asking when the box is gone', async () => {
    const gone = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    rig.plays = (response) => {
      response.once('close', gone.resolve);
      begun.resolve();
    };
    const asked = request({ socketPath: rig.path, method: 'POST', path: '/v1/messages' });
    asked.on('error', () => {});
    asked.end('{}');
    await begun.promise;
    asked.destroy();
    await gone.promise;
    await expect.poll(() => rig.told).toMatchObject([{ status: 0 }]);
  });

  it('tells of each request once: how much, how long, and nothing of what', async () => {
    await rig.ask({ path: '/v1/messages?beta=true', body: '{"a":1}' });
    await expect.poll(() => rig.told).toHaveLength(1);
    const [told] = rig.told;
    expect(told).toEqual({
      method: 'POST',
      path: '/v1/messages',
      status: 200,
      sentBytes: 7,
      receivedBytes: 11,
      tookMs: expect.any(Number),
    });
  });

  it('has a pace: a burst, then so many a second', async () => {
    const ask = async (count: number): Promise<string[]> => {
      const answers: string[] = [];
      for (let n = 0; n < count; n++) {
        const { status, headers } = await rig.ask({ method: 'GET', path: '/', body: '' });
        answers.push(`${status} ${headers['retry-after'] ?? ''}`);
      }
      return answers;
    };
    expect(await ask(101)).toEqual([...Array.from({ length: 100 }, () => '403 '), '429 1']);
    rig.nowMs = 1_000;
    expect(await ask(11)).toEqual([...Array.from({ length: 10 }, () => '403 '), '429 1']);
  });
});

describe('a relay with the token of a login', () => {
  it.each([
    [{}, 'oauth-2025-04-20'],
    [{ 'anthropic-beta': 'b-1, b-2' }, 'b-1,b-2,oauth-2025-04-20'],
    [{ 'anthropic-beta': 'oauth-2025-04-20,b-1' }, 'oauth-2025-04-20,b-1'],
  ])('asks for the beta of logins beside %j', async (headers, beta) => {
    const login = new RelayRig();
    const upstream = { headers: { authorization: 'Bearer x' }, beta: 'oauth-2025-04-20' };
    await login.open({ upstream: () => ({ url: login.url, ...upstream }) });
    await login.ask({ path: '/v1/messages', headers });
    expect(login.seen).toMatchObject([{ headers: { 'anthropic-beta': beta, authorization: 'Bearer x' } }]);
    await login.close();
  });
});

describe('a relay whose socket is removed', () => {
  it('is there again, and the request that is under way goes on', async () => {
    const begun = Promise.withResolvers<ServerResponse>();
    rig.plays = (response) => begun.resolve(response);
    const first = rig.ask({ path: '/v1/messages' });
    const response = await begun.promise;
    rmSync(rig.path);
    await expect.poll(() => existsSync(rig.path), { timeout: 60_000 }).toBe(true);
    rig.plays = (other) => other.end('second');
    await expect
      .poll(() => rig.ask({ path: '/v1/messages' }).catch(() => undefined), { timeout: 60_000 })
      .toMatchObject({
        status: 200,
        text: 'second',
      });
    response.end('first');
    expect(await first).toMatchObject({ status: 200, text: 'first' });
    expect(rig.faults).toEqual([]);
  });
});

describe('the relay of a node that lacks something', () => {
  it('says what is missing, or that its log says more', async () => {
    const missing = await new RelayRig().open({ upstream: () => refused('driver_unavailable', 'no credential') });
    expect(await missing.ask({ path: '/v1/messages' })).toMatchObject({ status: 422 });
    await missing.close();
    const fault = new Error('a disk that fails');
    const failing = await new RelayRig().open({
      upstream: () => {
        throw fault;
      },
    });
    const answer = await failing.ask({ path: '/v1/messages' });
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('disk');
    expect(failing.faults).toEqual([fault]);
    await failing.close();
  });
});
