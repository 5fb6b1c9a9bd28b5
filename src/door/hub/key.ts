/** Keys of those who come from outside: Ed25519, as PEM. The id is made of the text, as in AgentChat. */
import { createPublicKey, hash, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Principal } from '#core/brand.ts';
import { parsedOpId, parsedPrincipal, userPrincipal } from '#core/brand.ts';
import { speakerId } from '#core/market/speaker.ts';

/** Undefined for what is no Ed25519 public key in PEM. */
export function publicKeyOf(pem: string): KeyObject | undefined {
  try {
    if (!pem.includes('PUBLIC KEY')) return undefined;
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

export const identityOf = (pem: string): string => hash('sha256', pem).slice(0, 16);

export function isSigned(o: { publicKey: string; text: string; signature: string }): boolean {
  const key = publicKeyOf(o.publicKey);
  return key !== undefined && verify(null, Buffer.from(o.text), key, Buffer.from(o.signature, 'base64'));
}

/** Who an id of the hub, without its `@`, speaks as in the log. */
export const outsider = (id: string): Principal => userPrincipal(`@${id}`);

/** What the hub calls a speaker: by its id, people as `@operator`, nodes as `@server`. */
export const hubId = speakerId;

/** The speaker whom the hub calls so; people and the hub itself are nobody in particular. */
export function speakerOf(id: string): Principal | undefined {
  const name = id.slice(1);
  if (/^([0-9a-f]{16}|(?=[a-z]*[0-9])[a-z0-9]{8})$/.test(name)) return outsider(name);
  return /^[0-9a-f]{32}-[1-9][0-9]*$/.test(name) ? parsedPrincipal(`agent:${parsedOpId(name)}`) : undefined;
}

/** It has proven a key; agents and people of the swarm have shown who they are at its other doors. */
export const isVerified = (by: Principal): boolean => !/^user:@[a-z0-9]{8}$/.test(by);
