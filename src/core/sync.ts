/**
 * Repair: how nodes come to hold the same ops, whatever was lost on the way. Equal digest of heads, nothing to do; else heads are compared and
 * what is missing is sent, one answer at a time (`answers.ts`). Ops that arrive are judged here; new ones are passed on by {@link Push}.
 */
import { Answers } from './answers.ts';
import type { NodeId } from './brand.ts';
import { coveredBy, differingParts, namedHeads, openingOf } from './heads.ts';
import type { Admitted, SignedBatch } from './log.ts';
import type { Push } from './push.ts';
import { SAY_AGAIN_MS } from './said.ts';
import type { HeadsFrame } from './schema/heads-frame.ts';
import { FRAME } from './schema/frame.ts';
import { Tallies } from './tally.ts';
import type { World } from './world.ts';

/** The seed's anti-entropy interval. */
const COMPARE_MS = 60_000;
/** Logs that one question names; the others of which a peer holds more are found by the comparison that follows. */
const ASKED_MAX = 1_024;
/** Logs looked into at once when some log must have two histories. */
const SEARCHED = 8;

type Asked = Map<NodeId, { after: number; atMs: number }>;

export class Sync {
  private readonly world: World;
  private readonly push: Push;
  private readonly answers: Answers;
  /** By peer and author: which head was named when asking, and when. */
  private readonly asked = new Map<NodeId, Asked>();
  /** When all heads were last sent to a peer: its answers are on the way. */
  private readonly wholeSent = new Map<NodeId, number>();
  /** The peer of which a long answer is being taken in: what it sends, no other is asked for. */
  private source: { peer: NodeId; atMs: number } | undefined;
  readonly tallies = new Tallies();

  constructor(world: World, push: Push) {
    this.world = world;
    this.push = push;
    this.answers = new Answers(world);
  }

  onLinkUp(peer: NodeId): void {
    this.asked.set(peer, new Map());
    this.answers.onLinkUp(peer);
    this.sendAllHeads(peer);
    this.world.timers.setEarlier('compare', this.world.nowMs + COMPARE_MS);
  }

  onLinkDown(peer: NodeId): void {
    this.asked.delete(peer);
    this.answers.onLinkDown(peer);
    this.wholeSent.delete(peer);
    if (this.source?.peer === peer) this.source = undefined;
  }

  /** Every {@link COMPARE_MS}: one small question to each link. */
  compare(): void {
    const { world } = this;
    if (world.links.size === 0) return;
    if (this.isTakingFrom() !== undefined) return this.compareSoon();
    world.timers.set('compare', world.nowMs + COMPARE_MS);
    world.send([...world.links], { type: FRAME.heads, digest: world.log.digest() });
  }

  onHeads(from: NodeId, frame: HeadsFrame): void {
    const { log } = this.world;
    if (frame.parts !== undefined) return this.sendParts(from, frame.parts);
    if (frame.heads === undefined) {
      if (frame.digest !== log.digest()) this.sendAllHeads(from);
      return;
    }
    const theirs = namedHeads(frame);
    const covered = coveredBy(frame);
    if (covered === undefined) this.answers.onReceipt(from, theirs);
    const behind = log
      .authors()
      .filter((node) => theirs.has(node) || (covered !== undefined && node.startsWith(covered)))
      .flatMap((author) => {
        const after = theirs.get(author) ?? 0;
        return log.head(author).seq > after ? [{ author, after }] : [];
      });
    const higher = [...theirs].filter(([node, seq]) => seq > log.head(node).seq).map(([node]) => node);
    if (frame.asks !== false) this.answers.lacks(from, behind);
    this.ask(from, higher);
    if (covered === undefined || behind.length > 0 || higher.length > 0) return;
    if (frame.digest !== log.digest(covered)) this.searchFork(from, covered);
  }

  /** One page of one author's ops behind `after`, as a pushed one where `hops` is given. */
  answer(peer: NodeId, o: { author: NodeId; after: number; hops: number | undefined }): void {
    this.answers.push(peer, o);
  }

  /** New ops become part of this turn's write; the batch is passed on before it. */
  onBatch(from: NodeId, batch: SignedBatch, o: { more: boolean; hops: number | undefined }): Admitted[] {
    const results = this.world.log.admit(batch);
    for (const result of results) this.settle(from, result, o.hops);
    if (o.more) this.goOn(from, results[0]);
    return results;
  }

