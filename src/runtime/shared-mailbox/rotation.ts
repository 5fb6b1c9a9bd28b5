/**
 * A mailbox that became too long is moved aside by its writer, and begun anew under its own name: `12_00.jsonl` is the file that is written to,
 * `12_00.1.jsonl`, `12_00.2.jsonl`, … are what it was before, in this order. What was moved aside is never written to again.
 */
import { readdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MailboxWriter } from '../mailbox.ts';
import { codeOf } from '../refusal.ts';

const SUFFIX = '.jsonl';

const stemOf = (path: string): string => basename(path, SUFFIX);

export function rotatedPath(path: string, number: number): string {
  return join(dirname(path), `${stemOf(path)}.${number}${SUFFIX}`);
}

/** Numbers of the files that were moved aside, in order; none where there is no directory. */
export function rotatedNumbers(path: string): number[] {
  const prefix = `${stemOf(path)}.`;
  const numbers: number[] = [];
  for (const name of namesIn(dirname(path))) {
    const middle = name.startsWith(prefix) && name.endsWith(SUFFIX) ? name.slice(prefix.length, -SUFFIX.length) : '';
    if (/^[1-9][0-9]{0,8}$/.test(middle)) numbers.push(Number(middle));
  }
  return numbers.toSorted((a, b) => a - b);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * The writer of a mailbox that is moved aside when it has grown above a bound. There may be another one for a while: one that counts as lost, and does
 * not know it yet. Both only append, so nothing is torn; but only one of them moves the file, or else the other would write on in a file whose end
 * was read.
 */
export class RotatingWriter {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #mayMove: () => boolean;
  #writer: MailboxWriter;

  /** `mayMove`: false for a writer that is late; asked before the file is moved aside. */
  constructor(path: string, maxBytes: number, mayMove: () => boolean = () => true) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#mayMove = mayMove;
    this.#writer = new MailboxWriter(path);
  }

  /** As {@link MailboxWriter.append}. */
  append(record: object): void {
    this.#writer.append(record);
    if (this.#writer.sizeBytes >= this.#maxBytes && this.#isNamed() && this.#mayMove()) this.rotate();
  }

  /** Goes on in the file that has the name now, where another writer has moved this one's aside. Throws what the file system throws. */
  settle(): void {
    if (this.#writer.inode === undefined || this.#isNamed()) return;
    const named = new MailboxWriter(this.#path);
    this.#writer.close();
    this.#writer = named;
  }

  /** Moves the file aside and begins it anew. */
  rotate(): void {
    const number = (rotatedNumbers(this.#path).at(-1) ?? 0) + 1;
    this.#writer.close();
    renameSync(this.#path, rotatedPath(this.#path, number));
    this.#writer = new MailboxWriter(this.#path);
  }

  /** Idempotent. */
  close(): void {
    this.#writer.close();
  }

  /** What it writes to is what a reader finds by the name. */
  #isNamed(): boolean {
    const named = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    return named !== undefined && String(named.ino) === this.#writer.inode;
  }
}
