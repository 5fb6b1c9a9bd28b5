/** Reaching a place of the network by its name: looked up once, and the address that was looked at is the one that is dialled. */
import { lookup as lookUp } from 'node:dns/promises';
import type { Socket } from 'node:net';
import { connect, isIP } from 'node:net';

/** Addresses of one name that are tried, one after the other. */
export const ADDRESSES_MAX = 4;

/** All addresses of a name, in the order in which they are to be tried. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** Of an address, itself; none where nobody knows the name: it cannot be reached then. */
export async function addressesOf(host: string, lookup: Lookup = systemLookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return await lookup(host);
  } catch {
    return [];
  }
}

const systemLookup: Lookup = async (host) => (await lookUp(host, { all: true })).map(({ address }) => address);

/** The first of them that answers; undefined where none does. */
export async function firstReached(
  addresses: readonly string[],
  o: { port: number; limitMs: number },
): Promise<{ socket: Socket; address: string } | undefined> {
  for (const address of addresses.slice(0, ADDRESSES_MAX)) {
    const socket = await dialled({ address, ...o });
    if (socket !== undefined) return { socket, address };
  }
  return undefined;
}

/** Undefined where nobody answers. */
function dialled(o: { address: string; port: number; limitMs: number }): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: o.address, port: o.port, allowHalfOpen: true });
    const failed = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setTimeout(o.limitMs, failed);
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('timeout', failed);
      socket.off('error', failed);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
