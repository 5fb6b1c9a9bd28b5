/** A git server and a registry of npm on a loopback address, for tests: real git answers (`git http-backend`), with real packages. */
import { execFileSync, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import { createServer as createPlain } from 'node:http';
import { createServer as createSealed } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../certificate.ts';

/** A loopback address that no tool takes for the box's own. */
const HERE = '127.0.0.9';
/** A few files on a busy machine: only a hang takes so long. */
const LIMIT_MS = 60_000;

export type GitServer = {
  /** `host:port` of each: `/demo.git` and, for npm, `/npm/`. The sealed one has a certificate that nobody vouches for. */
  plain: string;
  sealed: string;
  /** What they were asked. */
  asked: string[];
  close(): Promise<void>;
};

export async function openGitServer(): Promise<GitServer> {
  const dir = mkdtempSync(join(tmpdir(), 'sk-git-'));
  const asked: string[] = [];
  makeRepository(dir);
  const tarball = makePackage(dir);
  const [git, npm] = [backend(dir), registry(tarball)];
  const handle: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    ((request.url ?? '').startsWith('/npm/') ? npm : git)(request, response);
  };
  const { keyFile, certFile } = await makeCertificate(dir, 'git.example');
  const sealed = createSealed({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, handle);
  const servers = [createPlain(handle), sealed];
  const [plainPort, sealedPort] = [await listen(servers[0]), await listen(servers[1])];
  return {
    plain: `${HERE}:${plainPort}`,
    sealed: `${HERE}:${sealedPort}`,
    asked,
    close: async () => {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => void server.close(resolve));
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function listen(server: Server | undefined): Promise<number> {
  await new Promise<void>((resolve) => void server?.listen(0, HERE, resolve));
  const address = server?.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return address.port;
}

function run(cwd: string, program: string, args: readonly string[]): void {
  execFileSync(program, args, { cwd, stdio: 'pipe', timeout: LIMIT_MS });
}

function makeRepository(dir: string): void {
  const work = join(dir, 'work');
  mkdirSync(work);
  const git = (...args: string[]): void =>
    run(work, 'git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]);
  git('init', '-q', '-b', 'main');
  writeFileSync(join(work, 'README'), 'the demo\n');
  git('add', '.');
  git('commit', '-qm', 'Begin');
  git('clone', '-q', '--bare', work, join(dir, 'demo.git'));
}

/** A package `one`. */
function makePackage(dir: string): Buffer {
  mkdirSync(join(dir, 'package'));
  writeFileSync(join(dir, 'package/package.json'), '{"name":"one","version":"1.0.0","main":"one.js"}');
  writeFileSync(join(dir, 'package/one.js'), 'module.exports = "one is here";\n');
  run(dir, 'tar', ['-czf', 'one.tgz', 'package']);
  return readFileSync(join(dir, 'one.tgz'));
}

/** As its manual has it, for reading. */
function backend(dir: string): RequestListener {
  return (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const env = {
      PATH: process.env['PATH'] ?? '',
      GIT_PROJECT_ROOT: dir,
      GIT_HTTP_EXPORT_ALL: '1',
      // The folder may be another user's: a clean machine's git looks for who owns it.
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: path,
      QUERY_STRING: query,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
    };
    const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'], timeout: LIMIT_MS });
    request.pipe(child.stdin);
    child.stdin.on('error', () => {});
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    child.once('close', () => {
      const all = Buffer.concat(pieces);
      const at = all.indexOf('\r\n\r\n');
      const head = all.subarray(0, at).toString('latin1').split('\r\n');
      const status = head.find((line) => line.startsWith('Status: '));
      for (const line of head.filter((one) => one !== status && one.includes(':')))
        response.setHeader(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim());
      response.writeHead(status === undefined ? 200 : Number(status.slice('Status: '.length, 11)));
      response.end(all.subarray(at + 4));
    });
  };
}

function registry(tarball: Buffer): RequestListener {
  return (request, response) => {
    if ((request.url ?? '').endsWith('.tgz')) return void response.end(tarball);
    if (request.url !== '/npm/one') return void response.writeHead(404).end('{}');
    const dist = {
      tarball: `http://${request.headers.host}/npm/one/-/one-1.0.0.tgz`,
      integrity: `sha512-${hash('sha512', tarball, 'base64')}`,
    };
    const version = { name: 'one', version: '1.0.0', dist };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ name: 'one', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }));
  };
}
