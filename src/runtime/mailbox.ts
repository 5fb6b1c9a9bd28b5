/**
 * A mailbox is an append-only file with one JSON record a line, one writer a file, and any number of readers that follow by byte offset.
 * No locks: a writer only appends, and a reader takes a line when its `\n` is there. It works the same on a network file system, where no
 * doorbell reaches the reader and it looks every `pollMs` instead.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { GrowingFile, openedIfThere, READ_BYTES } from './growing-file.ts';
import { JsonLines, JSON_LINE_MAX_BYTES } from './json-lines.ts';
import { RuntimeRefusal } from './refusal.ts';

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

  /** Of the file that it writes to, whatever name that has now; undefined once it is closed. */
  get inode(): string | undefined {
    return this.#file === undefined ? undefined : String(fstatSync(this.#file, { bigint: true }).ino);
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

/** Follows one mailbox, which stays under its name. Throws `ENOENT` only where `mustExist` asks for it. */
export class MailboxReader extends GrowingFile<MailboxLine> {
  readonly #o: MailboxReaderOptions;
  readonly #lines = new JsonLines();
  /** Where the next line begins. */
  #nextOffset: number;
  #file: FileHandle | undefined;
  #buffer: Buffer | undefined;

  constructor(path: string, o: MailboxReaderOptions = {}) {
    super(path);
    this.#o = o;
    this.#nextOffset = o.offset ?? 0;
  }

  override close(): void {
    super.close();
    void this.#file?.close();
  }

  override async *lines(): AsyncGenerator<MailboxLine, void, undefined> {
    try {
      yield* super.lines();
    } finally {
      await this.#file?.close();
    }
  }

  protected async *look(): AsyncGenerator<MailboxLine, boolean, undefined> {
    const chunk = await this.#read(this.#nextOffset + this.#lines.heldBytes);
    for (const line of this.#lines.feed(chunk)) {
      this.#nextOffset += line.bytes;
      yield { ...line, nextOffset: this.#nextOffset };
      if (this.isClosed) return false;
    }
    return chunk.length > 0;
  }

  protected torn(): MailboxLine | undefined {
    const { heldBytes: bytes } = this.#lines;
    return bytes === 0 ? undefined : { kind: 'fault', why: 'torn', bytes, nextOffset: this.#nextOffset };
  }

  protected pollMs(): number | undefined {
    return this.#o.pollMs;
  }

  /** What stands there; empty at the end, and where there is no file yet. It is overwritten by the next read. */
  async #read(at: number): Promise<Buffer> {
    this.#file ??= await (this.#o.mustExist === true ? open(this.path, 'r') : openedIfThere(this.path));
    if (this.#file === undefined || this.isClosed) return Buffer.alloc(0);
    // Not before there is a file: many an inbox is never written to, and its follower costs nothing.
    this.#buffer ??= Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await this.#file.read(this.#buffer, 0, READ_BYTES, at);
    return this.#buffer.subarray(0, bytesRead);
  }
}
