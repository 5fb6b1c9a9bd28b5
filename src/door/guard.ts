/** What HTTP checks before it reads a body: which name was called, from which page, and by whom. */
import { isIPv4, isIPv6 } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { DoorCaller } from './caller.ts';
import { agentCaller, unknownToken } from './caller.ts';
import type { Door } from './door.ts';
import type { DoorRefusal } from './refusal.ts';
import { isRefusal, refused, shown } from './refusal.ts';

/** Names that this node answers to. A page of another site that made its own name point here sends that name, and is turned away. */
export type Site = {
  /** Host names without ports, lower case. */
  hosts: ReadonlySet<string>;
  /** Host name of the proxy in front, if any; it may come with any port. */
  proxyHost: string | undefined;
  /** Name of the session's cookie: other nodes on this host name have other ones, since cookies know no ports. */
  cookie: string;
};

/** True for addresses that only this machine can call. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

export type Visitor = {
  caller: DoorCaller | undefined;
  /** Known by cookie alone, which browsers send whoever asks them to. */
  byCookie: boolean;
};

const NOBODY: Visitor = { caller: undefined, byCookie: false };

/** The name and the page that a request comes by; undefined when both are fine. */
export function placeRefusal(message: IncomingMessage, site: Site): DoorRefusal | undefined {
  const { host, origin } = message.headers;
  if (!isOwnHost(host, message.socket.localAddress, site)) {
    const expected = 'the name under which this node serves: localhost, its address, or the host of its proxy';
    return refused('forbidden', 'Host not allowed', { expected, got: shown(host) });
  }
  if (origin === undefined || isOwnOrigin(origin, host ?? '', site)) return undefined;
  return refused('forbidden', 'Origin not allowed', { expected: 'the page of this node', got: shown(origin) });
}

/** Who asks: by token, else by cookie, else nobody in particular. A wrong token is refused wherever it is shown. */
export function visitorOf(message: IncomingMessage, site: Site, door: Door): Visitor | DoorRefusal {
  const { authorization, cookie, 'sec-websocket-protocol': protocols } = message.headers;
  if (authorization !== undefined) return holderOf(/^Bearer +(\S+)$/i.exec(authorization)?.[1], door);
  const offered = PROTOCOL_TOKEN.exec(protocols ?? '')?.[1];
  if (offered !== undefined) return holderOf(offered, door);
  const value = cookie === undefined ? undefined : cookieOf(cookie, site.cookie);
  const caller = value === undefined ? undefined : door.sessions.caller(value);
  return caller === undefined ? NOBODY : { caller, byCookie: true };
}

/** The WebSocket that a client speaks; it is chosen where it is offered. */
export const PROTOCOL = 'skep';
/**
 * Scripts in a browser can send no header with a WebSocket, but name what they speak: `new WebSocket(url, ['skep', 'skep.token.<token>'])`. A
 * token in the URL would lie in histories and logs, and is read nowhere.
 */
const PROTOCOL_TOKEN = /(?:^|,)[ \t]*skep\.token\.([^\s,]+)/;

function holderOf(token: string | undefined, door: Door): Visitor | DoorRefusal {
  const caller = token === undefined ? undefined : (door.tokens.verify(token) ?? agentCaller(token, door));
  if (caller === undefined) return unknownToken();
  return isRefusal(caller) ? caller : { caller, byCookie: false };
}

/**
 * A cookie alone proves nothing about who made the browser ask: for what changes something, and for the stream, the browser must also say that
 * it was a page of this node (checked already when there is an `Origin`).
 */
export function cookieRefusal(message: IncomingMessage, visitor: Visitor, isStream: boolean): DoorRefusal | undefined {
  const changes = message.method !== 'GET' && message.method !== 'HEAD';
  if (!visitor.byCookie || !(changes || isStream)) return undefined;
  const { origin, 'sec-fetch-site': site } = message.headers;
  if (origin !== undefined || site === 'same-origin') return undefined;
  return refused('forbidden', 'a logged-in browser may ask this only from the page of this node', {
    expected: 'an Origin, or Sec-Fetch-Site: same-origin',
    got: shown(site),
  });
}

function isOwnHost(host: string | undefined, localAddress: string | undefined, site: Site): boolean {
  const name = hostName(host ?? '');
  // An address is no name that somebody else could point here.
  const address = localAddress?.replace(/^::ffff:/, '');
  return name !== undefined && (site.hosts.has(name) || name === site.proxyHost || name === address);
}

function isOwnOrigin(origin: string, host: string, site: Site): boolean {
  const url = URL.parse(origin);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.host === host.toLowerCase() || unbracketed(url.hostname) === site.proxyHost;
}

/** `localhost:9090` → `localhost`, `[::1]:9090` → `::1`; undefined for what is no host. */
export function hostName(host: string): string | undefined {
  const [, v6, name] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(host) ?? [];
  if (v6 !== undefined) return isIPv6(v6) ? v6.toLowerCase() : undefined;
  return name?.toLowerCase();
}

const unbracketed = (name: string): string => name.replace(/^\[(.*)\]$/, '$1');

function cookieOf(header: string, name: string): string | undefined {
  for (const part of header.split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}
