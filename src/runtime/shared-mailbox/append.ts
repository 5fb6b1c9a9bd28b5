import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { JSON_LINE_MAX_BYTES } from '../json-lines.ts';
import { RuntimeRefusal } from '../refusal.ts';
import type { MailboxPosition } from './follower.ts';

/**
 * Appends records to a mailbox that others append to as well, in one write, and makes it durable. The file is opened anew: on a network file
 * system that is when its end is learnt. A line that somebody left torn is ended first, so that only that one is lost.
 *
 * Returns a position behind them: whoever has read up to there has read them. Throws `bad_line` for a record that no reader would take, and what
 * the file system throws. Of a write that the disk took in part, a torn line stays: no reader takes it for a record.
 */
export function appendShared(path: string, records: readonly object[]): MailboxPosition {
  const lines = records.map((record) => JSON.stringify(record));
  for (const line of lines) {
    const bytes = Buffer.byteLength(line) + 1;
    if (bytes <= JSON_LINE_MAX_BYTES) continue;
    throw new RuntimeRefusal('bad_line', `A record has at most ${JSON_LINE_MAX_BYTES} bytes; this one has ${bytes}.`);
  }
  const file = openSync(path, 'a+', 0o600);
  try {
    const sizeBytes = fstatSync(file).size;
    const last = Buffer.alloc(1);
    const isTorn = sizeBytes > 0 && readSync(file, last, 0, 1, sizeBytes - 1) === 1 && last[0] !== 10;
    const bytes = Buffer.from(`${isTorn ? '\n' : ''}${lines.map((line) => `${line}\n`).join('')}`);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
    const { ino, size } = fstatSync(file, { bigint: true });
    return { inode: String(ino), offset: Number(size) };
  } finally {
    closeSync(file);
  }
}