  /** The answer goes on when it hears what is held now. Of several peers that send long answers one goes on; what it lacks is found afterwards. */
  private goOn(from: NodeId, result: Admitted | undefined): void {
    const { world } = this;
    this.compareSoon();
    if ((this.isTakingFrom() ?? from) !== from) return;
    this.source = { peer: from, atMs: world.nowMs };
    if (result === undefined || !('author' in result) || result.kind === 'gap') return;
    // A log of which nothing further counts here is named with what counts, so that the peer goes on with another.
    const after = result.kind === 'known' ? result.after : undefined;
    this.sendQuestion(from, { [result.author]: after ?? world.log.head(result.author).seq });
  }

  private settle(from: NodeId, result: Admitted, hops: number | undefined): void {
    const { world } = this;
    switch (result.kind) {
      case 'new':
        world.turn.ops.push(...result.ops);
        this.tallies.count(from, 'taken');
        if (this.push.relay(from, result.author, { ops: result.ops, hops })) this.tallies.count(from, 'relayed');
        return;
      case 'known':
        this.tallies.count(from, 'repeated');
        if (hops !== undefined) this.push.onRepeated(from, result.author);
        return;
      case 'gap':
        this.tallies.count(from, 'gaps');
        this.askAfter(from, result.author, result.after);
        return;
      case 'fork':
      case 'ahead':
        return;
      case 'invalid':
        this.tallies.count(from, 'refused');
        return;
    }
  }

  private sendAllHeads(peer: NodeId): void {
    const { world } = this;
    const opening = openingOf(world.log);
    if (opening.heads !== undefined) this.wholeSent.set(peer, world.nowMs);
    world.send([peer], {
      type: FRAME.heads,
      ...opening,
      ...((this.isTakingFrom() ?? peer) === peer ? {} : { asks: false }),
      count: world.counts.own(),
      yours: world.counts.of(peer),
    });
  }

  private sendParts(peer: NodeId, theirs: Readonly<Record<string, string>>): void {
    const { world } = this;
    const asks = (this.isTakingFrom() ?? peer) === peer ? {} : { asks: false };
    for (const { digest, ...part } of differingParts(world.log, theirs)) {
      world.send([peer], { type: FRAME.heads, digest, ...part, ...asks });
      this.wholeSent.set(peer, world.nowMs);
    }
  }

  /** The peer whose long answer is under way; undefined where none is, or where it stopped coming. */
  private isTakingFrom(): NodeId | undefined {
    const { source } = this;
    return source !== undefined && this.world.nowMs - source.atMs < SAY_AGAIN_MS ? source.peer : undefined;
  }

  private ask(peer: NodeId, authors: readonly NodeId[]): void {
    const { world } = this;
    if (authors.length === 0) return;
    const wholeMs = this.wholeSent.get(peer);
    if (wholeMs !== undefined && world.nowMs - wholeMs < SAY_AGAIN_MS) return this.compareSoon();
    if ((this.isTakingFrom() ?? peer) !== peer) return this.compareSoon();
    const heads: Record<NodeId, number> = {};
    for (const author of authors.slice(0, ASKED_MAX)) {
      const after = world.log.head(author).seq;
      if (this.notAskedLately(peer, author, after)) heads[author] = after;
    }
    this.sendQuestion(peer, heads);
  }

  private askAfter(peer: NodeId, author: NodeId, after: number): void {
    if (this.notAskedLately(peer, author, after)) this.sendQuestion(peer, { [author]: after });
  }

  /** An answer is on the way; if it is lost, this finds out. */
  private compareSoon(): void {
    this.world.timers.setEarlier('compare', this.world.nowMs + SAY_AGAIN_MS);
  }

  /** Equal numbers under unequal hashes: some log has two histories. The last ops of some logs are asked for; other ones the next time. */
  private searchFork(peer: NodeId, part: string): void {
    const { log, random } = this.world;
    const authors = log.authors().filter((author) => author.startsWith(part));
    const some = authors.map((author) => ({ author, rank: random() }));
    const picked = some.toSorted((a, b) => a.rank - b.rank).slice(0, SEARCHED);
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
    this.compareSoon();
    const before = asked.get(author);
    if (before?.after === after && this.world.nowMs - before.atMs < SAY_AGAIN_MS) return false;
    asked.set(author, { after, atMs: this.world.nowMs });
    return true;
  }
}
