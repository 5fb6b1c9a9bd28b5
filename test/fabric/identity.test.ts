import { createPrivateKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '#fabric/certificate.ts';
import { createIdentity, loadIdentity, nodeCrypto } from '#fabric/identity.ts';

const dirs: string[] = [];
const dir = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'skep-identity-'));
  dirs.push(made);
  return made;
};
afterEach(() => {
  for (const each of dirs.splice(0)) rmSync(each, { recursive: true });
});

/** Key of RFC 8032, section 7.1, test 2: PKCS#8 with the seed in it. */
const RFC_KEY = createPrivateKey({
  key: Buffer.from(
    `302e020100300506032b657004220420${'4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'}`,
    'hex',
  ),
  format: 'der',
  type: 'pkcs8',
});

describe('an identity', () => {
  it('is made at the first start and found at the next', () => {
    const at = join(dir(), 'not', 'yet', 'there');
    const first = loadIdentity(at);
    expect(loadIdentity(at)).toMatchObject({ node: first.node, publicKey: first.publicKey });
    expect(first.node).toMatch(/^[0-9a-f]{32}$/);
    expect(loadIdentity(dir()).node).not.toBe(first.node);
  });

  it('lies in one file that its owner alone can read, whatever the umask', () => {
    const at = dir();
    const umask = process.umask(0o277);
    try {
      loadIdentity(at);
    } finally {
      process.umask(umask);
    }
    expect(readdirSync(at)).toEqual(['node.key']);
    expect(statSync(join(at, 'node.key')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(at, 'node.key'), 'utf8')).toContain('BEGIN PRIVATE KEY');
  });

  it('whose key others may read is not used', () => {
    const at = dir();
    loadIdentity(at);
    chmodSync(join(at, 'node.key'), 0o640);
    expect(() => loadIdentity(at)).toThrow('chmod 600');
  });

  it('whose file is something else is not replaced', () => {
    const at = dir();
    const path = join(at, 'node.key');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const content of ['', 'garbage', rsa]) {
      writeFileSync(path, content, { mode: 0o600 });
      expect(() => loadIdentity(at)).toThrow('must hold an Ed25519 key');
      expect(readFileSync(path, 'utf8')).toBe(content);
    }
  });
});

describe('the certificate of a key', () => {
  it('carries it, is signed by it, and never ends', () => {
    const { privateKey, publicKey } = createIdentity();
    const certificate = new X509Certificate(selfSignedCertificate(privateKey));
    expect(certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')).toBe(publicKey);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.validTo).toBe('Dec 31 23:59:59 9999 GMT');
    expect(certificate.subject).toBe('CN=skep');
  });

  it('is the same each time', () => {
    const { privateKey } = createIdentity();
    expect(selfSignedCertificate(privateKey)).toBe(selfSignedCertificate(privateKey));
    expect(new X509Certificate(selfSignedCertificate(RFC_KEY)).serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});

describe('the cryptography of a node', () => {
  const identity = createIdentity();
  const crypto = nodeCrypto(identity);

  it('hashes and measures UTF-8', () => {
    expect(crypto.sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(crypto.sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(crypto.byteLength('ä€😀')).toBe(9);
  });

  it('knows the id of a key', () => {
    expect(crypto.nodeIdOfKey(identity.publicKey)).toBe(identity.node);
  });

  it('signs what it verifies', () => {
    const sig = crypto.sign('text');
    const { publicKey } = identity;
    expect(crypto.verify({ publicKey, text: 'text', sig })).toBe(true);
    expect(crypto.verify({ publicKey, text: 'texT', sig })).toBe(false);
    expect(crypto.verify({ publicKey: createIdentity().publicKey, text: 'text', sig })).toBe(false);
  });

  it('signs as RFC 8032 says', () => {
    const rfc = { ...identity, privateKey: RFC_KEY };
    const expected =
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';
    expect(Buffer.from(nodeCrypto(rfc).sign('r'), 'base64').toString('hex')).toBe(expected);
    expect(verify(null, Buffer.from('r'), RFC_KEY, Buffer.from(expected, 'hex'))).toBe(true);
  });

  it('verifies nothing by bad keys and bad signatures, again and again', () => {
    const sig = crypto.sign('text');
    const { publicKey } = identity;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' });
    for (const bad of ['', 'no key', publicKey.slice(4), ` ${publicKey}`, rsa.toString('base64')]) {
      expect(crypto.verify({ publicKey: bad, text: 'text', sig })).toBe(false);
      expect(crypto.verify({ publicKey: bad, text: 'text', sig })).toBe(false);
    }
    for (const bad of ['', 'x', sig.slice(0, -4), `${sig}AAAA`, ` ${sig}`, sig.replace(/==$/, '')]) {
      expect(crypto.verify({ publicKey, text: 'text', sig: bad })).toBe(false);
    }
  });

  it('has one spelling a signature: the unused bits of the last digit are zero', () => {
    const sig = crypto.sign('text');
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const last = digits.indexOf(sig.charAt(85));
    const other = `${sig.slice(0, 85)}${digits.charAt(last + 1)}==`;
    expect(Buffer.from(other, 'base64')).toEqual(Buffer.from(sig, 'base64'));
    expect(crypto.verify({ publicKey: identity.publicKey, text: 'text', sig: other })).toBe(false);
  });

  it('keeps verifying when more keys come than it remembers', () => {
    const sig = crypto.sign('text');
    for (let n = 0; n < 1_100; n += 1)
      crypto.verify({ publicKey: Buffer.from(String(n)).toString('base64'), text: 'x', sig });
    expect(crypto.verify({ publicKey: identity.publicKey, text: 'text', sig })).toBe(true);
  });
});
