/**
 * The X.509 certificate that carries a node's key into TLS. Only the key in it counts: nobody checks the name, the dates or who signed it, so
 * it is signed by itself, valid for ever, and the same at each start (Ed25519 signatures are deterministic).
 *
 * node:crypto reads certificates but writes none, hence the small DER writer (X.690; the fields are those of RFC 5280, the key's those of RFC 8410).
 */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, hash, sign } from 'node:crypto';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const VERSION = 0xa0;

/** Bytes of the serial number: RFC 5280 allows 20. */
const SERIAL_BYTES = 16;

/** Makes the certificate of an Ed25519 key, as PEM. */
export function selfSignedCertificate(privateKey: KeyObject): string {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const ed25519 = sequence(objectId('2b6570'));
  const name = sequence(der(SET, sequence(objectId('550403'), der(UTF8_STRING, Buffer.from('skep')))));
  const validity = sequence(
    der(UTC_TIME, Buffer.from('200101000000Z')),
    // RFC 5280, section 4.1.2.5: the date of a certificate that never ends.
    der(GENERALIZED_TIME, Buffer.from('99991231235959Z')),
  );
  const content = sequence(
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serialOf(publicKey)),
    ed25519,
    name,
    validity,
    name,
    publicKey,
  );
  const signature = der(BIT_STRING, Buffer.from([0]), sign(null, content, privateKey));
  return pem(sequence(content, ed25519, signature));
}

/** A number of the key's own: positive and without a leading zero byte, as DER asks. */
function serialOf(publicKey: Buffer): Buffer {
  const serial = hash('sha256', publicKey, 'buffer').subarray(0, SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(SEQUENCE, ...parts);
const objectId = (hex: string): Buffer => der(OBJECT_ID, Buffer.from(hex, 'hex'));

/** Length octets. A certificate of an Ed25519 key has some 300 bytes, so two octets of length are always enough. */
function lengthOf(content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  return Buffer.from([0x82, length >> 8, length & 0xff]);
}

function pem(content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
