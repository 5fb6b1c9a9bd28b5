/** Where nodes' meshes can be dialled: what this one tells the others, and they it. */
import { networkInterfaces } from 'node:os';
import type { NodeId } from '#core/brand.ts';
import type { Arrival, Transport } from '#ports.ts';

const ANY = new Set(['0.0.0.0', '::']);

const withPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** `bind` of a node that listens nowhere: it only dials, and is reached through its neighbours. */
export const NO_BIND = 'none';

/** Addresses to listen on: loopback without `bind`. */
export function bindAddresses(bind: string | undefined): string[] {
  if (bind === NO_BIND) return [];
  return bind === undefined ? ['127.0.0.1'] : bind.split(',').map((one) => one.trim());
}

/** Every address of the machine where the mesh listens on all, else the ones it listens on. */
export function dialAddresses(bind: readonly string[], port: number): string[] {
  const hosts = bind.flatMap((host) => (ANY.has(host) ? outsideHosts() : [host]));
  return [...new Set(hosts)].slice(0, 16).map((host) => withPort(host, port));
}

function outsideHosts(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter((one) => !one.internal && !one.address.startsWith('fe80')).map((one) => one.address);
}

/** Node addresses are ops: every node dials all that the others said last. */
export function learnAddresses(arrivals: readonly Arrival[], transport: Pick<Transport, 'place'>, self: NodeId): void {
  for (const { op } of arrivals) {
    if (op.body.type !== 'node.registered' || op.header.node === self) continue;
    transport.place(op.header.node, op.body.addresses);
  }
}
