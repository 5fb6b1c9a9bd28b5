/**
 * What this node holds of each author's log, and what it may take in. An op counts only when a signature covers it, it follows what is held,
 * and its stamp is within bounds. Nothing here does I/O: admitted ops go to the store with the rest of the turn.
 */
import type { Hash, NodeId, OpId } from './brand.ts';
import { opIdOf } from './brand.ts';
import { buildOp, EMPTY_HEAD, FIRST_PREV, isChain, readOp, signedText, signOp } from './chain.ts';
import type { ChainHead } from './chain.ts';
import type { Crypto } from './crypto.ts';
import { EarlyBatches } from './early.ts';
import type { Draft, Heads, Op } from './op.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS, LAMPORT_JUMP_MAX, opId } from './op.ts';

/** Ops as they travel: consecutive, of one author, the last one signed. */
export type SignedBatch = { ops: readonly (readonly [string, string])[]; sig: string };

export type Admitted =
  /** New ops, in order, to be stored; `batch` is what may be relayed. */
  | { kind: 'new'; author: NodeId; ops: Op[] }
  /** Nothing new in it. Whoever pages through the log goes on after `after`; undefined where nothing further of it counts. */
  | { kind: 'known'; author: NodeId; after: number | undefined }
  /** Ops are missing below: ask for those after `after`. */
  | { kind: 'gap'; author: NodeId; after: number }
  /** The author signed two histories that differ from `seq` on; `theirs` is the other one from there to a signed op. */
  | { kind: 'fork'; author: NodeId; seq: number; theirs: Op[] }
  /** A peer holds more of this node's own log than it does itself, up to `seq`. Nothing of it was taken in. */
  | { kind: 'ahead'; author: NodeId; seq: number }
  | { kind: 'invalid'; reason: string };

export type LogOptions = {
  self: NodeId;
  crypto: Crypto;
  heads: ReadonlyMap<NodeId, ChainHead>;
  lamport: number;
  /** The stored op that began a log: it brought the author's key. */
  firstOp(node: NodeId): Op | undefined;
  /** Hash of a stored op, for telling a repetition from a fork. */
  storedHash(node: NodeId, seq: number): Hash | undefined;
  /** From which number on a log counts nowhere: it forks there, or an operator took its node out. */
  cutAt(node: NodeId): number | undefined;
  /** {@link readOp}, unless given: who runs many nodes in one process may remember what it read, as they all read the same texts. */
  readOp?: typeof readOp;
};

export class Log {
  readonly self: NodeId;
  private readonly options: LogOptions;
  private readonly heads: Map<NodeId, ChainHead>;
  private readonly keys = new Map<NodeId, string>();
  private readonly early = new EarlyBatches();
  /** Logs of which another history was seen, while the op at which it parts is looked for. */
  private readonly doubted = new Set<NodeId>();
  private readonly forks = new Map<NodeId, number>();
  /** Logs that are known to end at some number. */
  private readonly cuts = new Set<NodeId>();
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

  /** What is held of each log whose node id begins with `part`; of a forked one no more than counts. */
  allHeads(part = ''): Heads {
    return Object.fromEntries(
      [...this.heads].flatMap(([node, { seq }]) => (node.startsWith(part) ? [[node, seq]] : [])),
    );
  }

  authors(): NodeId[] {
    return [...this.heads.keys()];
  }

  /**
   * 16 bytes over the heads of all logs whose node id begins with `part`, and their hashes: equal on nodes that hold the same ops. A log that is cut, and
   * held up to there, leaves it.
   */
  digest(part = ''): string {
    const held = [...this.heads, ...this.unheldCut()];
    const lines = held
      .filter(([node, head]) => node.startsWith(part) && head.seq + 1 < (this.cutAt(node) ?? Number.POSITIVE_INFINITY))
      .map(([node, head]) => `${node} ${head.seq} ${head.hash}`)
      .toSorted();
    return this.options.crypto.sha256(lines.join('\n')).slice(0, 32);
  }

  /** Logs that count up to a number of which nothing is here yet: they are missed like any other. */
  private unheldCut(): [NodeId, ChainHead][] {
    return [...this.cuts].flatMap((node): [NodeId, ChainHead][] => (this.heads.has(node) ? [] : [[node, EMPTY_HEAD]]));
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
    return [first, ...this.early.take(first.author).map((early) => this.admitOne(early))];
  }

