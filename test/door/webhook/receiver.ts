/** A server on loopback that takes what webhooks tell, answers as it is told to, and keeps what came. */
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

export type Told = { path: string; headers: IncomingHttpHeaders; body: string; json: Record<string, unknown> };

/** Far above what a loaded machine needs. */
const WAIT_MAX_MS = 60_000;

export type Receiver = {
  url: string;
  told: Told[];
  /** What is answered from now on; `location` is sent with a redirect. */
  answers: { status: number; location?: string };
  until(found: () => boolean): Promise<void>;
  close(): Promise<void>;
};

export async function receive(): Promise<Receiver> {
  const told: Told[] = [];
  const answers: Receiver['answers'] = { status: 204 };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      const json: Record<string, unknown> = JSON.parse(body);
      told.push({ path: request.url ?? '', headers: request.headers, body, json });
      const { status, location } = answers;
      response.writeHead(status, location === undefined ? {} : { location });
      response.end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${at.port}/in`,
    told,
    answers,
    until,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** Looks until it is so. */
export async function until(found: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MAX_MS;
  while (!(await found())) {
    if (performance.now() > endMs) throw new Error('waited in vain');
    await wait(5);
  }
}
