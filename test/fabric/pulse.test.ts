import { expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import { FRAME } from '#core/schema/frame.ts';
import { formatAddress } from '#fabric/address.ts';
import { Pulse } from '#fabric/pulse.ts';
import { DEFAULT_TIMING } from '#fabric/settings.ts';

const [self, other] = [nodeIdOf('1'.repeat(32)), nodeIdOf('2'.repeat(32))];

/** What is learnt from a peer at that address. */
function learnt(from: string, hosts: readonly { host: string; port?: number; node?: typeof self }[]): string[] {
  const addresses: string[] = [];
  const pulse = new Pulse({
    self,
    timing: DEFAULT_TIMING,
    links: () => [],
    learn: (address) => addresses.push(formatAddress(address)),
  });
  const peers = hosts.map(({ host, port, node }) => ({ host, port: port ?? 7000, node_id: node ?? other }));
  pulse.heard({ type: FRAME.peers, peers }, { address: from });
  return addresses;
}

it('addresses of other machines are learnt from anybody', () => {
  const hosts = [{ host: '198.51.100.7' }, { host: '2001:db8::7' }, { host: 'builder.example', port: 1 }];
  const expected = ['198.51.100.7:7000', '[2001:db8::7]:7000', 'builder.example:1'];
  expect(learnt('192.0.2.9:50000', hosts)).toEqual(expected);
  expect(learnt('127.0.0.1:50000', hosts)).toEqual(expected);
});

it('loopback addresses are learnt from a peer on this machine only', () => {
  const hosts = [{ host: '127.0.0.1' }, { host: '::1' }, { host: 'localhost' }];
  expect(learnt('[::1]:50000', hosts)).toHaveLength(3);
  expect(learnt('192.0.2.9:50000', hosts)).toEqual([]);
});

it('our own node and what is no address are left out', () => {
  const hosts = [
    { host: '198.51.100.7', node: self },
    { host: 'no host' },
    { host: '' },
    { host: '1.2.3' },
    { host: 'x]:1' },
  ];
  expect(learnt('192.0.2.9:50000', hosts)).toEqual([]);
});
