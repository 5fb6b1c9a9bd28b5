/**
 * What the two ends of the router's one connection say to one another, a JSON object a line.
 *
 *     near → {"t":"follow","from":{"12_00":{"inode":"71","offset":41}}}
 *     near → {"t":"append","n":1,"mailbox":"12_00","key":"r-1","record":{"type":"user","content":"Say hello."}}
 *     near → {"t":"append","n":1,"mailbox":"12_00","key":"r-1","record":{…},"after":null}
 *     near → {"t":"read","n":2,"path":"runs/12/work.bundle","offset":0}
 *     near → {"t":"write","n":3,"path":"runs/12/base.bundle","offset":0,"base64":"…","isLast":true}
 *     far  → {"t":"ready","version":"0.2.0"}
 *     far  → {"t":"line","mailbox":"12_00","position":{"inode":"72","offset":99},"record":{"type":"start",…}}
 *     far  → {"t":"fault","mailbox":"12_00","position":{"inode":"72","offset":120},"why":"not_json"}
 *     far  → {"t":"done","n":1,"position":{"inode":"71","offset":82}}
 *     far  → {"t":"done","n":2,"base64":"…","isEnd":true}
 *     far  → {"t":"refused","n":3,"message":"…"}
 *
 * `after` stands in an append that may have been made before: one whose `key` is found behind that place, or anywhere for null, is not made again.
 */
import { z } from 'zod';

const position = z.object({ inode: z.string(), offset: z.number().int().nonnegative() });
const count = z.number().int().nonnegative();
/** `12_00`: the file's name without its ending. */
export const mailboxSchema = z.string().regex(/^[A-Za-z0-9-]{1,64}_[0-9]{2,5}$/);
/** Below the shared directory, of plain names. */
const path = z
  .string()
  .regex(/^(?:[A-Za-z0-9_@-][A-Za-z0-9._@-]*|\.agents)(?:\/(?:[A-Za-z0-9_@-][A-Za-z0-9._@-]*|\.agents))*$/);

const append = z.object({
  t: z.literal('append'),
  n: count,
  mailbox: mailboxSchema,
  key: z.string().min(1).max(300),
  record: z.record(z.string(), z.unknown()),
  after: position.nullable().optional(),
});

export const toFar = z.discriminatedUnion('t', [
  z.object({ t: z.literal('follow'), from: z.record(mailboxSchema, position) }),
  append,
  z.object({ t: z.literal('read'), n: count, path, offset: count }),
  z.object({ t: z.literal('write'), n: count, path, offset: count, base64: z.string(), isLast: z.boolean() }),
]);
export type ToFar = z.output<typeof toFar>;
export type Append = z.output<typeof append>;

export const toNear = z.discriminatedUnion('t', [
  z.object({ t: z.literal('ready'), version: z.string() }),
  z.object({ t: z.literal('line'), mailbox: mailboxSchema, position, record: z.unknown() }),
  z.object({ t: z.literal('fault'), mailbox: mailboxSchema, position, why: z.string() }),
  z.object({
    t: z.literal('done'),
    n: count,
    position: position.optional(),
    base64: z.string().optional(),
    isEnd: z.boolean().optional(),
  }),
  z.object({ t: z.literal('refused'), n: count, message: z.string() }),
]);
export type ToNear = z.output<typeof toNear>;
/** What stood in an outbox. */
export type FarLine = Extract<ToNear, { t: 'line' | 'fault' }>;

/** One piece of a file that is carried: with its base64 well below the longest line that is read. */
export const PIECE_BYTES = 512 * 1024;
