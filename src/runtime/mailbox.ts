/**
 * A mailbox is an append-only file with one JSON record a line, one writer a file, and any number of readers that follow by byte offset.
 * No locks: a writer only appends, and a reader takes a line when its `\n` is there. It works the same on a network file system, where no
 * doorbell reaches the reader and it looks every `pollMs` instead.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Bell } from './bell.ts';
import { JsonLines, JSON_LINE_MAX_BYTES } from './json-lines.ts';
import { codeOf, RuntimeRefusal } from './refusal.ts';

/** One read of a follower: large enough to be quick, small enough to keep one for each of many followed files. */
const READ_BYTES = 64 * 1024;

/**
 * The only writer of its file. Writing is synchronous: order needs no queue, and the page cache takes a line in microseconds. A writer that dies
 * within a line leaves it torn; the next writer ends that line first, so readers meet one fault and nothing after it is lost.
 */
export class MailboxWriter {
  #file: number | undefined;
  #torn: boolean;
  #sizeBytes: number;

  /** Opens for appending; makes the file (mode 0600) where there is none. */
  constructor(path: string) {
    const file = openSync(path, 'a+', 0o600);
    const last = Buffer.alloc(1);
    this.#file = file;
    this.#sizeBytes = fstatSync(file).size;
    this.#torn = this.#sizeBytes > 0 && readSync(file, last, 0, 1, this.#sizeBytes - 1) === 1 && last[0] !== 10;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Appends one record; it is in the file when this returns (there it outlives this process, not the machine). Throws `bad_line` for a record
   * that no reader would take, and what the file system throws (disk full): then the record does not count, and the writer can go on.
   */
  append(record: object): void {
    if (this.#file === undefined) throw new RuntimeRefusal('mailbox_closed', 'This mailbox writer is closed.');
    const bytes = Buffer.from(`${this.#torn ? '\n' : ''}${JSON.stringify(record)}\n`);
    if (bytes.length > JSON_LINE_MAX_BYTES) {
      throw new RuntimeRefusal(
        'bad_line',
        `A record has at most ${JSON_LINE_MAX_BYTES} bytes; this one has ${bytes.length}.`,
      );
    }
    for (let at = 0; at < bytes.length;) {
      const written = writeSync(this.#file, bytes, at);
      at += written;
      this.#sizeBytes += written;
      this.#torn = at < bytes.length;
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** `nextOffset`: where the following line begins. A reader made with it goes on from there. */
export type MailboxLine =
  | { kind: 'record'; value: unknown; nextOffset: number }
  | { kind: 'fault'; why: 'not_json' | 'too_long' | 'torn'; bytes: number; nextOffset: number };

export type MailboxReaderOptions = {
  /** Where to begin: 0, or the `nextOffset` of the last line that was taken. */
  offset?: number;
  /** Look this often although nothing rang. Only for file systems whose writers cannot ring. */
  pollMs?: number;
  /** Throw `ENOENT` where there is no file, instead of waiting until there is. */
  mustExist?: boolean;
};

/** Follows one mailbox. Reads only when asked for the next line, so a slow consumer costs no memory. */
export class MailboxReader {
  readonly #path: string;
  readonly #o: MailboxReaderOptions;
  readonly #bell = new Bell();
  #file: FileHandle | undefined;
  #buffer: Buffer | undefined;
  #finished = false;
  #closed = false;

  constructor(path: string, o: MailboxReaderOptions = {}) {
    this.#path = path;
    this.#o = o;
  }

  /** The doorbell: the file may have grown. */
  ring(): void {
    this.#bell.ring();
  }

  /** Nothing more will be written: end at the end of the file. */
  finish(): void {
    this.#finished = true;
    this.#bell.ring();
  }

  /** End now, whatever is left, also when nobody asks for the next line any more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#bell.ring();
    void this.#file?.close();
  }

  /** The lines from the offset on, and then those to come, until `finish` or `close`. Call it once. */
  async *lines(): AsyncGenerator<MailboxLine, void, undefined> {
    const lines = new JsonLines();
    let nextOffset = this.#o.offset ?? 0;
    try {
      for (let at = nextOffset; !this.#closed;) {
        // Both before the look: what is written or said during it is news for the next one.
        const last = this.#finished;
        this.#bell.clear();
        const chunk = await this.#read(at);
        at += chunk.length;
        for (const line of lines.feed(chunk)) {
          nextOffset += line.bytes;
          yield { ...line, nextOffset };
          if (this.#closed) return;
        }
        if (chunk.length > 0) continue;
        if (last) break;
        await this.#bell.wait(this.#o.pollMs);
      }
      if (!this.#closed && lines.heldBytes > 0) {
        yield { kind: 'fault', why: 'torn', bytes: lines.heldBytes, nextOffset };
      }
    } finally {
      await this.#file?.close();
    }
  }

  /** What stands there; empty at the end, and where there is no file yet. It is overwritten by the next read. */
  async #read(at: number): Promise<Buffer> {
    this.#file ??= await this.#open();
    if (this.#file === undefined || this.#closed) return Buffer.alloc(0);
    // Not before there is a file: many an inbox is never written to, and its follower costs nothing.
    this.#buffer ??= Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await this.#file.read(this.#buffer, 0, READ_BYTES, at);
    return this.#buffer.subarray(0, bytesRead);
  }

  async #open(): Promise<FileHandle | undefined> {
    try {
      return await open(this.#path, 'r');
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && this.#o.mustExist !== true) return undefined;
      throw error;
    }
  }
}
