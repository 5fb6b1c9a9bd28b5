/** Words of a file, as a client of the hub says and hears them. */
import { createHash } from 'node:crypto';
import type { Chatter } from './hub-rig.ts';

export type Word = Record<string, unknown>;

export const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

export function sayWord(chatter: Chatter, to: string, word: Word): void {
  chatter.say({ type: 'MSG', to, content: JSON.stringify(word) });
}

/** Of one file by itself. */
export const offerOf = (tid: string, data: string | Buffer, path = 'a.txt'): Word => ({
  _ft: 'offer',
  tid,
  files: [{ path, size: Buffer.from(data).length }],
  totalSize: Buffer.from(data).length,
  sha256: sha256(data),
});

export const sayChunk = (chatter: Chatter, to: string, chunk: Word): void =>
  chatter.say({ type: 'FILE_CHUNK', to, content: JSON.stringify({ _ft: 'chunk', ...chunk }) });

/** The next word of that kind, or the ERROR that came in its place; own words that come back are left out. */
export async function hearWord(chatter: Chatter, kind: string): Promise<Word> {
  for (;;) {
    const frame = await chatter.client.next();
    if (frame['type'] === 'ERROR') return frame;
    const { type, from, content } = frame;
    if (type !== 'MSG' || from === chatter.id || typeof content !== 'string' || !content.startsWith('{"_ft"')) continue;
    const word: Word = JSON.parse(content);
    if (word['_ft'] === kind) return word;
  }
}

/** The bytes of the chunks up to `complete`. */
export async function hearFile(chatter: Chatter): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const { type, content } = await chatter.client.next();
    if (type === 'ERROR') throw new Error(String(content));
    const word: Word = typeof content === 'string' && content.startsWith('{"_ft"') ? JSON.parse(content) : {};
    if (word['_ft'] === 'complete') return Buffer.concat(pieces);
    if (type === 'FILE_CHUNK')
      pieces.push(Buffer.from(String(word['data']), word['encoding'] === 'base64' ? 'base64' : 'utf8'));
  }
}
