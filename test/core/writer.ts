/** An author outside the node under test: writes chained, signed batches as another node would, and hands out the pieces to break. */
import type { NodeId, OpId, Principal } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import type { ChainHead } from '#core/chain.ts';
import { buildOp, EMPTY_HEAD, signedText } from '#core/chain.ts';
import type { Crypto } from '#core/crypto.ts';
import type { SignedBatch } from '#core/log.ts';
import type { Op } from '#core/op.ts';
import type { Body } from '#core/schema/body.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { simCrypto, simNodeId, simPublicKey } from '#sim/crypto.ts';

export class Writer {
  readonly node: NodeId;
  readonly crypto: Crypto;
  readonly publicKey: string;
  head: ChainHead = EMPTY_HEAD;
  lamport = 0;

  /** The key, and with it the id, follows from `index`: the same writer as the simulator's node of that index. */
  constructor(index: number) {
    this.node = simNodeId(index);
    this.crypto = simCrypto(index);
    this.publicKey = simPublicKey(index);
  }

  /** The next op, unsigned. Without `entity` it creates its own; without `lamport` the clock goes one on. */
  next(body: Body, o: { entity?: OpId; lamport?: number; by?: Principal } = {}): Op {
    this.lamport = o.lamport ?? this.lamport + 1;
    const op = buildOp({
      draft: { entity: o.entity, by: o.by ?? nodePrincipal(this.node), body },
      node: this.node,
      head: this.head,
      lamport: this.lamport,
      wallMs: 1_700_000_000_000 + this.lamport,
      crypto: this.crypto,
    });
    if (op === 'tooLarge') throw new Error('the test made an op that is too large');
    this.head = { seq: op.header.seq, hash: op.hash };
    return op;
  }

  /** The first op of a log, which brings the key. */
  hello(o: { publicKey?: string; lamport?: number } = {}): Op {
    const { lamport, publicKey = this.publicKey } = o;
    const body: Body = { type: 'node.registered', publicKey, name: 'writer', addresses: [], version: '1' };
    return this.next(body, lamport === undefined ? {} : { lamport });
  }

  posts(count: number): Op[] {
    return Array.from({ length: count }, () => this.next(postBody(`post ${this.head.seq + 1}`)));
  }

  batch(ops: readonly Op[]): SignedBatch {
    return batchOf(ops, this.crypto);
  }

  frame(ops: readonly Op[], more = false): Frame {
    const { ops: texts, sig } = this.batch(ops);
    return { type: FRAME.ops, ops: texts.map(([header, body]) => [header, body]), sig, ...(more ? { more } : {}) };
  }

  /** A second history of this author from here on: whatever both write next differs. */
  fork(): Writer {
    const other = Object.assign(new Writer(0), this);
    other.head = { ...this.head };
    return other;
  }
}

/** The texts of `ops`, signed over the last one by whoever's crypto it is. */
export function batchOf(ops: readonly Op[], crypto: Pick<Crypto, 'sign'>): SignedBatch {
  const last = ops.at(-1);
  if (last === undefined) throw new Error('an empty batch has nothing to sign');
  return { ops: ops.map((op) => [op.headerText, op.bodyText] as const), sig: crypto.sign(signedText(last.hash)) };
}

export const postBody = (content: string): Body => ({ type: 'post.created', content, author: 'writer' });

/** What is there, or the test ends here saying what was missing. */
export function present<T>(value: T | undefined, what = 'a value'): T {
  if (value === undefined) throw new Error(`the test expected ${what}`);
  return value;
}
