import { BLOB_HEAD_BYTES } from '#core/schema/ids.ts';

/** The beginning of a text, cut between characters. */
export function headOf(text: string): string {
  const bytes = Buffer.from(text).subarray(0, BLOB_HEAD_BYTES);
  return new TextDecoder('utf-8').decode(bytes, { stream: true });
}
