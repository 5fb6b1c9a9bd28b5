/** What one does with files, whichever door it came by. Who it is comes from the door. */
import { z } from 'zod';
import type { Hash, Principal } from '#core/brand.ts';
import { FILE_MAX_BYTES, PIECE_MAX_BYTES } from '#core/file/filing.ts';
import { nameBar } from '#core/file/name.ts';
import { speakerId } from '#core/market/speaker.ts';
import { addressBar } from '#core/message/leave.ts';
import type { Draft } from '#core/op.ts';
import type { BodyOf } from '#core/schema/body.ts';
import type { KnownFile } from '#core/view/file.ts';
import { isKnownFile } from '#core/view/file.ts';
import type { Door } from '../door.ts';
import type { FileJson } from '../json/file.ts';
import { fileJson } from '../json/file.ts';
import { findFile } from '../lookup.ts';
import { partyOf } from '../market/desk.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused } from '../refusal.ts';

const LIST_MAX = 1_000;

export type AtFiles = { by: Principal; door: Door };

/** Of a file whose bytes are here. The offer, and the message that tells its reader of it, are one batch. */
export async function offer(
  o: { to: string; name: string; sha256: Hash },
  { by, door }: AtFiles,
): Promise<FileJson | DoorRefusal> {
  const { node } = door;
  const party = partyOf(o.to, door);
  if (isRefusal(party)) return party;
  const to = speakerId(party);
  const barred = nameBar(o.name) ?? addressBar(node.store, by, to);
  if (barred !== undefined) return barred;
  const sizeBytes = await node.files.sizeBytes(o.sha256);
  if (sizeBytes === undefined)
    return refused('not_found', 'the bytes of this file are not here', { expected: 'its pieces first', got: o.sha256 });
  const { name, sha256 } = o;
  const row = await writeOffer({ to, name, sha256, sizeBytes }, { by, door });
  return isRefusal(row) ? row : fileJson(row, door);
}

/** Of what was found to be good. `isTold`: its reader knows of it, and is sent no message. */
export async function writeOffer(
  offered: Omit<BodyOf<'file.offered'>, 'type'> & { isTold?: boolean },
  { by, door }: AtFiles,
): Promise<KnownFile | DoorRefusal> {
  const { isTold, ...fields } = offered;
  const { to, name, sizeBytes, sha256 } = fields;
  const text = `[FILE] ${name}, ${sizeBytes} bytes, SHA-256 ${sha256}`;
  const rest = { replyTo: null, thread: null, hops: 0, dueMs: null };
  const message: Draft = {
    entity: undefined,
    by,
    body: { type: 'message.sent', channel: to, kind: 'event', text, source: 'file', ...rest },
  };
  const file: Draft = { entity: undefined, by, body: { type: 'file.offered', ...fields } };
  const written = await door.node.append(isTold === true ? [file] : [file, message]);
  if (isRefusal(written)) return written;
  const row = door.node.store.get('file', written[0]?.op.header.entity ?? '');
  if (!isKnownFile(row)) throw new Error('an offer that was just written is not there');
  return row;
}

/** Its reader has it, or says why not. */
export async function take(
  row: KnownFile,
  error: string | null,
  { by, door }: AtFiles,
): Promise<undefined | DoorRefusal> {
  if (row.taken[by]?.value === null) return undefined;
  const written = await door.node.append([{ entity: row.id, by, body: { type: 'file.taken', error } }]);
  return isRefusal(written) ? written : undefined;
}

/** To and from that speaker; of people, all. Newest first. */
export function list(limit: number, { by, door }: AtFiles): FileJson[] {
  const { store } = door.node;
  const order = [['created', 'desc']] as const;
  const sides: readonly Readonly<Record<string, string>>[] = isPerson(by)
    ? [{}]
    : [{ to: speakerId(by) }, { from: by }];
  const lists = sides.map((where) => store.list('file', { where, order, limit }));
  const rows = new Map(lists.flat().map((row) => [row.id, row]));
  return [...rows.values()]
    .filter(isKnownFile)
    .toSorted((a, b) => b.offered.stamp.lamport - a.offered.stamp.lamport)
    .slice(0, Math.min(limit, LIST_MAX))
    .map((row) => fileJson(row, door));
}

const isPerson = (by: Principal): boolean => by.startsWith('user:') && !by.startsWith('user:@');

/** An offer to that speaker, by id, short id, or the hash of its bytes. */
export function offerTo(ref: string, { by, door }: AtFiles): KnownFile | DoorRefusal {
  const row = findFile(ref, door);
  if (isRefusal(row)) return row;
  const isOwn = row.offered.to === speakerId(by) || row.offered.from === by;
  return isOwn || isPerson(by) ? row : refused('not_found', 'File not found', { got: ref });
}

/** A piece of it. With the last one the reader has it, which is noted once. */
export async function read(
  row: KnownFile,
  o: { offset: number; maxBytes: number },
  { by, door }: AtFiles,
): Promise<{ data: Uint8Array; isLast: boolean } | DoorRefusal> {
  const { sha256, node: from, sizeBytes, to } = row.offered;
  const data = await door.node.files.read({ sha256, from, ...o });
  if (isRefusal(data)) return data;
  const isLast = o.offset + data.byteLength >= sizeBytes;
  const refused = isLast && to === speakerId(by) ? await take(row, null, { by, door }) : undefined;
  if (refused !== undefined) return refused;
  return { data, isLast };
}

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 is 64 hex digits');
export const PIECE = z.object({
  sha256: hash,
  size_bytes: z.number().int().min(0).max(FILE_MAX_BYTES),
  offset: z.number().int().min(0).max(FILE_MAX_BYTES),
  data: z
    .string()
    .max(Math.ceil(PIECE_MAX_BYTES / 3) * 4)
    .describe('base64; empty to ask how much is here'),
});
export const OFFER = z.object({ to: z.string().min(1).max(200), name: z.string().min(1).max(255), sha256: hash });
