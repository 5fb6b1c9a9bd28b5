import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { isOfThisMachine, placesOf } from '#fabric/broadcast.ts';

const at = (address: string, netmask: string): NetworkInterfaceInfo => ({
  address,
  netmask,
  family: 'IPv4',
  mac: '00:00:00:00:00:00',
  internal: address.startsWith('127.'),
  cidr: null,
});
const six: NetworkInterfaceInfo = { ...at('', ''), family: 'IPv6', address: 'fe80::1', netmask: 'ffff::', scopeid: 2 };
const lo = at('127.0.0.1', '255.0.0.0');
const lan = at('192.0.2.7', '255.255.255.0');
const wide = at('10.1.130.9', '255.255.128.0');

describe('a mesh announces itself', () => {
  it.each([[['127.0.0.1']], [['localhost']]])('on loopback alone when it listens there: %s', (bind) => {
    expect(placesOf(bind, [lo, lan])).toEqual([{ host: '127.0.0.1', to: ['127.255.255.255'] }]);
    expect(isOfThisMachine(bind)).toBe(true);
  });

  it('to the broadcast of each network it listens on, and to everybody on that wire', () => {
    expect(placesOf(['192.0.2.7'], [lo, lan, wide])).toEqual([
      { host: '192.0.2.7', to: ['192.0.2.255', '255.255.255.255'] },
    ]);
    expect(placesOf(['192.0.2.7', '10.1.130.9'], [lo, lan, wide])).toMatchObject([
      { host: '192.0.2.7' },
      { host: '10.1.130.9', to: ['10.1.255.255', '255.255.255.255'] },
    ]);
    expect(isOfThisMachine(['127.0.0.1', '192.0.2.7'])).toBe(false);
  });

  it.each(['0.0.0.0', '::'])('on all interfaces and on loopback when it listens on all: %s', (any) => {
    const places = placesOf([any], [lo, lan, six, wide]);
    expect(places.map(({ host }) => host)).toEqual(['127.0.0.1', '192.0.2.7', '10.1.130.9']);
  });

  it('to everybody on the wire where a network has no broadcast of its own', () => {
    expect(placesOf(['192.0.2.7'], [at('192.0.2.7', '255.255.255.254')])).toEqual([
      { host: '192.0.2.7', to: ['255.255.255.255'] },
    ]);
  });

  it('nowhere while its address is on no interface, and when it only dials', () => {
    expect(placesOf(['192.0.2.7'], [lo, wide])).toEqual([]);
    expect(placesOf([], [lo, lan])).toEqual([]);
    expect(isOfThisMachine([])).toBe(false);
  });

  it('on so many of its addresses at most', () => {
    const many = Array.from({ length: 40 }, (_, host) => at(`10.0.${host}.1`, '255.255.255.0'));
    expect(placesOf(['0.0.0.0'], many)).toHaveLength(16);
  });
});
