/** Handing a file over: its pieces first, as far as the node does not know them, then the offer. */
import { api } from './api.ts';
import type { HandedFile } from './market.ts';

/** As the node takes them at most. */
const PIECE_BYTES = 1024 * 1024;
const FILE_MAX_BYTES = 50 * 1024 * 1024;
/** Turned into text at once: a call takes so many arguments. */
const CHUNK_BYTES = 32 * 1024;

type Filed = { offset: number; whole: boolean };

/** Rejects with why it was not offered; what was sent by then need not be sent again. */
export async function offerFile(file: File, to: string): Promise<HandedFile> {
  if (file.size > FILE_MAX_BYTES) throw new Error('a file has at most 50 MiB');
  // Pages that came over plain HTTP from another machine have none.
  if (globalThis.crypto.subtle === undefined) throw new Error('this page must come over HTTPS, or from this machine');
  const bytes = new Uint8Array(await file.arrayBuffer());
  const sha256 = hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
  const send = (data: string, offset: number): Promise<Filed> =>
    api<Filed>('POST', 'api/files/pieces', { sha256, size_bytes: bytes.length, offset, data });
  let filed = await send('', 0);
  while (!filed.whole) {
    const piece = bytes.subarray(filed.offset, filed.offset + PIECE_BYTES);
    const next = await send(base64Of(piece), filed.offset);
    if (!next.whole && next.offset <= filed.offset) throw new Error('the node takes no more of it');
    filed = next;
  }
  return api<HandedFile>('POST', 'api/files', { to, name: file.name, sha256 });
}

const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  return btoa(text);
}
