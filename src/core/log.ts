/**
 * What this node holds of each author's log, and what it may take in. An op counts only when a signature covers it, it follows what is held,
 * and its stamp is within bounds. Nothing here does I/O: admitted ops go to the store with the rest of the turn.
 */
import type { Hash, NodeId, OpId } from './brand.ts';
import { opIdOf } from './brand.ts';
import { buildOp, EMPTY_HEAD, FIRST_PREV, isChain, readOp, signedText, signOp } from './chain.ts';
import type { ChainHead } from './chain.ts';
import type { Crypto } from './crypto.ts';
import type { Draft, Heads, Op } from './op.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS, LAMPORT_JUMP_MAX, opId } from './op.ts';

/** Ops of one author that wait for the ones before them. */
const WAITING_MAX_OPS = 256;

/** Ops as they travel: consecutive, of one author, the last one signed. */
export type SignedBatch = { ops: readonly (readonly [string, string])[]; sig: string };

export type Admitted =
  /** New ops, in order, to be stored; `batch` is what may be relayed. */
  | { kind: 'new'; author: NodeId; ops: Op[] }
  | { kind: 'known'; author: NodeId }
  /** Ops are missing below: ask for those after `after`. */
  | { kind: 'gap'; author: NodeId; after: number }
  /** The author signed two histories that differ from `seq` on. */
  | { kind: 'fork'; author: NodeId; seq: number; theirs: Op; sig: string }
  | { kind: 'invalid'; reason: string };

export type LogOptions = {
  self: NodeId;
  crypto: Crypto;
  heads: ReadonlyMap<NodeId, ChainHead>;
  lamport: number;
  /** Keys of known authors; the first op of an unknown log brings its own. */
  publicKeyOf(node: NodeId): string | undefined;
  /** Hash of a stored op, for telling a repetition from a fork. */
  storedHash(node: NodeId, seq: number): Hash | undefined;
  forkedAt(node: NodeId): number | undefined;
};

export class Log {
  readonly self: NodeId;
  private readonly options: LogOptions;
  private readonly heads: Map<NodeId, ChainHead>;
  private readonly keys = new Map<NodeId, string>();
  private readonly waiting = new Map<NodeId, SignedBatch[]>();
  private readonly forks = new Map<NodeId, number>();
  /** Hashes of ops that are taken in but not on disk yet, by op id. */
  private readonly uncommitted = new Map<OpId, Hash>();
  private clock: number;

  constructor(options: LogOptions) {
    this.self = options.self;
    this.options = options;
    this.heads = new Map(options.heads);
    this.clock = options.lamport;
  }

  lamport(): number {
    return this.clock;
  }

  head(node: NodeId): ChainHead {
    return this.heads.get(node) ?? EMPTY_HEAD;
  }

  /** Heads of all logs that count without limit; a forked log leaves the compared set. */
  comparedHeads(): Heads {
    const entries = [...this.heads].filter(([node]) => this.forkedAt(node) === undefined);
    return Object.fromEntries(entries.map(([node, head]) => [node, head.seq]));
  }

  authors(): NodeId[] {
    return [...this.heads.keys()];
  }

  /** 16 bytes over all compared heads and their hashes: equal on nodes that hold the same ops. */
  digest(): string {
    const lines = [...this.heads]
      .filter(([node]) => this.forkedAt(node) === undefined)
      .map(([node, head]) => `${node} ${head.seq} ${head.hash}`)
      .toSorted();
    return this.options.crypto.sha256(lines.join('\n')).slice(0, 32);
  }

  /** Raises the clock to a stamp seen in a message. False, and nothing changed, when it is too far ahead. */
  witness(lamport: number): boolean {
    if (lamport - this.clock > LAMPORT_JUMP_MAX) return false;
    this.clock = Math.max(this.clock, lamport);
    return true;
  }

  /** Adds ops of this node, all or none. They are unsigned until {@link sign}. */
  append(drafts: readonly Draft[], wallMs: number): Op[] | 'tooLarge' {
    const ops: Op[] = [];
    let head = this.head(this.self);
    let clock = this.clock;
    for (const draft of drafts) {
      clock += 1;
      const op = buildOp({ draft, node: this.self, head, lamport: clock, wallMs, crypto: this.options.crypto });
      if (op === 'tooLarge') return op;
      ops.push(op);
      head = { seq: op.header.seq, hash: op.hash };
    }
    this.clock = clock;
    for (const op of ops) this.uncommitted.set(opId(op), op.hash);
    this.heads.set(this.self, head);
    return ops;
  }

  /** These ops are on disk: the store answers for them from now on. */
  committed(ops: readonly Op[]): void {
    for (const op of ops) this.uncommitted.delete(opId(op));
  }

  /** Cuts own ops of one turn into batches and signs the last op of each. */
  sign(ops: readonly Op[]): Op[] {
    const { crypto } = this.options;
    const signed: Op[] = [];
    let count = 0;
    let bytes = 0;
    for (const [index, op] of ops.entries()) {
      const next = ops[index + 1];
      count += 1;
      bytes += crypto.byteLength(op.headerText) + crypto.byteLength(op.bodyText);
      const nextBytes = next === undefined ? 0 : crypto.byteLength(next.headerText) + crypto.byteLength(next.bodyText);
      const last = next === undefined || count === BATCH_MAX_OPS || bytes + nextBytes > BATCH_MAX_BYTES;
      signed.push(last ? signOp(op, crypto) : op);
      if (last) [count, bytes] = [0, 0];
    }
    return signed;
  }

