import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { userPrincipal } from '#core/brand.ts';
import { startHttp } from '#door/http.ts';
import type { HttpOptions } from '#door/http.ts';
import { makeCertificate } from '../certificate.ts';
import { raw } from './http-client.ts';
import type { Served } from './serve.ts';
import { serve, TOKEN } from './serve.ts';

describe('HTTP', () => {
  let served: Served;
  let dir: string;
  beforeAll(async () => {
    served = await serve();
    dir = await mkdtemp(join(tmpdir(), 'skep-http-'));
  });
  afterAll(async () => {
    await served.close();
    await rm(dir, { recursive: true });
  });

  const start = (o: Partial<HttpOptions>) => startHttp({ door: served.door, port: 0, bind: '127.0.0.1', ...o });

  it.each(['0.0.0.0', '::', '192.0.2.1'])('does not listen on %s in clear text', async (bind) => {
    await expect(start({ bind })).rejects.toMatchObject({ name: 'HttpStartError', code: 'insecure_bind' });
  });

  it('says which port is taken', async () => {
    await expect(start({ port: served.http.port })).rejects.toMatchObject({ code: 'port_in_use' });
  });

  it('says which files are no certificate', async () => {
    const file = join(dir, 'none.pem');
    await expect(start({ tls: { certFile: file, keyFile: file } })).rejects.toMatchObject({ code: 'bad_tls' });
    await writeFile(file, 'nothing');
    await expect(start({ tls: { certFile: file, keyFile: file } })).rejects.toMatchObject({ code: 'bad_tls' });
  });

  it.each(['http://x', 'a b', 'x?y', 'user@x'])('says that %s is no host', async (behindProxy) => {
    await expect(start({ behindProxy })).rejects.toMatchObject({ code: 'bad_host' });
  });

  it('serves behind a proxy under its name and path', async () => {
    const http = await start({ behindProxy: 'skep.example.org/hive' });
    expect(http.url).toBe('https://skep.example.org/hive/');
    const auth = { authorization: `Bearer ${TOKEN}` };
    const ask = (headers: Record<string, string>) =>
      raw(http.port, { method: 'GET', path: '/health', headers: { ...auth, ...headers } });
    expect((await ask({ host: 'skep.example.org' })).status).toBe(200);
    expect((await ask({ host: 'skep.example.org:443', origin: 'https://skep.example.org' })).status).toBe(200);
    expect((await ask({ origin: 'https://skep.example.org' })).status).toBe(200);
    expect((await ask({ host: 'example.org' })).status).toBe(403);
    expect((await ask({ host: 'skep.example.org', origin: 'https://example.org' })).status).toBe(403);
    const { code } = served.door.sessions.createCode({ principal: userPrincipal('x'), role: 'viewer' });
    const login = await raw(http.port, { method: 'GET', path: `/login?code=${code}` });
    expect(login.headers.location).toBe('/hive/');
    expect(login.headers['set-cookie']?.[0]).toMatch(/; Path=\/hive\/; HttpOnly; SameSite=Strict; Secure$/);
    await http.close();
  });

  it('answers to names it was given, and to its loopback names', async () => {
    const http = await start({ hosts: ['Hive.lan'] });
    const health = async (port: number, host: string): Promise<number> =>
      (await raw(port, { method: 'GET', path: '/health', headers: { host } })).status;
    for (const host of ['localhost', '127.0.0.1:1', '[::1]:9090', 'LOCALHOST', 'hive.lan:80']) {
      expect([host, await health(http.port, host)]).toEqual([host, 200]);
    }
    for (const host of ['hive.lan.evil', '[::1', 'localhost:port', '::1']) {
      expect([host, await health(http.port, host)]).toEqual([host, 403]);
    }
    await http.close();
  });

  it('speaks TLS with a certificate of its own', async () => {
    const tls = await makeCertificate(dir, 'localhost');
    const http = await start({ tls });
    expect(http.url).toBe(`https://127.0.0.1:${http.port}/`);
    const status = await new Promise((resolve, reject) => {
      const sent = request({
        host: '127.0.0.1',
        port: http.port,
        path: '/health',
        rejectUnauthorized: false,
        agent: false,
      });
      sent
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await http.close();
  });

  it.each([
    'NONSENSE\r\n\r\n',
    'GET /health HTTP/1.1\r\n\r\n',
    `GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  ])('refuses what is no HTTP, in JSON', async (text) => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = createConnection(served.http.port, '127.0.0.1', () => socket.write(text));
      let got = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk) => (got += String(chunk)));
      socket.on('close', () => resolve(got)).on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
  });

  it('tells nothing of a fault but that there was one', async () => {
    served.node.knobs.agentOutput = async () => {
      throw new Error('secret detail');
    };
    await served.post('/api/swarm/agents', { name: 'sh', tool: 'shell' });
    const answer = await served.fetch('/api/swarm/agents/sh/output');
    expect([answer.status, await answer.json()]).toMatchObject([
      500,
      { code: 'internal', error: expect.not.stringContaining('secret') },
    ]);
    expect(served.faults).toMatchObject([{ message: 'secret detail' }]);
  });

  it('closes twice, at once, with a stream and an idle connection open', async () => {
    const http = await start({});
    const stream = await fetch(new URL('/api/events', http.url), { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(stream.status).toBe(200);
    await Promise.all([http.close(), http.close()]);
    await stream.text();
    await expect(fetch(new URL('/health', http.url))).rejects.toThrow('fetch failed');
  });
});
