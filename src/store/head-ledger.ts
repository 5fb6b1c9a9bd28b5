/** The head of each log as committed, and as it will be after the transaction under way. */
import type { NodeId } from '#core/brand.ts';
import { EMPTY_HEAD } from '#core/chain.ts';
import type { Op } from '#core/op.ts';
import type { Head } from '#ports.ts';
import { StoreError } from './errors.ts';

/** A head, and the highest stamp ever committed of this log; cutting a log back does not lower it. */
export type LogHead = Head & { lamport: number };

const NO_HEAD: LogHead = { ...EMPTY_HEAD, lamport: 0 };

export class HeadLedger {
  private readonly held: Map<NodeId, LogHead>;
  /** What readers see: a log that was cut back to nothing is not in it. */
  private readonly shown = new Map<NodeId, Head>();
  private changed = new Map<NodeId, LogHead>();
  private clock = 0;

  constructor(held: Iterable<readonly [NodeId, LogHead]>) {
    this.held = new Map(held);
    for (const [node, head] of this.held) this.show(node, head);
  }

  /** A live map: it follows later commits. */
  heads(): ReadonlyMap<NodeId, Head> {
    return this.shown;
  }

  lamport(): number {
    return this.clock;
  }

  /** Moves the heads of this transaction over `ops`; an error when they do not follow, and then nothing moved. */
  advance(ops: readonly Op[]): StoreError | undefined {
    const moved = new Map<NodeId, LogHead>();
    for (const { header, hash } of ops) {
      const head = moved.get(header.node) ?? this.current(header.node);
      if (header.seq !== head.seq + 1 || header.prev !== head.hash) {
        const expected = `expected ${header.node}-${head.seq + 1} after ${head.hash}`;
        return new StoreError('not_consecutive', `${expected}, got number ${header.seq} after ${header.prev}`);
      }
      moved.set(header.node, { seq: header.seq, hash, lamport: Math.max(head.lamport, header.lamport) });
    }
    for (const [node, head] of moved) this.changed.set(node, head);
    return undefined;
  }

  /** Puts a log's head back, for this transaction. */
  cut(node: NodeId, head: Head): void {
    this.changed.set(node, { seq: head.seq, hash: head.hash, lamport: this.current(node).lamport });
  }

  current(node: NodeId): LogHead {
    return this.changed.get(node) ?? this.held.get(node) ?? NO_HEAD;
  }

  /** Heads that this transaction moved, to be written with it. */
  moved(): ReadonlyMap<NodeId, LogHead> {
    return this.changed;
  }

  /** The transaction is on disk. */
  publish(): void {
    for (const [node, head] of this.changed) {
      this.held.set(node, head);
      this.show(node, head);
    }
    this.changed = new Map();
  }

  private show(node: NodeId, { seq, hash, lamport }: LogHead): void {
    this.clock = Math.max(this.clock, lamport);
    if (seq === 0) this.shown.delete(node);
    else this.shown.set(node, { seq, hash });
  }
}
