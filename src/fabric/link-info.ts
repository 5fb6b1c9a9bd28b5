/** What others are told about a link. */
import type { NodeId } from '#core/brand.ts';
import type { LinkInfo } from '#ports.ts';
import type { Address } from './address.ts';
import { formatAddress, parseAddress } from './address.ts';
import type { Connection } from './connection.ts';

/** Where the peer's mesh can be dialled: the address that was, or the host it came from with the port it listens on; undefined when it only dials. */
export function dialAddressOf(connection: Connection): Address | undefined {
  if (connection.outbound) return addressOf(connection);
  const port = connection.hello?.p2p_port ?? 0;
  return port === 0 ? undefined : { host: hostOf(connection), port };
}

/** The peer's host. */
export const hostOf = (connection: Pick<Connection, 'address'>): string => addressOf(connection)?.host ?? '';

export function infoOf(node: NodeId, connection: Connection): LinkInfo {
  const { outbound, sinceMs, roundTripMs, hello, traffic } = connection;
  const dialable = dialAddressOf(connection);
  const address = dialable === undefined ? connection.address : formatAddress(dialable);
  return { node, address, outbound, sinceMs, roundTripMs, httpPort: hello?.http_port ?? 0, traffic: { ...traffic } };
}

function addressOf({ address }: Pick<Connection, 'address'>): Address | undefined {
  const parsed = parseAddress(address);
  return 'refused' in parsed ? undefined : parsed;
}
