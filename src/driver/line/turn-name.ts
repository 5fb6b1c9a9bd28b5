import { randomBytes } from 'node:crypto';

/** A UUID of version 7 (RFC 9562): unique, and it carries when the turn was asked for, which a node that attaches later must know. */
export function turnName(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** When it was made; undefined for what is no such name. */
export function turnNameMs(name: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/.exec(name);
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16);
}
