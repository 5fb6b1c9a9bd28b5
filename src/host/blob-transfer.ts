/** Blobs between nodes: one method, `blob.read`, by which whoever lacks a blob takes it piece by piece from whoever has it. */
import { z } from 'zod';
import type { Hash, NodeId } from '#core/brand.ts';
import { hashSchema } from '#core/schema/ids.ts';
import type { Refusal } from '#core/refusal.ts';
import type { BlobStore } from '#ports.ts';
import { refusal } from '#core/refusal.ts';
import type { Remote } from './remote.ts';
import { isRefusal } from './remote.ts';

/** Bytes a piece: as base64 in a frame it stays well below 1 MiB. */
const PIECE_BYTES = 512 * 1024;
const PIECE_DEADLINE_MS = 15_000;
/** A blob above this is not taken from another node. */
const BLOB_MAX_BYTES = 2 * 1024 * 1024 * 1024;

const readSchema = z.object({ blob: hashSchema, offset: z.number().int().nonnegative() });
const pieceSchema = z.object({ data: z.string(), sizeBytes: z.number().int().nonnegative() });

export class BlobTransfer {
  private readonly blobs: BlobStore;
  private readonly remote: Remote;
  /** Transfers under way: the same blob is taken once. */
  private readonly taking = new Map<Hash, Promise<Refusal | undefined>>();

  constructor(blobs: BlobStore, remote: Remote) {
    this.blobs = blobs;
    this.remote = remote;
    remote.serve('blob.read', readSchema, async ({ blob, offset }) => {
      const sizeBytes = await blobs.sizeBytes(blob);
      const piece = sizeBytes === undefined ? undefined : await blobs.read(blob, { offset, maxBytes: PIECE_BYTES });
      if (sizeBytes === undefined || piece === undefined)
        return refusal('not_found', 'this node does not hold that blob');
      return { data: Buffer.from(piece).toString('base64'), sizeBytes };
    });
  }

  /** Makes the blob be here, on disk, taken from the first of `from` that has it. Undefined when it is; else why not, and nothing was stored. */
  async ensure(blob: Hash, from: readonly NodeId[]): Promise<Refusal | undefined> {
    if (await this.blobs.has(blob)) return undefined;
    const held = this.taking.get(blob);
    if (held !== undefined) return held;
    const taking = this.takeFromFirst(blob, from).finally(() => this.taking.delete(blob));
    this.taking.set(blob, taking);
    return taking;
  }

  private async takeFromFirst(blob: Hash, from: readonly NodeId[]): Promise<Refusal | undefined> {
    let last: Refusal | undefined = refusal('not_found', 'no node is known to hold that blob');
    for (const node of new Set(from)) {
      last = await this.take(blob, node);
      if (last === undefined) return undefined;
    }
    return last;
  }

  private async take(blob: Hash, node: NodeId): Promise<Refusal | undefined> {
    const receiver = await this.blobs.receive(blob);
    try {
      for (;;) {
        const piece = await this.remote.ask({
          to: node,
          method: 'blob.read',
          params: { blob, offset: receiver.offset },
          deadlineMs: PIECE_DEADLINE_MS,
          answer: pieceSchema,
        });
        if (isRefusal(piece)) return piece;
        if (piece.sizeBytes > BLOB_MAX_BYTES)
          return refusal('too_large', `a blob of ${piece.sizeBytes} bytes is too large`);
        const bytes = Buffer.from(piece.data, 'base64');
        await receiver.write(bytes);
        if (receiver.offset >= piece.sizeBytes || bytes.length === 0) break;
      }
      if ((await receiver.finish()) === 'stored') return undefined;
      return refusal('workspace', `node ${node.slice(0, 8)} sent bytes that are not the blob they should be`);
    } finally {
      // Also where something threw: a receipt that never ends would keep the blob out for good. After `finish` it does nothing.
      await receiver.abort();
    }
  }
}
