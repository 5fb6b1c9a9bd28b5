/** A dialler for tests, and the addresses and nodes that it meets. */
import type { NodeId } from '#core/brand.ts';
import { nodeIdOf } from '#core/brand.ts';
import { formatAddress } from '#fabric/address.ts';
import { Dialler } from '#fabric/dialler.ts';

export const NODE = nodeIdOf('1'.repeat(32));
export const OTHER = nodeIdOf('2'.repeat(32));
export const address = (port: number) => ({ host: '192.0.2.1', port });
export const text = (port: number): string => formatAddress(address(port));
export const unknown = { seed: false, node: undefined };

/** A dialler in virtual time whose dials are written down. */
export function watched(random = () => 0.999_999) {
  const dials: string[] = [];
  const connectMs: (number | undefined)[] = [];
  const links = new Set<NodeId>();
  const dialler = new Dialler({
    dial: (to, ms) => {
      dials.push(formatAddress(to));
      connectMs.push(ms);
    },
    isLinked: (node) => links.has(node),
    backoffMinMs: 250,
    backoffMaxMs: 5_000,
    random,
  });
  const fail = (port: number): void => dialler.failed(text(port), { failure: 'no', never: false });
  return { dialler, dials, connectMs, links, fail };
}
