/**
 * AgentChat's words for handing over a file: JSON in the text of a MSG to one, or of a FILE_CHUNK. `have`, `reject`, `offset` and `encoding` are
 * skep's own; clients that do not know them leave them out, and send from the beginning.
 */
import { z } from 'zod';
import { FILE_MAX_BYTES } from '#core/file/filing.ts';
import { FRAME_MAX_BYTES } from './fields.ts';

const tid = z.string().min(1).max(64);
const bytes = z.number().int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'sha256: 64 hex digits are expected');
const reason = z.string().max(150).nullish();

/** Of one file of an offer. What is not the bytes of a file has no place in it. */
const entry = z
  .looseObject({
    path: z.string().optional(),
    name: z.string().optional(),
    size: bytes.default(0),
    type: z.string().optional(),
  })
  .refine(
    ({ type, link, target, linkname }) =>
      [link, target, linkname].every((one) => one === undefined) && !/link/i.test(type ?? ''),
    'links are not handed over',
  )
  .transform(({ path, name, size }) => ({ path: path ?? name ?? '', size }));

export const fileWord = z.discriminatedUnion('_ft', [
  z.object({
    _ft: z.literal('offer'),
    tid,
    files: z.array(entry).min(1, 'an offer names its files').max(64, 'at most 64 files an offer'),
    totalSize: bytes.max(FILE_MAX_BYTES, `a file has at most ${FILE_MAX_BYTES} bytes`),
    sha256,
    chunks: bytes.optional(),
    senderNick: z.string().max(64).optional(),
  }),
  z.object({ _ft: z.literal('accept'), tid, offset: bytes.default(0) }),
  z.object({ _ft: z.literal('reject'), tid, reason }),
  z.object({ _ft: z.literal('complete'), tid, sha256 }),
  z.object({ _ft: z.literal('ack'), tid, ok: z.boolean(), error: reason }),
]);
export type FileWord = z.output<typeof fileWord>;
export type WordOf<K extends FileWord['_ft']> = Extract<FileWord, { _ft: K }>;

/** `offset`: where its bytes begin; without it, behind those of the one before. `encoding`: what its data is where it is no text. */
export const chunkWord = z.object({
  _ft: z.literal('chunk'),
  tid,
  idx: bytes,
  data: z.string().max(FRAME_MAX_BYTES),
  offset: bytes.optional(),
  encoding: z.literal('base64').optional(),
});

/** The hub's own: the bytes from `offset` on are wanted. With `id` it is in the log, and offered. */
export const haveWord = z.object({ _ft: z.literal('have'), tid, offset: bytes, id: z.string().optional() });

/** The text is one of these words, or wants to be. */
export const isFileWord = (content: string): boolean => /^\s*\{\s*"_ft"\s*:/.test(content);

export const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Of one FILE_CHUNK that this hub sends: in a frame, even where every character is escaped twice, it is below the limit. */
export const CHUNK_BYTES = 256 * 1024;
/** Of one character of a text. */
const CHARACTER_MAX_BYTES = 4;

/** How much is to be read at `offset` so that `chunkOf` finds the end of a character. */
export const chunkWish = (offset: number): number => CHUNK_BYTES - (offset % CHUNK_BYTES) + CHARACTER_MAX_BYTES - 1;

/** The data of the chunk at `offset` out of what was read there: text up to the end of a character, where it is text. */
export function chunkOf(read: Uint8Array, offset: number): { data: string; encoding?: 'base64'; length: number } {
  const wanted = Math.min(read.byteLength, CHUNK_BYTES - (offset % CHUNK_BYTES));
  let end = wanted;
  while (end < read.byteLength && ((read[end] ?? 0) & 0xc0) === 0x80) end += 1;
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { data: decoder.decode(read.subarray(0, end)), length: end };
  } catch {
    const bytesOf = read.subarray(0, wanted);
    return { data: Buffer.from(bytesOf).toString('base64'), encoding: 'base64', length: wanted };
  }
}
