/**
 * The store in memory, for tests and for the simulator: the same answers as the one on disk, without any API of Node. Rows are shared with the
 * caller, who must not change them.
 */
import type { Hash, NodeId } from '#core/brand.ts';
import { EMPTY_HEAD } from '#core/chain.ts';
import type { Crypto } from '#core/crypto.ts';
import type { LocalTable } from '#core/local.ts';
import type { Op } from '#core/op.ts';
import { compareStamps, stampOf } from '#core/op.ts';
import type { BodyType } from '#core/schema/body.ts';
import type { IndexAnswer, IndexQuery } from '#core/search/message-index.ts';
import type { Query } from '#core/view/view.ts';
import type { RowOf } from '#core/view/views.ts';
import { viewSpecs } from '#core/view/views.ts';
import type { Arrival, Head, OpStore, Write } from '#ports.ts';
import type { CommitWhen, Outcome } from './commit-queue.ts';
import { CommitQueue } from './commit-queue.ts';
import type { Entry } from './run.ts';
import { readRun, RUN_OPS, runLength, typeNameOf, writeRun } from './run.ts';
import { HeadLedger } from './head-ledger.ts';
import { findInMemory } from './memory-index.ts';
import { MemoryView } from './memory-view.ts';
import { ViewSet, viewTables } from './view-set.ts';

export type MemoryOptions = {
  crypto: Pick<Crypto, 'sha256' | 'byteLength'>;
  /**
   * When a turn's commits become durable: `run` does it, `fail` is a disk that failed, neither is a crash before the fsync. By default in a
   * microtask, so that no clock and no event loop is needed.
   */
  commitWhen?: CommitWhen;
};

type Job =
  | { kind: 'write'; write: Write }
  | { kind: 'truncate'; node: NodeId; seq: number }
  | { kind: 'seal'; keep: number; atLeast: number; sealed: (ops: number) => void };

/** What a disk would hold. */
type Disk = {
  logs: Map<NodeId, Op[]>;
  arrivals: Arrival[];
  lastArrival: number;
  byEntity: Map<string, Op[]>;
  views: ViewSet;
  /** JSON by key. */
  rows: Map<LocalTable, Map<string, string>>;
  ledger: HeadLedger;
  /** The number of the last sealed op of each log. */
  sealed: Map<NodeId, number>;
};

const emptyDisk = (): Disk => ({
  logs: new Map(),
  arrivals: [],
  lastArrival: 0,
  byEntity: new Map(),
  views: new ViewSet(viewTables(viewSpecs, (spec) => new MemoryView(spec))),
  rows: new Map(),
  ledger: new HeadLedger([]),
  sealed: new Map(),
});

export class MemoryStore implements OpStore {
  private readonly options: MemoryOptions;
  private readonly disk: Disk;
  private readonly queue: CommitQueue<Job, readonly Arrival[]>;

  constructor(options: MemoryOptions, disk: Disk = emptyDisk()) {
    this.options = options;
    this.disk = disk;
    this.queue = new CommitQueue(options.commitWhen ?? queueMicrotask, (jobs) => this.transact(jobs));
  }

  /** The store after a crash and a restart: it holds what was committed, and commits under way here are never answered. */
  crashed(options: MemoryOptions = this.options): MemoryStore {
    this.queue.abandon();
    return new MemoryStore(options, this.disk);
  }

  commit(write: Write): Promise<readonly Arrival[]> {
    return this.queue.add({ kind: 'write', write });
  }

  async truncateLog(node: NodeId, seq: number): Promise<void> {
    await this.queue.add({ kind: 'truncate', node, seq });
  }

  async seal({ keep, atLeast = RUN_OPS }: { keep: number; atLeast?: number }): Promise<number> {
    let ops = 0;
    await this.queue.add({ kind: 'seal', keep, atLeast, sealed: (count) => (ops = count) });
    return ops;
  }

  sizeBytes(): number {
    return 0;
  }

  sealedOps(): number {
    return [...this.disk.sealed.values()].reduce((sum, last) => sum + last, 0);
  }

  heads(): ReadonlyMap<NodeId, Head> {
    return this.disk.ledger.heads();
  }

  lamport(): number {
    return this.disk.ledger.lamport();
  }

  opsOf(node: NodeId, o: { from: number; maxOps: number; maxBytes: number }): Op[] {
    const { byteLength } = this.options.crypto;
    const found: Op[] = [];
    let bytes = 0;
    for (const op of (this.disk.logs.get(node) ?? []).slice(o.from - 1, o.from - 1 + o.maxOps)) {
      bytes += byteLength(op.headerText) + byteLength(op.bodyText);
      if (bytes > o.maxBytes && found.length > 0) break;
      found.push(op);
    }
    return found;
  }

  opsAbout(entity: string, limit: number): Op[] {
    const ops = (this.disk.byEntity.get(entity) ?? []).toSorted((a, b) => compareStamps(stampOf(a), stampOf(b)));
    return limit === 0 ? [] : ops.slice(-limit);
  }

  arrivals(o: { after: number; limit: number }): Arrival[] {
    const { arrivals } = this.disk;
    const from = arrivals.length - this.countAfter(o.after);
    return arrivals.slice(from, from + o.limit);
  }

  lastArrival(): number {
    return this.disk.lastArrival;
  }

