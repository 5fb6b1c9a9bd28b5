import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LOGIN_CODE_LIFE_MS, SESSION_LIFE_MS } from '#door/sessions.ts';
import { Tokens } from '#door/tokens.ts';
import { raw } from './http-client.ts';
import type { Raw } from './http-client.ts';
import type { Served } from './serve.ts';
import { serve, TOKEN } from './serve.ts';

describe('tokens', () => {
  let dir: string;
  let nowMs = 1_000_000;
  const open = (environmentToken?: string): Promise<Tokens> =>
    Tokens.open({ dataDir: dir, now: () => nowMs, environmentToken });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'skep-tokens-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('begin with the own one of the operator, made once, for the owner alone', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    const file = join(dir, 'token');
    const text = (await readFile(file, 'utf8')).trim();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    for (const tokens of [one, two, await open()]) {
      expect(tokens.verify(text)).toEqual({ principal: 'user:operator', role: 'operator' });
      expect(tokens.verify(`${text}x`)).toBeUndefined();
      expect(tokens.verify('')).toBeUndefined();
    }
  });

  it('of the environment stands in for the file, which is not made', async () => {
    const tokens = await open('from the environment');
    expect(tokens.verify('from the environment')).toMatchObject({ role: 'operator' });
    await expect(stat(join(dir, 'token'))).rejects.toThrow('ENOENT');
    await open('');
    expect(await stat(join(dir, 'token'))).toBeDefined();
  });

  it('are kept as hashes, by name, and known to every node of the directory', async () => {
    const [one, two] = [await open(), await open()];
    const made = await one.create({ name: 'ci', role: 'viewer' });
    if ('refused' in made) throw new Error(made.message);
    await two.refresh();
    expect(two.verify(made.token)).toEqual({ principal: 'user:ci', role: 'viewer' });
    const file = join(dir, 'tokens.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain(made.token);
    expect(await two.create({ name: 'ci', role: 'operator' })).toMatchObject({ code: 'conflict' });
    expect(await two.create({ name: 'operator', role: 'operator' })).toMatchObject({ code: 'conflict' });
    await one.refresh();
    expect(await two.remove('ci')).toBe('removed');
    nowMs += 600;
    expect(one.isDue()).toBe(false);
    expect(one.verify(made.token)).toBeDefined();
    nowMs += 600;
    expect(one.isDue()).toBe(true);
    await one.refresh();
    expect(one.verify(made.token)).toBeUndefined();
    expect(await one.remove('ci')).toMatchObject({ code: 'not_found' });
    expect(await one.remove('operator')).toMatchObject({ code: 'conflict' });
  });

  it('made at one time are all kept', async () => {
    const tokens = await open();
    await Promise.all(Array.from({ length: 20 }, (_, n) => tokens.create({ name: `t${n}`, role: 'viewer' })));
    expect((await open()).list()).toHaveLength(21);
  });

  it.each(['{"tokens":', '{"tokens":[{"name":"x"}]}', '[]'])('in a broken file stop the start: %s', async (text) => {
    await writeFile(join(dir, 'tokens.json'), text);
    await expect(open()).rejects.toThrow('is not a list of tokens');
  });

  it('in an empty file stop the start', async () => {
    await writeFile(join(dir, 'token'), '\n');
    await expect(open()).rejects.toThrow('is empty');
  });
});

