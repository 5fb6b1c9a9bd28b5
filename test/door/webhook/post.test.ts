/** Servers that do not do what a webhook expects of them, and one that speaks TLS. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Post } from '#door/webhook/post.ts';
import { post } from '#door/webhook/post.ts';
import { makeCertificate } from '../../certificate.ts';

const BODY = '{"text":"x"}';
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return at.port;
}

function sent(url: string, o: Partial<Post> = {}): Promise<string | undefined> {
  const { signal } = new AbortController();
  const rest = { headers: { 'content-type': 'application/json' }, body: BODY, ca: undefined, signal };
  const lookup = async (): Promise<string[]> => ['127.0.0.1'];
  return post({ url: new URL(url), ...rest, allowPrivate: true, lookup, limitMs: 30_000, ...o });
}

describe('a server', () => {
  it.each<[string, RequestListener, RegExp]>([
    ['that hangs up', (request) => void request.socket.destroy(), /socket hang up|ECONNRESET/],
    ['that speaks no HTTP', (request) => void request.socket.end('ssh\n'), /^Parse Error/],
    ['that answers with an error', (_request, response) => void response.writeHead(503).end(), /^it answered 503$/],
  ])('%s has not taken it', async (_name, handle, why) => {
    const port = await listening(createServer(handle));
    expect(await sent(`http://127.0.0.1:${port}/`)).toMatch(why);
  });

  it('that does not answer is given up after a while', async () => {
    const port = await listening(createServer(() => {}));
    expect(await sent(`http://127.0.0.1:${port}/`, { limitMs: 100 })).toBe('no answer in time');
  });

  it('that answers without an end has taken it', async () => {
    const port = await listening(createServer((_request, response) => void response.writeHead(200).write('…')));
    expect(await sent(`http://127.0.0.1:${port}/`)).toBeUndefined();
  });

  it('that is not there, or that nobody knows, has not', async () => {
    const port = await listening(createServer());
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    expect(await sent(`http://127.0.0.1:${port}/`)).toBe('nobody answers there');
    expect(await sent('http://nowhere.example/', { lookup: async () => [] })).toBe('nobody knows the name');
  });
});

describe('a server with TLS', () => {
  let dir: string;
  let pem: { key: string; cert: string };
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'skep-hook-tls-'));
    const { keyFile, certFile } = await makeCertificate(dir, 'hooks.example.org');
    pem = { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('is told where its certificate is believed and bears its name, and nothing reaches another', async () => {
    const bodies: string[] = [];
    const server = createSecureServer(pem, (request, response) => {
      request.setEncoding('utf8').on('data', (piece: string) => bodies.push(piece));
      request.on('end', () => response.writeHead(200).end());
    });
    const port = await listening(server);
    expect(await sent(`https://hooks.example.org:${port}/in`)).toContain('self-signed certificate');
    expect(await sent(`https://other.example.org:${port}/in`, { ca: pem.cert })).toContain(
      "does not match certificate's altnames",
    );
    expect(await sent(`https://127.0.0.1:${port}/in`, { ca: pem.cert })).toContain(
      "does not match certificate's altnames",
    );
    expect(bodies).toEqual([]);
    expect(await sent(`https://hooks.example.org:${port}/in`, { ca: pem.cert })).toBeUndefined();
    expect(bodies).toEqual([BODY]);
  });
});