  localRow(table: LocalTable, key: string): unknown {
    const text = this.disk.rows.get(table)?.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  localRows(table: LocalTable): { key: string; value: unknown }[] {
    const rows = [...(this.disk.rows.get(table) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return rows.map(([key, text]) => ({ key, value: JSON.parse(text) }));
  }

  get<N extends keyof RowOf>(view: N, key: string): RowOf[N] | undefined {
    return this.disk.views.get(view, key);
  }

  list<N extends keyof RowOf>(view: N, query: Query): RowOf[N][] {
    return this.disk.views.list(view, query);
  }

  count(view: keyof RowOf, where: NonNullable<Query['where']>): number {
    return this.disk.views.count(view, where);
  }

  async findMessages(query: IndexQuery): Promise<IndexAnswer> {
    return findInMemory(this.disk.views, query);
  }

  digest(): Hash {
    return this.options.crypto.sha256([...this.disk.views.digestLines()].join(''));
  }

  async close(): Promise<void> {
    this.queue.close();
  }

  private transact(jobs: readonly Job[]): Outcome<readonly Arrival[]>[] {
    const outcomes = jobs.map((job) => this.run(job));
    this.disk.views.write();
    this.disk.ledger.publish();
    return outcomes;
  }

  private run(job: Job): Outcome<readonly Arrival[]> {
    if (job.kind === 'write') return this.write(job.write);
    return job.kind === 'truncate' ? this.truncate(job) : this.sealNext(job);
  }

  /** Puts in place of old ops what is read of the run that they make. */
  private sealNext({ keep, atLeast, sealed }: Extract<Job, { kind: 'seal' }>): Outcome<readonly Arrival[]> {
    const { disk } = this;
    const { crypto } = this.options;
    const places = new Map(disk.arrivals.map(({ n, op }) => [op, n]));
    for (const [node, log] of disk.logs) {
      const from = disk.sealed.get(node) ?? 0;
      const old = log
        .slice(from, from + RUN_OPS)
        .map((op): Entry => ({ n: places.get(op) ?? Infinity, type: typeNameOf(op), op }))
        .filter((entry) => entry.n <= disk.lastArrival - keep);
      const length = old.length < atLeast ? 0 : runLength(old, crypto);
      if (length === 0) continue;
      const run = readRun(writeRun(old.slice(0, length)), crypto);
      this.replace(node, from, run);
      disk.sealed.set(node, from + length);
      sealed(length);
      break;
    }
    return { value: [] };
  }

  private replace(node: NodeId, from: number, run: readonly Entry[]): void {
    const { disk } = this;
    const before = disk.logs.get(node)?.splice(from, run.length, ...run.map(({ op }) => op)) ?? [];
    const after = new Map(before.map((op, at) => [op, run[at]?.op ?? op]));
    const now = (op: Op): Op => after.get(op) ?? op;
    disk.arrivals = disk.arrivals.map(({ n, op }) => ({ n, op: now(op) }));
    for (const entity of new Set(before.map((op) => op.header.entity)))
      disk.byEntity.set(entity, (disk.byEntity.get(entity) ?? []).map(now));
  }

  private write({ ops, rows }: Write): Outcome<readonly Arrival[]> {
    const error = this.disk.ledger.advance(ops);
    if (error !== undefined) return { error };
    const arrivals = ops.map((op) => this.insert(op));
    for (const row of rows) {
      const table = this.disk.rows.get(row.table) ?? new Map<string, string>();
      this.disk.rows.set(row.table, table);
      if (row.value === undefined) table.delete(row.key);
      else table.set(row.key, JSON.stringify(row.value));
    }
    return { value: arrivals };
  }

  private insert(op: Op): Arrival {
    const { disk } = this;
    disk.lastArrival += 1;
    const arrival = { n: disk.lastArrival, op };
    disk.arrivals.push(arrival);
    append(disk.logs, op.header.node, op);
    append(disk.byEntity, op.header.entity, op);
    disk.views.fold(op);
    return arrival;
  }

  private truncate({ node, seq }: { node: NodeId; seq: number }): Outcome<readonly Arrival[]> {
    const { disk } = this;
    const log = disk.logs.get(node) ?? [];
    const voided = log.splice(seq - 1);
    if (voided.length === 0) return { value: [] };
    disk.sealed.set(node, Math.min(disk.sealed.get(node) ?? 0, seq - 1));
    const gone = new Set(voided);
    const last = log.at(-1);
    disk.ledger.cut(node, last === undefined ? EMPTY_HEAD : { seq: last.header.seq, hash: last.hash });
    disk.arrivals = disk.arrivals.filter((arrival) => !gone.has(arrival.op));
    for (const { header } of voided) {
      const about = disk.byEntity.get(header.entity) ?? [];
      disk.byEntity.set(
        header.entity,
        about.filter((op) => !gone.has(op)),
      );
    }
    disk.views.retract(voided, {
      about: (entity) => disk.byEntity.get(entity) ?? [],
      ofTypes: (types) => this.opsOfTypes(types),
    });
    return { value: [] };
  }

  private *opsOfTypes(types: readonly BodyType[]): Generator<Op> {
    const wanted = new Set<string>(types);
    for (const { op } of this.disk.arrivals) if (wanted.has(op.body.type)) yield op;
  }

  /** How many arrivals have a number above `n`; cut-back logs leave holes in the numbers, so it is searched for. */
  private countAfter(n: number): number {
    const { arrivals } = this.disk;
    let [low, high] = [0, arrivals.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((arrivals[middle]?.n ?? 0) <= n) low = middle + 1;
      else high = middle;
    }
    return arrivals.length - low;
  }
}

function append<Key>(lists: Map<Key, Op[]>, key: Key, op: Op): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [op]);
  else list.push(op);
}