describe('browsers', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(() => served.close());

  const code = async (body: unknown = {}): Promise<string> =>
    z.object({ code: z.string() }).parse(await (await served.post('/api/login-codes', body)).json()).code;
  const get = (path: string, headers: Record<string, string> = {}): Promise<Raw> =>
    raw(served.http.port, { method: 'GET', path, headers });
  async function login(body: unknown = {}): Promise<string> {
    const answer = await get(`/login?code=${await code(body)}`);
    return answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  }
  const post = (cookie: string, headers: Record<string, string>): Promise<Raw> =>
    raw(served.http.port, {
      method: 'POST',
      path: '/api/posts',
      body: '{"content":"x"}',
      headers: { cookie, 'content-type': 'application/json', ...headers },
    });

  it('log in once a code', async () => {
    const made = await served.post('/api/login-codes', {});
    const answer = z
      .object({ code: z.string(), path: z.string(), url: z.string(), role: z.string(), expires_at: z.string() })
      .parse(await made.json());
    expect(answer).toMatchObject({
      role: 'operator',
      path: `/login?code=${answer.code}`,
      url: `${served.http.url}login?code=${answer.code}`,
    });
    const first = await get(answer.path);
    expect([first.status, first.headers.location]).toEqual([303, '/']);
    expect(first.headers['set-cookie']).toEqual([
      expect.stringMatching(/^skep_a{8}=[\w-]{32}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    const second = await get(answer.path);
    expect([second.status, second.headers['set-cookie']]).toEqual([401, undefined]);
    expect(second.text).toContain('skep open');
    expect((await get('/login?code=guessed')).status).toBe(401);
    expect((await get('/login')).status).toBe(200);
  });

  it('log in no later than ten minutes after, and for a week', async () => {
    const late = await code();
    served.node.wallMs += LOGIN_CODE_LIFE_MS;
    expect((await get(`/login?code=${late}`)).status).toBe(401);
    const cookie = await login();
    expect((await get('/api/swarm/status', { cookie })).status).toBe(200);
    served.node.wallMs += SESSION_LIFE_MS;
    expect((await get('/api/swarm/status', { cookie })).status).toBe(401);
  });

  it('see the page when logged in, else how to log in', async () => {
    const cookie = await login();
    expect((await get('/')).text).toContain('skep open');
    const page = await get('/', { cookie });
    expect([page.status, /<script[^>]* src="\.\/page\/index-[^"]+\.js"/.test(page.text)]).toEqual([200, true]);
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self'"),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    });
    const etag = page.headers.etag ?? '';
    expect((await get('/', { cookie, 'if-none-match': etag })).status).toBe(304);
    expect((await get('/', { 'if-none-match': etag })).status).toBe(200);
    const sources = [...page.text.matchAll(/(?:src|href)="\.\/(page\/[^"]+)"/g)].map(([, path]) => `/${path}`);
    expect(sources.length).toBeGreaterThan(2);
    for (const path of sources) {
      const file = await get(path);
      expect([path, file.status]).toEqual([path, 200]);
      expect(file.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    }
    const style = await get(sources.find((path) => path.endsWith('.css')) ?? '', { 'accept-encoding': 'gzip' });
    expect(style.headers['content-encoding']).toBe('gzip');
    expect((await get('/page/index.html')).status).toBe(404);
    expect((await get('/page/..%2f..%2fpackage.json')).status).toBe(404);
    expect(page.text).not.toMatch(/<script(?![^>]*src=)|style="|onclick=/);
  });

  it('change things only from a page of this node', async () => {
    const cookie = await login();
    const port = served.http.port;
    const own = { origin: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}` };
    expect((await post(cookie, own)).status).toBe(201);
    expect((await post(cookie, { 'sec-fetch-site': 'same-origin' })).status).toBe(201);
    const foreign: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-origin' },
    ];
    for (const headers of foreign) expect([headers, (await post(cookie, headers)).status]).toEqual([headers, 403]);
    expect((await get('/api/events', { cookie })).status).toBe(403);
    expect((await get('/api/swarm/status', { cookie })).status).toBe(200);
  });

  it('may do what their code allowed, until its token is taken back', async () => {
    const cookie = await login({ role: 'viewer' });
    expect((await post(cookie, { 'sec-fetch-site': 'same-origin' })).status).toBe(403);
    const made = z
      .object({ token: z.string() })
      .parse(await (await served.post('/api/tokens', { name: 'ann', role: 'operator' })).json());
    const answer = await served.post('/api/login-codes', {}, { authorization: `Bearer ${made.token}` });
    const own = await get(z.object({ path: z.string() }).parse(await answer.json()).path);
    const anns = own.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect((await get('/api/swarm/status', { cookie: anns })).status).toBe(200);
    expect(await served.json('/api/tokens')).toMatchObject([
      { name: 'operator', created_at: null },
      { name: 'eyes' },
      { name: 'ann', role: 'operator' },
    ]);
    expect((await served.fetch('/api/tokens/ann', { method: 'DELETE' })).status).toBe(200);
    expect((await get('/api/swarm/status', { cookie: anns })).status).toBe(401);
    expect((await served.fetch('/api/swarm/status', { token: made.token })).status).toBe(401);
  });

  it('and their wrong cookies are nobody', async () => {
    for (const cookie of ['skep_aaaaaaaa=x', 'skep_aaaaaaaa', `${await login()}x`, ';;=']) {
      expect((await get('/api/swarm/status', { cookie })).status).toBe(401);
      expect((await get('/health', { cookie })).text).toBe('{"status":"ok"}\n');
    }
  });

  it('ask with HEAD and OPTIONS and learn nothing more', async () => {
    const auth = { authorization: `Bearer ${TOKEN}` };
    const head = await raw(served.http.port, { method: 'HEAD', path: '/api/swarm/status', headers: auth });
    expect([head.status, head.text]).toEqual([200, '']);
    const options = await raw(served.http.port, { method: 'OPTIONS', path: '/api/swarm/tasks', headers: {} });
    expect([options.status, options.headers.allow, options.headers['access-control-allow-origin']]).toEqual([
      204,
      'GET, POST, HEAD',
      undefined,
    ]);
  });
});
