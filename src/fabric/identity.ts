/** Who this node is: an Ed25519 key in a file of its own. The node id, the link certificate and the signatures of the log all come from it. */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, randomBytes, sign, verify } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { NodeId } from '#core/brand.ts';
import { hashOf, nodeIdOf } from '#core/brand.ts';
import type { Crypto } from '#core/crypto.ts';

export type NodeIdentity = {
  readonly node: NodeId;
  /** SPKI, DER, base64: as it stands in `node.registered`. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
};

/** Name of the key's file in the node's state directory. */
const KEY_FILE = 'node.key';

/** Hex digits of a node id: 128 bits, as long as the seed's. */
const NODE_ID_LENGTH = 32;

/** Keys of other nodes kept ready for `verify`: more than any swarm's authors, so that only a stream of made-up keys turns the cache over. */
const KEYS_MAX = 1024;

const SIGNATURE_BYTES = 64;

/** The id of the node with this public key (SPKI, DER). */
export const nodeIdOfSpki = (spki: Uint8Array): NodeId => nodeIdOf(hash('sha256', spki).slice(0, NODE_ID_LENGTH));

/** An identity that lives in memory only. */
export function createIdentity(): NodeIdentity {
  return identityOf(generateKeyPairSync('ed25519').privateKey);
}

/**
 * The identity of the node whose state lies in `dir`: read from its key file, or made and written there at the first start (durable, mode 0600,
 * whole or not at all, and only one of two starts at once makes it). Throws an `Error` that says what to do when the file is no Ed25519 key,
 * or when others may read it; nothing is changed then.
 */
export function loadIdentity(dir: string): NodeIdentity {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, KEY_FILE);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) writeKey(dir, path);
  else if ((stat.mode & 0o077) !== 0) {
    throw new Error(
      `${path} must be readable by its owner alone, its mode is 0${(stat.mode & 0o777).toString(8)}: run chmod 600 ${path}`,
    );
  }
  return identityOf(readKey(path));
}

function identityOf(privateKey: KeyObject): NodeIdentity {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { node: nodeIdOfSpki(spki), publicKey: spki.toString('base64'), privateKey };
}

function readKey(path: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`it holds a key of the kind ${key.asymmetricKeyType}`);
  } catch (cause) {
    const say = `${path} must hold an Ed25519 key (PKCS#8, PEM). Bring it back from a backup; a node without its key starts anew in an empty directory`;
    throw new Error(say, { cause });
  }
}

/** Writes a new key beside its place and links it in: a link never replaces a file, so the first of two starts wins and both read its key. */
function writeKey(dir: string, path: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = openSync(draft, 'wx', 0o600);
    try {
      // The umask may have taken bits away from the mode given above.
      fchmodSync(file, 0o600);
      writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkUnlessThere(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function linkUnlessThere(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** The core's cryptography, done by node:crypto with this node's key. */
export function nodeCrypto(identity: NodeIdentity): Crypto {
  const keys = new Map<string, KeyObject | undefined>();
  const keyOf = (publicKey: string): KeyObject | undefined => {
    if (keys.has(publicKey)) return keys.get(publicKey);
    const oldest = keys.keys().next();
    if (keys.size >= KEYS_MAX && oldest.done !== true) keys.delete(oldest.value);
    const key = parsePublicKey(publicKey);
    keys.set(publicKey, key);
    return key;
  };
  return {
    sha256: (text) => hashOf(hash('sha256', text)),
    byteLength: (text) => Buffer.byteLength(text),
    sign: (text) => sign(null, Buffer.from(text), identity.privateKey).toString('base64'),
    verify: ({ publicKey, text, sig }) => {
      const signature = canonicalBase64(sig);
      if (signature?.length !== SIGNATURE_BYTES) return false;
      const key = keyOf(publicKey);
      return key !== undefined && verify(null, Buffer.from(text), key, signature);
    },
    nodeIdOfKey: (publicKey) => nodeIdOfSpki(Buffer.from(publicKey, 'base64')),
  };
}

/** Undefined for what is no Ed25519 key: a key that others name is input, and bad input verifies nothing. */
function parsePublicKey(publicKey: string): KeyObject | undefined {
  const spki = canonicalBase64(publicKey);
  if (spki === undefined) return undefined;
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The bytes, when `text` is the one way to write them: a signature or key must not exist in two spellings. */
function canonicalBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
