/** Bytes of a blob on their way in: appended to a file that outlives an interruption, and hashed as they come. */
import type { Hash as Sum } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import type { Hash } from '#core/brand.ts';
import type { BlobReceiver } from '#ports.ts';
import { writeAll } from './files.ts';

export type ReceiverOptions = {
  /** Open for appending. */
  file: FileHandle;
  path: string;
  hash: Hash;
  /** Over what the file holds already. */
  sum: Sum;
  /** Bytes the file holds already: the sender goes on from here. */
  offset: number;
  keep: () => Promise<void>;
  ended: () => void;
};

/** One caller, who waits for each call before the next. */
export class FileReceiver implements BlobReceiver {
  private readonly options: ReceiverOptions;
  private open = true;
  private received: number;

  constructor(options: ReceiverOptions) {
    this.options = options;
    this.received = options.offset;
  }

  get offset(): number {
    return this.received;
  }

  /** A failed write ends the receiver: part of the piece may be in the file, which the next receipt sees and this one does not. */
  async write(piece: Uint8Array): Promise<void> {
    if (!this.open) throw new Error('this receiver has ended');
    try {
      await writeAll(this.options.file, piece);
    } catch (error) {
      await this.abort();
      throw error;
    }
    this.options.sum.update(piece);
    this.received += piece.byteLength;
  }

  /** After a mismatch the bytes are gone: the next receipt starts anew. */
  async finish(): Promise<'stored' | 'mismatch'> {
    if (!this.open) throw new Error('this receiver has ended');
    this.open = false;
    const { file, path, hash, sum, keep, ended } = this.options;
    try {
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      if (sum.digest('hex') === hash) {
        await keep();
        return 'stored';
      }
      await rm(path);
      return 'mismatch';
    } finally {
      ended();
    }
  }

  /** Keeps what has come for a later receipt. Idempotent. */
  async abort(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    try {
      await this.options.file.close();
    } finally {
      this.options.ended();
    }
  }
}
