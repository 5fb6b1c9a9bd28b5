/** A plain HTTP client that sends what it is told: `fetch` chooses Host and Origin by itself. */
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

export type Raw = { status: number; headers: IncomingHttpHeaders; text: string };

/** Resolves with the first answer, also when the server answers before it has read the body. */
export function raw(
  port: number,
  o: { method: string; path: string; headers?: Record<string, string>; body?: string | Buffer; chunked?: boolean },
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const framing: Record<string, string | number> =
      o.chunked === true
        ? { 'transfer-encoding': 'chunked' }
        : o.body === undefined
          ? {}
          : { 'content-length': Buffer.byteLength(o.body) };
    let answered = false;
    const sent = request({
      host: '127.0.0.1',
      port,
      method: o.method,
      path: o.path,
      headers: { ...framing, ...o.headers },
      agent: false,
    });
    sent.on('response', (response) => {
      answered = true;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    sent.on('error', (error) => {
      if (!answered) reject(error);
    });
    sent.end(o.body);
  });
}
