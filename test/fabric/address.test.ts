import { describe, expect, it } from 'vitest';
import { formatAddress, isHostOfOneMachine, parseAddress, plainHost } from '#fabric/address.ts';

describe('an address', () => {
  it.each([
    ['192.0.2.7:7000', '192.0.2.7', 7000],
    [' 192.0.2.7:7000\n', '192.0.2.7', 7000],
    ['[2001:DB8::7]:1', '2001:db8::7', 1],
    ['[::ffff:192.0.2.7]:80', '192.0.2.7', 80],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
    ['Builder.Example:65535', 'builder.example', 65_535],
    ['node_1:7001', 'node_1', 7001],
    ['localhost:7001', 'localhost', 7001],
  ])('is read from %j', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
  });

  it.each([
    '',
    ':',
    'host',
    'host:',
    ':7000',
    'host:x',
    'host:0',
    'host:65536',
    'host:123456',
    '::1',
    '::1:7000',
    '[::1]',
    '[::1]7000',
    '[host]:1',
    '[]:1',
    '1.2.3:7000',
    '1.2.3.4.5:7000',
    '256.1.1.1:1',
    '1:1',
    'ho st:1',
    '-host:1',
    'host-:1',
    'a..b:1',
    'user@host:1',
    'http://host:1',
    'host:1/x',
    `${'a'.repeat(300)}:1`,
  ])('is not read from %j', (text) => {
    expect(parseAddress(text)).toMatchObject({
      refused: true,
      got: text,
      expected: expect.stringContaining('host:port'),
    });
  });

  it('is written as it is read', () => {
    for (const text of ['192.0.2.7:7000', '[2001:db8::7]:7000', 'builder.example:7000']) {
      const address = parseAddress(text);
      expect('refused' in address ? address : formatAddress(address)).toBe(text);
    }
  });
});

it('a host has one spelling', () => {
  expect(['::FFFF:127.0.0.1', '::1', 'Name', '::ffff:zz'].map(plainHost)).toEqual([
    '127.0.0.1',
    '::1',
    'name',
    '::ffff:zz',
  ]);
});

it('a loopback host or a zone means nothing elsewhere', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'fe80::1%eth0'].every(isHostOfOneMachine)).toBe(true);
  expect(['10.0.0.1', '2001:db8::1', 'builder.example', '127.example'].some(isHostOfOneMachine)).toBe(false);
});
