import { expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import { goodbye } from '#fabric/hello.ts';
import { Refusals } from '#fabric/refusals.ts';

const peer = nodeIdOf('1'.repeat(32));
const dialled = { outbound: true, address: '192.0.2.1:7000', peer };
const secret = goodbye('wrong_secret', '');

it('a refusal is news once an address and reason, until that address links', () => {
  const refusals = new Refusals();
  expect(refusals.isNew(dialled, secret)).toBe(true);
  expect(refusals.isNew(dialled, secret)).toBe(false);
  expect(refusals.isNew(dialled, goodbye('full', ''))).toBe(true);
  expect(refusals.isNew({ ...dialled, address: '192.0.2.1:7001' }, secret)).toBe(true);
  refusals.forget(dialled);
  expect(refusals.isNew(dialled, secret)).toBe(true);
  expect(refusals.isNew({ ...dialled, address: '192.0.2.1:7001' }, secret)).toBe(false);
});

it('a peer that dials is known by host and key, whatever port it comes from', () => {
  const refusals = new Refusals();
  const inbound = { outbound: false, address: '[2001:db8::1]:50001', peer };
  expect(refusals.isNew(inbound, secret)).toBe(true);
  expect(refusals.isNew({ ...inbound, address: '[2001:db8::1]:50002' }, secret)).toBe(false);
  expect(refusals.isNew({ ...inbound, peer: nodeIdOf('2'.repeat(32)) }, secret)).toBe(true);
});

it('a bounded number of refusals is remembered, the latest ones', () => {
  const refusals = new Refusals();
  const at = (port: number) => ({ ...dialled, address: `192.0.2.1:${port}` });
  for (let port = 1; port <= 1_100; port += 1) refusals.isNew(at(port), secret);
  expect(refusals.isNew(at(1_100), secret)).toBe(false);
  expect(refusals.isNew(at(1), secret)).toBe(true);
});
