/** Files that are handed over: their pieces come, then they are offered; whoever takes one reads it in pieces. */
import { z } from 'zod';
import { hashOf } from '#core/brand.ts';
import { PIECE_MAX_BYTES } from '#core/file/filing.ts';
import * as desk from '../file/desk.ts';
import { fileJsonSchema } from '../json/file.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, none, queryNumber } from './input.ts';

const LIST_MAX = 1_000;

const list = jsonRoute({
  method: 'GET',
  path: '/api/files',
  summary: 'Files that were offered, newest first',
  action: 'file.read',
  params: none,
  query: z.object({ limit: queryNumber({ min: 1, max: LIST_MAX, default: 100 }) }),
  body: none,
  answer: z.array(fileJsonSchema),
  status: 200,
  handle: ({ query, by, door }) => desk.list(query.limit, { by, door }),
});

const piece = jsonRoute({
  method: 'POST',
  path: '/api/files/pieces',
  summary:
    'One piece of a file; the answer says how much is here, so that a cut is gone on from and what is known is not sent',
  action: 'file.offer',
  params: none,
  query: none,
  body: desk.PIECE,
  answer: z.object({ offset: z.number().int(), whole: z.boolean() }),
  status: 200,
  handle: async ({ body, door }) => {
    const { sha256, size_bytes: sizeBytes, offset } = body;
    const data = Buffer.from(body.data, 'base64');
    const filed = await door.node.files.piece({ sha256: hashOf(sha256), sizeBytes, offset, data });
    return isRefusal(filed) ? filed : { offset: filed.offset, whole: filed.isWhole };
  },
});

const offer = jsonRoute({
  method: 'POST',
  path: '/api/files',
  summary: 'Offer a file whose bytes are here',
  action: 'file.offer',
  params: none,
  query: none,
  body: desk.OFFER,
  answer: fileJsonSchema,
  status: 201,
  handle: ({ body, by, door }) => desk.offer({ ...body, sha256: hashOf(body.sha256) }, { by, door }),
});

const content = jsonRoute({
  method: 'GET',
  path: '/api/files/{id}/content',
  summary: 'A piece of it as base64, fetched from whichever node has it',
  action: 'file.take',
  params: idParams,
  query: z.object({ offset: queryNumber({ min: 0, max: 999_999_999, default: 0 }) }),
  body: none,
  answer: z.object({ name: z.string(), sha256: z.string(), data: z.string(), last: z.boolean() }),
  status: 200,
  handle: async ({ params, query, by, door }) => {
    const row = desk.offerTo(params.id, { by, door });
    if (isRefusal(row)) return row;
    const read = await desk.read(row, { offset: query.offset, maxBytes: PIECE_MAX_BYTES }, { by, door });
    if (isRefusal(read)) return read;
    const { name, sha256 } = row.offered;
    return { name, sha256, data: Buffer.from(read.data).toString('base64'), last: read.isLast };
  },
});

export const fileRoutes: readonly Route[] = [list, piece, offer, content];
