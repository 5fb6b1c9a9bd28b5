/**
 * How a webhook proves that it knows its secret, in either direction: HMAC-SHA-256 over the time, a dot and the bytes of the body. The headers are
 * those of `docs/security.md`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const HEADER = {
  /** Id of the webhook that sends. */
  webhook: 'skep-webhook',
  /** Seconds since 1970, when it was signed. */
  timestamp: 'skep-timestamp',
  /** `v1=` and 64 hex digits. */
  signature: 'skep-signature',
} as const;

/** Between the clocks of both ends, and on the way: what is older was maybe recorded. */
export const REPLAY_WINDOW_S = 300;

/** What came with a request that is signed. Nothing of it is trusted. */
export type Signed = { timestamp: string; signature: string; body: string };

export const signatureOf = (o: { secret: string; timestamp: string; body: string }): string =>
  `v1=${createHmac('sha256', o.secret).update(`${o.timestamp}.${o.body}`).digest('hex')}`;

/** Takes the same time for every wrong signature. */
export function isSignedBy(secret: string, { timestamp, signature, body }: Signed): boolean {
  const [expected, got] = [Buffer.from(signatureOf({ secret, timestamp, body })), Buffer.from(signature)];
  return expected.length === got.length && timingSafeEqual(expected, got);
}
