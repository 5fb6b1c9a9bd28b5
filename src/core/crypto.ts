/** What the core needs of the world's cryptography, handed in so that the simulator and the browser can bring their own. */
import type { Hash, NodeId } from './brand.ts';

export type Crypto = {
  /** SHA-256 of the UTF-8 text as 64 hex digits. */
  sha256(text: string): Hash;
  /** UTF-8 length. */
  byteLength(text: string): number;
  /** Ed25519 by this node's key, base64. */
  sign(text: string): string;
  /** True when `sig` (base64) is the signature of `text` by the key (SPKI, DER, base64). */
  verify(o: { publicKey: string; text: string; sig: string }): boolean;
  /** The node id that belongs to a key (SPKI, DER, base64). */
  nodeIdOfKey(publicKey: string): NodeId;
};
