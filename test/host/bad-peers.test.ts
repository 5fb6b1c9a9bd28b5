import { expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import { BadPeers } from '#host/bad-peers.ts';

const A = nodeIdOf('a'.repeat(32));
const B = nodeIdOf('b'.repeat(32));

it('a peer may send a few invalid batches, and then one a second', () => {
  const peers = new BadPeers();
  for (let count = 1; count <= 32; count += 1) expect(peers.tooMany(A, count, 0)).toBe(false);
  expect(peers.tooMany(A, 33, 0)).toBe(true);
  expect(peers.tooMany(B, 1, 0)).toBe(false);
  expect(peers.tooMany(A, 34, 1_999)).toBe(true);
  expect(peers.tooMany(A, 35, 5_000)).toBe(false);
});

it('frames that bring nothing new count for nothing', () => {
  const peers = new BadPeers();
  peers.tooMany(A, 32, 0);
  for (let at = 0; at < 100; at += 1) expect(peers.tooMany(A, 32, at)).toBe(false);
});

it('a thousand peers are remembered, the oldest begins anew', () => {
  const peers = new BadPeers();
  expect(peers.tooMany(A, 100, 0)).toBe(true);
  for (let at = 0; at < 1_024; at += 1) peers.tooMany(nodeIdOf(at.toString(16).padStart(32, '0')), 1, 0);
  expect(peers.tooMany(A, 32, 0)).toBe(false);
});
