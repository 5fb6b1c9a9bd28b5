/**
 * Blobs as files under one directory: `ab/cdef…` by their SHA-256. A file appears under its name only when all of it is on disk, so what is
 * there is whole; what was interrupted lies in `new/` (puts, removed at the next start) and in `incoming/` (receipts, resumed).
 */
import type { Hash as Hasher } from 'node:crypto';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Hash } from '#core/brand.ts';
import { hashOf } from '#core/brand.ts';
import type { BlobReceiver, BlobStore } from '#ports.ts';
import { FileReceiver } from './blob-receiver.ts';
import { StoreError } from './errors.ts';
import { isMissing, syncDirectory, writeAll } from './files.ts';

/** Interrupted receipts kept for resuming; older ones belong to senders that never came back. */
const INCOMING_MAX = 64;

export class FileBlobStore implements BlobStore {
  private readonly root: string;
  private readonly receiving = new Set<Hash>();

  private constructor(root: string) {
    this.root = root;
  }

  /** Makes the directory when it is missing, and clears what interrupted puts left. One store a directory at a time. */
  static async open(root: string): Promise<FileBlobStore> {
    await rm(join(root, 'new'), { recursive: true, force: true });
    await mkdir(join(root, 'new'), { recursive: true });
    await mkdir(join(root, 'incoming'), { recursive: true });
    await dropOldest(join(root, 'incoming'), INCOMING_MAX);
    return new FileBlobStore(root);
  }

  async put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<{ hash: Hash; sizeBytes: number }> {
    const fresh = join(this.root, 'new', randomUUID());
    const sum = createHash('sha256');
    let sizeBytes = 0;
    try {
      const file = await open(fresh, 'wx');
      try {
        for await (const piece of content instanceof Uint8Array ? [content] : content) {
          sum.update(piece);
          sizeBytes += piece.byteLength;
          await writeAll(file, piece);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      const hash = hashOf(sum.digest('hex'));
      await this.keep(fresh, hash);
      return { hash, sizeBytes };
    } finally {
      await rm(fresh, { force: true });
    }
  }

  async has(hash: Hash): Promise<boolean> {
    return (await this.sizeBytes(hash)) !== undefined;
  }

  async sizeBytes(hash: Hash): Promise<number | undefined> {
    try {
      return (await stat(this.fileOf(hash))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async read(hash: Hash, o: { offset: number; maxBytes: number }): Promise<Uint8Array | undefined> {
    const sizeBytes = await this.sizeBytes(hash);
    if (sizeBytes === undefined) return undefined;
    const piece = new Uint8Array(Math.max(0, Math.min(o.maxBytes, sizeBytes - o.offset)));
    const file = await open(this.fileOf(hash), 'r');
    try {
      let got = 0;
      while (got < piece.byteLength) {
        const { bytesRead } = await file.read(piece, got, piece.byteLength - got, o.offset + got);
        if (bytesRead === 0) throw new StoreError('store_damaged', `blob ${hash} became shorter while it was read`);
        got += bytesRead;
      }
    } finally {
      await file.close();
    }
    return piece;
  }

  async path(hash: Hash): Promise<string | undefined> {
    return (await this.has(hash)) ? this.fileOf(hash) : undefined;
  }

  /** Goes on where an earlier receipt of this blob was interrupted. Throws `blob_busy` while another one runs. */
  async receive(hash: Hash): Promise<BlobReceiver> {
    const path = join(this.root, 'incoming', checked(hash));
    if (this.receiving.has(hash))
      throw new StoreError('blob_busy', `blob ${hash} is being received already: wait for it`);
    this.receiving.add(hash);
    try {
      const sum = createHash('sha256');
      const file = await open(path, 'a');
      const offset = await sizeAndSum(path, sum).catch(async (error: unknown) => {
        await file.close();
        throw error;
      });
      return new FileReceiver({
        file,
        path,
        hash,
        sum,
        offset,
        keep: () => this.keep(path, hash),
        ended: () => this.receiving.delete(hash),
      });
    } catch (error) {
      this.receiving.delete(hash);
      throw error;
    }
  }

  /** Gives a whole, synced file its name. A blob that is there already stays. */
  private async keep(path: string, hash: Hash): Promise<void> {
    const target = this.fileOf(hash);
    if (await this.has(hash)) {
      await rm(path, { force: true });
      return;
    }
    const made = await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    await syncDirectory(dirname(target));
    if (made !== undefined) await syncDirectory(this.root);
  }

  private fileOf(hash: Hash): string {
    return join(this.root, checked(hash).slice(0, 2), hash.slice(2));
  }
}

/** How much there is of an interrupted receipt; the sum takes in all of it. */
async function sizeAndSum(path: string, sum: Hasher): Promise<number> {
  let sizeBytes = 0;
  const pieces: AsyncIterable<Buffer> = createReadStream(path);
  for await (const piece of pieces) {
    sum.update(piece);
    sizeBytes += piece.byteLength;
  }
  return sizeBytes;
}

/** The type says so already; here a mistake would name a file anywhere. */
function checked(hash: Hash): Hash {
  if (/^[0-9a-f]{64}$/.test(hash)) return hash;
  throw new Error(`not a hash: ${hash.slice(0, 100)}`);
}

async function dropOldest(folder: string, kept: number): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => ({ name, changedMs: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = files.toSorted((a, b) => b.changedMs - a.changedMs).slice(kept);
  for (const { name } of old) await rm(join(folder, name));
}
