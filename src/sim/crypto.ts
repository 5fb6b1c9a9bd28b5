/** Cryptography of the simulator: real hashes, signatures that only look like some. Fast, and the same for every seed. */
import { hash } from 'node:crypto';
import { hashOf, nodeIdOf } from '#core/brand.ts';
import type { NodeId } from '#core/brand.ts';
import type { Crypto } from '#core/crypto.ts';

const sha256 = (text: string): string => hash('sha256', text);
const keyOf = (index: number): string => `simulated key ${index}`;

export const simNodeId = (index: number): NodeId => nodeIdOf(sha256(keyOf(index)).slice(0, 32));
export const simPublicKey = (index: number): string => keyOf(index);

export function simCrypto(index: number): Crypto {
  const own = keyOf(index);
  return {
    sha256: (text) => hashOf(sha256(text)),
    byteLength: (text) => Buffer.byteLength(text),
    sign: (text) => sha256(`${own}\n${text}`),
    verify: ({ publicKey, text, sig }) => sig === sha256(`${publicKey}\n${text}`),
    nodeIdOfKey: (publicKey) => nodeIdOf(sha256(publicKey).slice(0, 32)),
  };
}
