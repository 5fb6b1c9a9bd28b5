/**
 * Repair: how nodes come to hold the same ops, whatever was lost on the way. Equal digest of heads, nothing to do; else heads are compared and
 * what is missing is sent, a page at a time. Ops that arrive are judged here; new ones are passed on by {@link Push}.
 */
import type { NodeId } from './brand.ts';
import { nodeIdOf } from './brand.ts';
import type { Admitted, SignedBatch } from './log.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS } from './op.ts';
import type { Push } from './push.ts';
import type { HeadsFrame } from './schema/frame.ts';
import { FRAME } from './schema/frame.ts';
import { frameOf } from './op-frame.ts';
import type { World } from './world.ts';

/** The seed's anti-entropy interval. */
const COMPARE_MS = 60_000;
/** Authors answered per heads frame: a page of at most so many frames, each below 1 MiB. The rest is asked for again. */
const PAGE_AUTHORS = 8;
/** Neither the same question nor the same answer is repeated to one peer within this time: it is on the way. */
const SAY_AGAIN_MS = 2_000;

type Said = Map<NodeId, { after: number; atMs: number }>;

export class Sync {
  private readonly world: World;
  private readonly push: Push;
  /** By peer and author: which head was named when asking, and when. */
  private readonly asked = new Map<NodeId, Said>();
  /** And when answering: two questions may cross, one for the next page of a log and one for all that is missing. */
  private readonly answered = new Map<NodeId, Said>();
  /** When all heads were last sent to a peer: its answers are on the way. */
  private readonly wholeSent = new Map<NodeId, number>();
  /** Batches dropped as invalid, by the peer that sent or relayed them. */
  readonly refusals = new Map<NodeId, number>();

  constructor(world: World, push: Push) {
    this.world = world;
    this.push = push;
  }

  onLinkUp(peer: NodeId): void {
    this.asked.set(peer, new Map());
    this.answered.set(peer, new Map());
    this.sendWholeHeads(peer);
    this.world.timers.setEarlier('compare', this.world.nowMs + COMPARE_MS);
  }

  onLinkDown(peer: NodeId): void {
    this.asked.delete(peer);
    this.answered.delete(peer);
    this.wholeSent.delete(peer);
  }

  /** Every {@link COMPARE_MS}: one small question to each link. */
  compare(): void {
    const { world } = this;
    if (world.links.size === 0) return;
    world.timers.set('compare', world.nowMs + COMPARE_MS);
    world.send([...world.links], { type: FRAME.heads, digest: world.log.digest(), count: world.counts.own() });
  }

  onHeads(from: NodeId, frame: HeadsFrame): void {
    const { log } = this.world;
    if (frame.heads === undefined) {
      if (frame.digest !== log.digest()) this.sendWholeHeads(from);
      return;
    }
    const theirs = new Map(Object.entries(frame.heads).map(([node, seq]) => [nodeIdOf(node), seq]));
    const behind = log
      .authors()
      .filter((node) => (theirs.has(node) || frame.whole === true) && log.head(node).seq > (theirs.get(node) ?? 0));
    const lacking = behind.filter((node) => !this.saidLately(this.answered.get(from), node, theirs.get(node) ?? 0));
    const higher = [...theirs].filter(([node, seq]) => seq > log.head(node).seq).map(([node]) => node);
    for (const node of lacking.slice(0, PAGE_AUTHORS))
      this.answer(from, { author: node, after: theirs.get(node) ?? 0 });
    this.ask(from, higher);
    if (lacking.length > PAGE_AUTHORS) this.askToContinue(from);
    const sameNumbers = frame.whole === true && behind.length === 0 && higher.length === 0;
    if (sameNumbers && frame.digest !== log.digest()) this.searchFork(from);
  }

  /** New ops become part of this turn's write; the batch is passed on before it. */
  onBatch(from: NodeId, batch: SignedBatch, o: { more: boolean; hops: number | undefined }): Admitted[] {
    const results = this.world.log.admit(batch);
    for (const result of results) this.settle(from, result, o.hops);
    if (o.more) this.goOn(from, results[0]);
    return results;
  }

  /** The sender holds more of that author: asks for the next page, unless nothing further of this log counts. */
  private goOn(from: NodeId, result: Admitted | undefined): void {
    if (result?.kind === 'new') this.sendQuestion(from, { [result.author]: this.world.log.head(result.author).seq });
    if (result?.kind === 'known' && result.after !== undefined) {
      this.sendQuestion(from, { [result.author]: result.after });
    }
  }

