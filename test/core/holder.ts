/** A log with the little store it asks: what is admitted counts as on disk after {@link commit}. */
import type { NodeId } from '#core/brand.ts';
import type { ChainHead } from '#core/chain.ts';
import type { Crypto } from '#core/crypto.ts';
import type { Admitted, SignedBatch } from '#core/log.ts';
import { Log } from '#core/log.ts';
import type { Draft, Op } from '#core/op.ts';
import { simCrypto, simNodeId } from '#sim/crypto.ts';
import { present } from './writer.ts';

export class Holder {
  readonly self: NodeId;
  readonly log: Log;
  private readonly disk: Map<NodeId, Op[]>;
  private readonly forkedAt = new Map<NodeId, number>();
  private turn: Op[] = [];

  constructor(o: { index?: number; crypto?: Crypto; self?: NodeId; disk?: Map<NodeId, Op[]>; lamport?: number } = {}) {
    const index = o.index ?? 9;
    this.self = o.self ?? simNodeId(index);
    this.disk = o.disk ?? new Map<NodeId, Op[]>();
    const heads = new Map<NodeId, ChainHead>();
    for (const [node, ops] of this.disk) {
      const last = ops.at(-1);
      if (last !== undefined) heads.set(node, { seq: last.header.seq, hash: last.hash });
    }
    this.log = new Log({
      self: this.self,
      crypto: o.crypto ?? simCrypto(index),
      heads,
      lamport: o.lamport ?? 0,
      firstOp: (node) => this.disk.get(node)?.[0],
      storedHash: (node, seq) => this.disk.get(node)?.[seq - 1]?.hash,
      cutAt: (node) => this.forkedAt.get(node),
    });
  }

  /** Admits a batch; with `commit: false` its ops stay as if the turn were not on disk yet. */
  admit(batch: SignedBatch, o: { commit: boolean } = { commit: true }): Admitted[] {
    const results = this.log.admit(batch);
    for (const result of results) if (result.kind === 'new') this.turn.push(...result.ops);
    if (o.commit) this.commit();
    return results;
  }

  /** The only result there is. */
  one(batch: SignedBatch): Admitted {
    const results = this.admit(batch);
    if (results.length !== 1) throw new Error(`${results.length} results`);
    return present(results[0]);
  }

  append(drafts: readonly Draft[], wallMs = 0): Op[] {
    const ops = this.log.append(drafts, wallMs);
    if (ops === 'tooLarge') throw new Error('too large');
    const signed = this.log.sign(ops);
    this.turn.push(...signed);
    this.commit();
    return signed;
  }

  commit(): void {
    for (const op of this.turn) {
      const log = this.disk.get(op.header.node) ?? [];
      log.push(op);
      this.disk.set(op.header.node, log);
    }
    this.log.committed(this.turn);
    this.turn = [];
  }

  held(node: NodeId): readonly Op[] {
    return this.disk.get(node) ?? [];
  }

  /** The same disk after a restart. */
  reopened(): Holder {
    return new Holder({ self: this.self, disk: this.disk, lamport: this.log.lamport() });
  }
}
