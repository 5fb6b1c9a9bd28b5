/** Blobs in memory, for tests and for the simulator. They have no path. */
import type { Hash } from '#core/brand.ts';
import type { BlobReceiver, BlobStore } from '#ports.ts';
import { StoreError } from './errors.ts';

export class MemoryBlobStore implements BlobStore {
  private readonly sha256: (bytes: Uint8Array) => Hash;
  private readonly blobs = new Map<Hash, Uint8Array>();
  private readonly incoming = new Map<Hash, Uint8Array>();
  private readonly receiving = new Set<Hash>();

  constructor(o: { sha256: (bytes: Uint8Array) => Hash }) {
    this.sha256 = o.sha256;
  }

  async put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<{ hash: Hash; sizeBytes: number }> {
    let bytes = new Uint8Array();
    for await (const piece of content instanceof Uint8Array ? [content] : content) bytes = joined(bytes, piece);
    const hash = this.sha256(bytes);
    if (!this.blobs.has(hash)) this.blobs.set(hash, bytes);
    return { hash, sizeBytes: bytes.byteLength };
  }

  async has(hash: Hash): Promise<boolean> {
    return this.blobs.has(hash);
  }

  async sizeBytes(hash: Hash): Promise<number | undefined> {
    return this.blobs.get(hash)?.byteLength;
  }

  async read(hash: Hash, o: { offset: number; maxBytes: number }): Promise<Uint8Array | undefined> {
    return this.blobs.get(hash)?.slice(o.offset, o.offset + o.maxBytes);
  }

  async path(): Promise<undefined> {
    return undefined;
  }

  /** Goes on where an earlier receipt of this blob was interrupted. Throws `blob_busy` while another one runs. */
  async receive(hash: Hash): Promise<BlobReceiver> {
    if (this.receiving.has(hash))
      throw new StoreError('blob_busy', `blob ${hash} is being received already: wait for it`);
    this.receiving.add(hash);
    const held = (): Uint8Array => this.incoming.get(hash) ?? new Uint8Array();
    let open = true;
    const end = (): void => {
      open = false;
      this.receiving.delete(hash);
    };
    const assertOpen = (): void => {
      if (!open) throw new Error('this receiver has ended');
    };
    return {
      get offset() {
        return held().byteLength;
      },
      write: async (piece) => {
        assertOpen();
        this.incoming.set(hash, joined(held(), piece));
      },
      finish: async () => {
        assertOpen();
        const bytes = held();
        this.incoming.delete(hash);
        end();
        if (this.sha256(bytes) !== hash) return 'mismatch';
        this.blobs.set(hash, bytes);
        return 'stored';
      },
      abort: async () => {
        if (open) end();
      },
    };
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
