/** `skep file …`: files that are handed over. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT, usageFailure } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { keepFile } from '../kept-file.ts';
import { shortId, shortIds } from '../short-id.ts';
import { showJson, statusCell } from '../show.ts';
import { table } from '../table.ts';
import { ago, printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';

const PIECE_BYTES = 1024 * 1024;
/** As the node has it; it says so itself, but only after the file was read. */
const FILE_MAX_BYTES = 50 * 1024 * 1024;

const fileSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  size_bytes: z.number(),
  from: z.string(),
  to: z.string(),
  state: z.string(),
  offered_at: z.string(),
});
const filedSchema = z.looseObject({ offset: z.number(), whole: z.boolean() });
const pieceSchema = z.looseObject({ name: z.string(), sha256: z.string(), data: z.string(), last: z.boolean() });

/** The bytes of a file itself: what a link leads to is not what was named. */
async function bytesOf(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw usageFailure(`${path}: ${isLoop(error) ? 'a link is not sent: name the file itself' : reasonOf(error)}`);
    },
  );
  try {
    const { size, ...about } = await file.stat();
    if (!('mode' in about) || (about.mode & constants.S_IFMT) !== constants.S_IFREG)
      throw usageFailure(`${path} is no file`);
    if (size > FILE_MAX_BYTES) throw usageFailure(`${path} has ${size} bytes, more than ${FILE_MAX_BYTES}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

const isLoop = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ELOOP';
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const send: Leaf = {
  name: 'send',
  summary: 'hand a file to an agent; what its node knows is not sent again',
  args: [
    ['<to>', 'an agent by name, or @id'],
    ['<path>', 'the file; a link is refused'],
  ],
  examples: [['skep file send bob lexer.patch', 'prints its id']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const path = resolve(given.arg(1));
      const bytes = await bytesOf(path);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      for (let offset = 0, empty = true; ; empty = false) {
        const data = empty ? '' : bytes.subarray(offset, offset + PIECE_BYTES).toString('base64');
        const piece = { sha256, size_bytes: bytes.length, offset, data };
        const filed = read(filedSchema, await ask(node, { method: 'POST', path: '/api/files/pieces', body: piece }));
        if (filed.whole) break;
        offset = filed.offset;
      }
      const request = { to: given.arg(0), name: basename(path), sha256 };
      const body = await ask(node, { method: 'POST', path: '/api/files', body: request });
      if (given.json) return showJson(body, world);
      world.out.write(`Offered as ${shortId(read(fileSchema, body).id)}.\n`);
      return EXIT.ok;
    }),
};

const list: Leaf = {
  name: 'list',
  summary: 'files that were offered, newest first',
  examples: [['skep file list', 'who sent what to whom, and whether it was taken']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/files' });
      if (given.json) return showJson(body, world);
      const found = read(z.array(fileSchema), body);
      const short = shortIds(found.map(({ id }) => id));
      const rows = found.map((one) => [
        short(one.id),
        ago(one.offered_at, world.now()),
        statusCell(one.state),
        printableLine(one.from),
        printableLine(one.to),
        `${one.size_bytes}`,
        printableLine(one.name),
      ]);
      const columns = ['ID', 'SENT', 'STATE', 'FROM', 'TO', 'BYTES', 'NAME'].map((title) => ({
        title,
        gives: title === 'NAME',
      }));
      world.out.write(rows.length === 0 ? 'No files.\n' : table(columns, rows, world.out));
      return EXIT.ok;
    }),
};

const accept: Leaf = {
  name: 'accept',
  summary: 'write a file that was offered into a folder; nothing that is there is written over',
  args: [
    ['<id>', 'of the offer, or its SHA-256'],
    ['[folder]', 'where to; here without it'],
  ],
  examples: [['skep file accept 3fa9c1d2-12', 'checked by its SHA-256 before it is kept']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const folder = await realpath(resolve(given.args[1] ?? '.'));
      const route = `/api/files/${encodeURIComponent(given.arg(0))}/content`;
      const pieces: Buffer[] = [];
      for (let offset = 0; ;) {
        const piece = read(pieceSchema, await ask(node, { method: 'GET', path: route, query: { offset } }));
        const data = Buffer.from(piece.data, 'base64');
        pieces.push(data);
        offset += data.length;
        if (!piece.last && data.length > 0 && offset <= FILE_MAX_BYTES) continue;
        const path = await keepFile(folder, piece, Buffer.concat(pieces));
        world.out.write(`Wrote ${path}.\n`);
        return EXIT.ok;
      }
    }),
};

export const file: Group = {
  name: 'file',
  summary: 'files between people and agents',
  leaves: [send, list, accept],
};
