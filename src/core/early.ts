/** Batches that came before the ops they follow. They wait, within bounds, until the gap below them is filled. */
import type { NodeId } from './brand.ts';
import type { SignedBatch } from './log.ts';

/** Ops of one author that wait: one batch of the largest size. */
const OPS_MAX = 256;
/** Authors whose ops may wait: a peer that makes up authors must not fill the memory. */
const AUTHORS_MAX = 1_024;

/** `from` is the number of its first op. */
type Early = { from: number; batch: SignedBatch };

export class EarlyBatches {
  private readonly byAuthor = new Map<NodeId, Early[]>();

  /** What does not fit is not kept: it is asked for again with the gap. */
  keep(author: NodeId, batch: SignedBatch, from: number): void {
    const held = this.byAuthor.get(author) ?? [];
    const count = held.reduce((sum, early) => sum + early.batch.ops.length, 0);
    if (count + batch.ops.length > OPS_MAX) return;
    if (held.length === 0 && this.byAuthor.size >= AUTHORS_MAX) return;
    if (held.some((early) => early.from === from && early.batch.sig === batch.sig)) return;
    this.byAuthor.set(
      author,
      [...held, { from, batch }].toSorted((a, b) => a.from - b.from),
    );
  }

  /** Takes out what waits for this author, lowest numbers first. */
  take(author: NodeId): SignedBatch[] {
    const held = this.byAuthor.get(author) ?? [];
    this.byAuthor.delete(author);
    return held.map((early) => early.batch);
  }

  authors(): number {
    return this.byAuthor.size;
  }
}