  private admitOne(batch: SignedBatch): Admitted {
    const ops = this.read(batch);
    if (ops === undefined) return { kind: 'invalid', reason: 'not an op' };
    const first = ops[0];
    const last = ops.at(-1);
    if (first === undefined || last === undefined || !isChain(ops)) return { kind: 'invalid', reason: 'not one chain' };
    const author = first.header.node;
    const head = this.head(author);
    const counting = this.counting(author, ops);
    const end = counting.at(-1)?.header.seq ?? 0;
    if (counting.length === 0) return { kind: 'known', author, after: undefined };
    if (first.header.seq > head.seq + 1) {
      this.early.keep(author, batch, first.header.seq);
      return { kind: 'gap', author, after: head.seq };
    }
    const overlap = this.compareOverlap(counting, head);
    if (overlap === 'same' && end <= head.seq) {
      return { kind: 'known', author, after: this.doubted.has(author) ? end : head.seq };
    }
    const key = this.keyOf(author, first);
    if (key === undefined) return { kind: 'invalid', reason: 'no key of its author' };
    if (!this.options.crypto.verify({ publicKey: key, text: signedText(last.hash), sig: batch.sig })) {
      return { kind: 'invalid', reason: 'wrong signature' };
    }
    if (overlap !== 'same') return this.judgeFork(author, overlap, ops);
    if (author === this.self) return { kind: 'ahead', author, seq: last.header.seq };
    if (counting.some((op) => op.header.lamport - this.clock > LAMPORT_JUMP_MAX)) {
      return { kind: 'invalid', reason: 'stamp too far ahead' };
    }
    this.keys.set(author, key);
    return this.take(author, counting, head);
  }

  /** The ops of a batch, the last one with its signature; undefined when a text is no op. */
  private read(batch: SignedBatch): Op[] | undefined {
    const ops: Op[] = [];
    for (const texts of batch.ops) {
      const op = (this.options.readOp ?? readOp)(texts, this.options.crypto);
      if (op === undefined) return undefined;
      ops.push(op);
    }
    const last = ops.pop();
    if (last !== undefined) ops.push({ ...last, sig: batch.sig });
    return ops;
  }

  /** Those below the cut of the log, if it has one. */
  private counting(author: NodeId, ops: Op[]): Op[] {
    const cutAt = this.cutAt(author);
    return cutAt === undefined ? ops : ops.filter((op) => op.header.seq < cutAt);
  }

  /** Where the histories part if that is in this batch; else what lies below it is asked for, until it is. */
  private judgeFork(author: NodeId, differs: Op | 'below', ops: readonly Op[]): Admitted {
    if (differs !== 'below') {
      const { seq } = differs.header;
      return { kind: 'fork', author, seq, theirs: ops.filter((op) => op.header.seq >= seq) };
    }
    this.doubted.add(author);
    const from = ops[0]?.header.seq ?? 1;
    return { kind: 'gap', author, after: Math.max(0, from - 1 - BATCH_MAX_OPS) };
  }

  private take(author: NodeId, ops: readonly Op[], head: ChainHead): Admitted {
    const fresh = ops.filter((op) => op.header.seq > head.seq);
    const last = fresh.at(-1);
    if (last === undefined) return { kind: 'known', author, after: head.seq };
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

  /** The key that the first op of the author's log brings: the author's id is its hash. */
  private keyOf(author: NodeId, first: Op): string | undefined {
    const known = this.keys.get(author);
    if (known !== undefined) return known;
    const opening = first.header.seq === 1 ? first : this.options.firstOp(author);
    if (opening?.body.type !== 'node.registered') return undefined;
    const { publicKey } = opening.body;
    return this.options.crypto.nodeIdOfKey(publicKey) === author ? publicKey : undefined;
  }

  private cutAt(node: NodeId): number | undefined {
    const at = Math.min(this.forks.get(node) ?? Infinity, this.options.cutAt(node) ?? Infinity);
    return Number.isFinite(at) ? at : undefined;
  }

  /** This log was found to fork: it counts up to `seq - 1` from now on, before the proof of it is on disk. */
  markForked(node: NodeId, seq: number): void {
    this.forks.set(node, Math.min(seq, this.forks.get(node) ?? seq));
    this.doubted.delete(node);
    this.cut(node, seq);
  }

  /** What is held of this log from `seq` on counts no more. */
  cut(node: NodeId, seq: number): void {
    this.early.take(node);
    this.cuts.add(node);
    const at = Math.min(seq, this.cutAt(node) ?? seq);
    const head = this.head(node);
    if (head.seq < at) return;
    const hash = at === 1 ? FIRST_PREV : this.hashAt(node, at - 1, head);
    if (hash !== undefined) this.heads.set(node, { seq: at - 1, hash });
  }
}