  private settle(from: NodeId, result: Admitted, hops: number | undefined): void {
    const { world } = this;
    switch (result.kind) {
      case 'new':
        world.turn.ops.push(...result.ops);
        this.push.relay(from, result.author, { ops: result.ops, hops });
        return;
      case 'known':
        if (hops !== undefined) this.push.onRepeated(from, result.author);
        return;
      case 'gap':
        this.askAfter(from, result.author, result.after);
        return;
      case 'fork':
      case 'ahead':
        return;
      case 'invalid':
        this.refusals.set(from, (this.refusals.get(from) ?? 0) + 1);
        return;
    }
  }

  private sendWholeHeads(peer: NodeId): void {
    const { world } = this;
    this.wholeSent.set(peer, world.nowMs);
    world.send([peer], {
      type: FRAME.heads,
      digest: world.log.digest(),
      heads: world.log.allHeads(),
      whole: true,
      count: world.counts.own(),
      yours: world.counts.of(peer),
    });
  }

  /** One page of one author's ops behind `after`, cut to end on a signed op. */
  answer(peer: NodeId, o: { author: NodeId; after: number; hops?: number | undefined }): void {
    const { world } = this;
    const { author, after } = o;
    const page = world.store.opsOf(author, { from: after + 1, maxOps: BATCH_MAX_OPS, maxBytes: BATCH_MAX_BYTES });
    const end = page.findLastIndex((op) => op.sig !== undefined);
    const ops = page.slice(0, end + 1);
    const last = ops.at(-1);
    if (last === undefined) return;
    const more = last.header.seq < world.log.head(author).seq;
    const frame = frameOf(ops, more || o.hops === undefined ? { more } : { hops: o.hops });
    if (frame === undefined) return;
    world.send([peer], frame);
    this.answered.get(peer)?.set(author, { after, atMs: world.nowMs });
  }

  private ask(peer: NodeId, authors: readonly NodeId[]): void {
    const { world } = this;
    if (authors.length === 0) return;
    const wholeMs = this.wholeSent.get(peer);
    if (wholeMs !== undefined && world.nowMs - wholeMs < SAY_AGAIN_MS) return this.compareSoon();
    const heads: Record<NodeId, number> = {};
    for (const author of authors) {
      const after = world.log.head(author).seq;
      if (this.notAskedLately(peer, author, after)) heads[author] = after;
    }
    this.sendQuestion(peer, heads);
  }

  private askAfter(peer: NodeId, author: NodeId, after: number): void {
    if (this.notAskedLately(peer, author, after)) this.sendQuestion(peer, { [author]: after });
  }

  /** A question was not repeated because its answer is on the way; if that is lost, this finds out. */
  private compareSoon(): void {
    this.world.timers.setEarlier('compare', this.world.nowMs + SAY_AGAIN_MS);
  }

  /** Equal numbers under unequal hashes: some log has two histories. The last ops of some logs are asked for; other ones the next time. */
  private searchFork(peer: NodeId): void {
    const { log, random } = this.world;
    const some = log.authors().map((author) => ({ author, rank: random() }));
    const picked = some.toSorted((a, b) => a.rank - b.rank).slice(0, PAGE_AUTHORS);
    this.sendQuestion(
      peer,
      Object.fromEntries(picked.map(({ author }) => [author, Math.max(0, log.head(author).seq - 1)])),
    );
  }

  private sendQuestion(peer: NodeId, heads: Record<NodeId, number>): void {
    const { world } = this;
    if (Object.keys(heads).length > 0) world.send([peer], { type: FRAME.heads, digest: world.log.digest(), heads });
  }

  private notAskedLately(peer: NodeId, author: NodeId, after: number): boolean {
    const asked = this.asked.get(peer);
    if (asked === undefined) return false;
    if (this.saidLately(asked, author, after)) {
      this.compareSoon();
      return false;
    }
    asked.set(author, { after, atMs: this.world.nowMs });
    return true;
  }

  private saidLately(said: Said | undefined, author: NodeId, after: number): boolean {
    const before = said?.get(author);
    return before?.after === after && this.world.nowMs - before.atMs < SAY_AGAIN_MS;
  }

  /** More authors are missing at the peer than one page answers: an empty question makes it name its heads again. */
  private askToContinue(peer: NodeId): void {
    this.world.send([peer], { type: FRAME.heads, digest: this.world.log.digest() });
  }
}
