/** Where a node announces itself: from which of its addresses, and to which broadcast addresses. */
import type { NetworkInterfaceInfo } from 'node:os';
import { isIPv4 } from 'node:net';

/** One of this node's addresses, and where announcements leave for from there. */
export type Place = { host: string; to: readonly string[] };

/** Everybody on this machine, and nobody else. */
export const LOOPBACK_BROADCAST = '127.255.255.255';
/** Everybody on the wire of the interface whose address the datagram is sent from. */
const LIMITED_BROADCAST = '255.255.255.255';

/** Bridges of containers may make many interfaces; no datagram of a node needs to leave by more of them. */
const PLACES_MAX = 16;

const isLoopback = (host: string): boolean => host === 'localhost' || host.startsWith('127.');
const isAny = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** True when a mesh that listens there is for this machine alone: then nothing of it is sent to others, and nothing of others is heard. */
export const isOfThisMachine = (bind: readonly string[]): boolean =>
  bind.length > 0 && bind.every((host) => isLoopback(host) || host === '::1');

/** Places of a mesh that listens at `bind`. Interfaces come and go: ask anew each time. IPv6 has no broadcast. */
export function placesOf(bind: readonly string[], interfaces: readonly NetworkInterfaceInfo[]): Place[] {
  const everywhere = bind.some(isAny);
  const near = bind.find(isLoopback);
  const local =
    near === undefined && !everywhere ? [] : [near === undefined || near === 'localhost' ? '127.0.0.1' : near];
  const outside = interfaces
    .filter((one) => one.family === 'IPv4' && !one.internal && (everywhere || bind.includes(one.address)))
    .map(({ address, netmask }) => ({
      host: address,
      to: [...directedBroadcast(address, netmask), LIMITED_BROADCAST],
    }));
  return [...local.map((host) => ({ host, to: [LOOPBACK_BROADCAST] })), ...outside].slice(0, PLACES_MAX);
}

/** `10.77.0.255` for 10.77.0.1 in 255.255.255.0; nothing where the network has no room for one (RFC 3021). */
function directedBroadcast(address: string, netmask: string): string[] {
  if (!isIPv4(address) || !isIPv4(netmask)) return [];
  const mask = numberOf(netmask);
  const hosts = ~mask >>> 0;
  return hosts <= 1 ? [] : [textOf((numberOf(address) | hosts) >>> 0)];
}

const numberOf = (address: string): number =>
  address.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
const textOf = (address: number): string => [24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join('.');
