/** Where a node's mesh can be dialled: `192.0.2.7:7000`, `[2001:db8::7]:7000`, `builder.example:7000`. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';

/** `host` is bare: an IPv6 address stands in brackets only in the text of an address. */
export type Address = { readonly host: string; readonly port: number };

const expected = 'host:port, for example 192.0.2.7:7000, [2001:db8::7]:7000 or builder.example:7000';
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/;

/** Reads an address. The refusal says what is wrong with the text. */
export function parseAddress(text: string): Address | Refusal {
  const match = /^(?:\[(?<inner>[^\]]*)\]|(?<bare>[^:[\]]*)):(?<port>[0-9]{1,5})$/.exec(text.trim());
  if (match?.groups === undefined)
    return refuse(
      text,
      isIPv6(text) ? 'an IPv6 address needs brackets and a port' : 'host and port are not both there',
    );
  const { inner, bare, port: digits } = match.groups;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return refuse(text, 'a port is a number from 1 to 65535');
  if (inner !== undefined) {
    return isIPv6(inner) ? { host: plainHost(inner), port } : refuse(text, 'brackets must hold an IPv6 address');
  }
  const host = (bare ?? '').toLowerCase();
  // Digits and dots alone are meant as an IPv4 address; a resolver would take `1.2` for one as well.
  const named = /^[0-9.]*$/.test(host) ? isIPv4(host) : NAME.test(host);
  return named ? { host, port } : refuse(text, 'the host is neither an address nor a name');
}

const refuse = (got: string, problem: string): Refusal =>
  refusal('invalid', `"${got}" is no address: ${problem}`, { expected, got });

export const isAddress = (parsed: ReturnType<typeof parseAddress>): parsed is Address => !('refused' in parsed);

export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** One spelling a host: lower case, and an IPv4 address that a dual-stack socket reports as `::ffff:192.0.2.7` is that IPv4 address. */
export function plainHost(host: string): string {
  const lower = host.toLowerCase();
  const mapped = lower.startsWith('::ffff:') ? lower.slice('::ffff:'.length) : '';
  return isIPv4(mapped) ? mapped : lower;
}

/** True for addresses that mean another machine to whoever else reads them: loopback, and IPv6 with a zone. */
export const isHostOfOneMachine = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.')) || host.includes('%');
