/**
 * One POST to a place that an operator named. Its name is looked up once, the address that was looked at is the one that is dialled, and it is a public
 * one: whoever may name a URL must not reach what listens in the network of this node.
 */
import type { IncomingMessage } from 'node:http';
import { request as askHttp } from 'node:http';
import { request as askHttps } from 'node:https';
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isPublic } from '../relay/addresses.ts';
import type { Lookup } from '../relay/dial.ts';
import { addressesOf, firstReached } from '../relay/dial.ts';

/** Longer than a server that is asked to take a message in should need; it can put the work off. */
export const POST_MAX_MS = 10_000;

export type Post = {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
  allowPrivate: boolean;
  lookup: Lookup | undefined;
  /** For the connection, and then for the answer. */
  limitMs: number;
  /** Whose certificates are believed, in PEM; those of the system when undefined. */
  ca: string | undefined;
  signal: AbortSignal;
};

/** Undefined: it was taken. Else why not, in words that hold nothing of what was sent. A redirect is not followed: it could lead anywhere. */
export async function post(o: Post): Promise<string | undefined> {
  const addresses = await addressesOf(hostOf(o.url), o.lookup);
  if (addresses.length === 0) return 'nobody knows the name';
  const may = addresses.filter((address) => o.allowPrivate || isPublic(address));
  if (may.length === 0) return 'the name leads to an address that is not public';
  const reached = await firstReached(may, { port: portOf(o.url), limitMs: o.limitMs });
  if (reached === undefined) return 'nobody answers there';
  try {
    const status = await answered(o, reached.socket);
    return status >= 200 && status < 300 ? undefined : `it answered ${status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    reached.socket.destroy();
  }
}

/** True where no address of the name, as far as it is known, is public: a webhook to it would never deliver. */
export async function isPrivate(url: URL, lookup: Lookup | undefined): Promise<boolean> {
  const addresses = await addressesOf(hostOf(url), lookup);
  return addresses.length > 0 && !addresses.some(isPublic);
}

function answered({ url, headers, body, signal, limitMs, ca }: Post, socket: Socket): Promise<number> {
  const isSecure = url.protocol === 'https:';
  const host = hostOf(url);
  const way = isSecure ? connectTls({ socket, ...nameOf(host), ALPNProtocols: ['http/1.1'], ca }) : socket;
  return new Promise((resolve, reject) => {
    const ask = isSecure ? askHttps : askHttp;
    const length = { 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
    const asked = ask(url, {
      method: 'POST',
      headers: { ...headers, ...length },
      createConnection: () => way,
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    });
    way.once('error', reject);
    asked.once('error', (error) => reject(error.name === 'AbortError' ? new Error('no answer in time') : error));
    asked.once('response', (answer: IncomingMessage) => {
      // What it says is of no interest, however long it is.
      answer.destroy();
      resolve(answer.statusCode ?? 0);
    });
    asked.end(body);
  });
}

/** The certificate must be of this name; an address is no name that TLS sends. */
const nameOf = (host: string): { servername: string } | { host: string } =>
  isIP(host) === 0 ? { servername: host } : { host };

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');
const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));
