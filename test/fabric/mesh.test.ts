import { formatAddress } from '#fabric/address.ts';
import type { NodeIdentity } from '#fabric/identity.ts';
import { createIdentity } from '#fabric/identity.ts';
import { MeshTransport } from '#fabric/mesh.ts';
import { transportContract } from '../contract/transport.ts';

transportContract('mesh', () => {
  const known = new Map<string, { identity: NodeIdentity; transport: MeshTransport; port: number }>();
  return {
    make: (name) => {
      const before = known.get(name);
      const identity = before?.identity ?? createIdentity();
      const transport = new MeshTransport({
        identity,
        secret: 'a secret of the contract suite',
        port: before?.port ?? 0,
      });
      const entry = { identity, transport, port: before?.port ?? 0 };
      known.set(name, entry);
      return {
        transport,
        node: identity.node,
        address: () => {
          const address = transport.address();
          if (address === undefined) throw new Error('not started');
          entry.port = address.port;
          return formatAddress(address);
        },
      };
    },
  };
});
