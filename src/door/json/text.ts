/** Small texts that several shapes share: dates, short ids, and long texts that may lie in a blob. */
import type { OpId } from '#core/brand.ts';
import type { LongText } from '#core/schema/ids.ts';
import type { SwarmNode } from '#ports.ts';

/** `YYYY-MM-DDTHH:MM:SSZ`, as in the seed: UTC, whole seconds. */
export function dateText(wallMs: number): string {
  const second = Math.floor(Math.min(wallMs, DATE_MAX_MS) / 1_000);
  if (second !== last.second) last = { second, text: `${new Date(second * 1_000).toISOString().slice(0, 19)}Z` };
  return last.text;
}

/** The dates of one answer, and of all answers of one second, are mostly the same. */
let last = { second: 0, text: '1970-01-01T00:00:00Z' };

/** 9999-12-31T23:59:59Z: another node's clock may say anything, and a later year has another shape. */
const DATE_MAX_MS = 253_402_300_799_000;

/** First 8 digits of a node's id. */
export const shortNode = (node: string): string => node.slice(0, 8);

/** `3fa9c1d2-12`: short enough to be read out, and accepted wherever an id is asked for. */
export const shortId = (id: OpId | string): string => `${id.slice(0, 8)}${id.slice(32)}`;

/** What the op itself holds of a text: the whole, or the beginning of what became a blob. */
export const headOf = (text: LongText): string => (typeof text === 'string' ? text : text.head);

/** The whole text; only one that became a blob costs a wait. */
export const wholeOf = (text: LongText, node: Pick<SwarmNode, 'unstash'>): string | Promise<string> =>
  typeof text === 'string' ? text : node.unstash(text);

export const isBlob = (text: LongText | null | undefined): boolean => typeof text === 'object' && text !== null;

/** UTF-8 bytes of the whole text. */
export const textBytes = (text: LongText | null): number =>
  text === null ? 0 : typeof text === 'string' ? Buffer.byteLength(text) : text.sizeBytes;
