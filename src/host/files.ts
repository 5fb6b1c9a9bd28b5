/** Files at this node: blobs that come in pieces, and go out in pieces. */
import type { Hash } from '#core/brand.ts';
import type { Filed, Filing } from '#core/file/filing.ts';
import { FILE_MAX_BYTES, PIECE_MAX_BYTES } from '#core/file/filing.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { BlobReceiver, BlobStore, LinkInfo } from '#ports.ts';
import type { BlobTransfer } from './blob-transfer.ts';

type FilesOptions = { blobs: BlobStore; transfer: Pick<BlobTransfer, 'ensure'>; links: () => readonly LinkInfo[] };

export class Files implements Filing {
  readonly #o: FilesOptions;

  constructor(o: FilesOptions) {
    this.#o = o;
  }

  async piece(o: Parameters<Filing['piece']>[0]): Promise<Filed | Refusal> {
    const { blobs } = this.#o;
    if (o.sizeBytes > FILE_MAX_BYTES || o.data.byteLength > PIECE_MAX_BYTES) return tooLarge(o.sizeBytes);
    const held = await blobs.sizeBytes(o.sha256);
    if (held !== undefined) return { offset: held, isWhole: true };
    let receiver: BlobReceiver;
    try {
      receiver = await blobs.receive(o.sha256);
    } catch {
      return refusal('conflict', 'this file is arriving already', { expected: 'the same piece again in a moment' });
    }
    const { offset } = receiver;
    if (offset !== o.offset || offset + o.data.byteLength > o.sizeBytes) {
      await receiver.abort();
      return offset === o.offset ? tooLarge(offset + o.data.byteLength) : { offset, isWhole: false };
    }
    await receiver.write(o.data);
    const now = receiver.offset;
    if (now < o.sizeBytes) {
      // What has come is kept, and the next piece goes on there.
      await receiver.abort();
      return { offset: now, isWhole: false };
    }
    if ((await receiver.finish()) === 'stored') return { offset: now, isWhole: true };
    return refusal('invalid', 'these bytes have another SHA-256: nothing is kept', { expected: o.sha256 });
  }

  async put(data: Uint8Array): Promise<{ sha256: Hash; sizeBytes: number } | Refusal> {
    if (data.byteLength > FILE_MAX_BYTES) return tooLarge(data.byteLength);
    const { hash, sizeBytes } = await this.#o.blobs.put(data);
    return { sha256: hash, sizeBytes };
  }

  sizeBytes(sha256: Hash): Promise<number | undefined> {
    return this.#o.blobs.sizeBytes(sha256);
  }

  async read({ sha256, from, offset, maxBytes }: Parameters<Filing['read']>[0]): Promise<Uint8Array | Refusal> {
    const { blobs, transfer, links } = this.#o;
    const missing = await transfer.ensure(sha256, [from, ...links().map(({ node }) => node)]);
    if (missing !== undefined) return missing;
    return (await blobs.read(sha256, { offset, maxBytes })) ?? refusal('not_found', 'the file is gone');
  }
}

const tooLarge = (got: number): Refusal =>
  refusal('too_large', 'the file is too large', { expected: `at most ${FILE_MAX_BYTES} bytes`, got: `${got}` });