  /** Judges a batch that arrived. Only `new` changes what is held; whatever waited for it is admitted with it. */
  admit(batch: SignedBatch): Admitted[] {
    const first = this.admitOne(batch);
    if (first.kind !== 'new') return [first];
    const results: Admitted[] = [first];
    const waiting = this.waiting.get(first.author) ?? [];
    this.waiting.delete(first.author);
    for (const held of waiting) results.push(this.admitOne(held));
    return results;
  }

  private admitOne(batch: SignedBatch): Admitted {
    const { crypto } = this.options;
    const ops: Op[] = [];
    for (const texts of batch.ops) {
      const op = readOp(texts, crypto);
      if (op === undefined) return { kind: 'invalid', reason: 'not an op' };
      ops.push(op);
    }
    const first = ops[0];
    const last = ops.at(-1);
    if (first === undefined || last === undefined || !isChain(ops)) return { kind: 'invalid', reason: 'not one chain' };
    const author = first.header.node;
    const forkedAt = this.forkedAt(author);
    if (forkedAt !== undefined && last.header.seq >= forkedAt) return { kind: 'known', author };
    const head = this.head(author);
    if (first.header.seq > head.seq + 1) return this.wait(author, batch, head.seq);
    const key = this.keyOf(author, first);
    if (key === undefined) return { kind: 'invalid', reason: 'no key of its author' };
    const signed: Op = { ...last, sig: batch.sig };
    const overlap = this.compareOverlap(ops, head);
    if (overlap === 'same' && last.header.seq <= head.seq) return { kind: 'known', author };
    if (!crypto.verify({ publicKey: key, text: signedText(last.hash), sig: batch.sig })) {
      return { kind: 'invalid', reason: 'wrong signature' };
    }
    if (overlap !== 'same') return this.judgeFork(author, overlap, signed);
    if (last.header.lamport - this.clock > LAMPORT_JUMP_MAX) return { kind: 'invalid', reason: 'stamp too far ahead' };
    return this.take(author, [...ops.slice(0, -1), signed], head, key);
  }

  /** A history that differs from the first op held: found exactly. Above that only a lower bound is known, so the ops below are asked for. */
  private judgeFork(author: NodeId, differs: Op | 'below', signed: Op): Admitted {
    if (differs === 'below') return { kind: 'gap', author, after: Math.max(0, this.head(author).seq - BATCH_MAX_OPS) };
    return { kind: 'fork', author, seq: differs.header.seq, theirs: signed, sig: signed.sig ?? '' };
  }

  private take(author: NodeId, ops: Op[], head: ChainHead, key: string): Admitted {
    const fresh = ops.filter((op) => op.header.seq > head.seq);
    const last = fresh.at(-1);
    if (last === undefined) return { kind: 'known', author };
    this.keys.set(author, key);
    this.heads.set(author, { seq: last.header.seq, hash: last.hash });
    for (const op of fresh) {
      this.clock = Math.max(this.clock, op.header.lamport);
      this.uncommitted.set(opId(op), op.hash);
    }
    return { kind: 'new', author, ops: fresh };
  }

  /** `same`, the first op that differs from the one held at its number, or `below` when the difference lies under this batch. */
  private compareOverlap(ops: readonly Op[], head: ChainHead): 'same' | 'below' | Op {
    const first = ops[0];
    if (first === undefined) return 'same';
    const before = first.header.seq - 1;
    const prev = before === 0 ? FIRST_PREV : this.hashAt(first.header.node, before, head);
    if (prev !== undefined && prev !== first.header.prev) return 'below';
    // Equal hashes at the highest shared number mean equal histories below it: the chain says so.
    const shared = ops.findLast((op) => op.header.seq <= head.seq);
    if (shared === undefined || this.hashAt(first.header.node, shared.header.seq, head) === shared.hash) return 'same';
    return (
      ops.find((op) => op.header.seq <= head.seq && this.hashAt(first.header.node, op.header.seq, head) !== op.hash) ??
      'same'
    );
  }

  private hashAt(node: NodeId, seq: number, head: ChainHead): Hash | undefined {
    if (seq === head.seq) return head.hash;
    return this.uncommitted.get(opIdOf(node, seq)) ?? this.options.storedHash(node, seq);
  }

  private wait(author: NodeId, batch: SignedBatch, after: number): Admitted {
    const held = this.waiting.get(author) ?? [];
    const count = held.reduce((sum, one) => sum + one.ops.length, 0);
    if (count + batch.ops.length <= WAITING_MAX_OPS) this.waiting.set(author, [...held, batch]);
    return { kind: 'gap', author, after };
  }

  /** The author's key: known, or brought by the first op of its log; either way it must hash to the author's id. */
  private keyOf(author: NodeId, first: Op): string | undefined {
    const known = this.keys.get(author) ?? this.options.publicKeyOf(author);
    if (known !== undefined && known !== '') return known;
    if (first.header.seq !== 1 || first.body.type !== 'node.registered') return undefined;
    return this.options.crypto.nodeIdOfKey(first.body.publicKey) === author ? first.body.publicKey : undefined;
  }

  private forkedAt(node: NodeId): number | undefined {
    return this.forks.get(node) ?? this.options.forkedAt(node);
  }

  /** A proof was stored: this log counts up to `seq - 1` from now on. */
  markForked(node: NodeId, seq: number): void {
    const at = Math.min(seq, this.forkedAt(node) ?? seq);
    this.forks.set(node, at);
    const head = this.head(node);
    if (head.seq < at) return;
    const hash = at === 1 ? FIRST_PREV : this.options.storedHash(node, at - 1);
    if (hash !== undefined) this.heads.set(node, { seq: at - 1, hash });
    this.waiting.delete(node);
  }
}
