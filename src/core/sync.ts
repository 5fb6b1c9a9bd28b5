/**
 * How nodes come to hold the same ops. Push: an author sends each batch to all links; whoever gets a new one passes it on to links that are
 * not linked with the author. Repair: equal digest of heads, nothing to do; else heads are compared and what is missing is sent, a page at a time.
 */
import type { NodeId } from './brand.ts';
import { nodeIdOf } from './brand.ts';
import type { Admitted, SignedBatch } from './log.ts';
import type { Op } from './op.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS } from './op.ts';
import type { PresenceBoard } from './presence.ts';
import type { Frame, HeadsFrame } from './schema/frame.ts';
import { FRAME } from './schema/frame.ts';
import type { Outgoing } from './turn.ts';
import type { World } from './world.ts';

/** The seed's anti-entropy interval. */
const COMPARE_MS = 60_000;
/** Authors answered per heads frame: a page of at most so many frames, each below 1 MiB. The rest is asked for again. */
const PAGE_AUTHORS = 8;
/** The same question is not repeated to one peer within this time: its answer is on the way. */
const ASK_AGAIN_MS = 2_000;

const FRAME_OF_BODY = new Map<string, Extract<Frame, { op: unknown }>['type']>([
  ['post.created', FRAME.post],
  ['task.created', FRAME.taskCreate],
  ['task.claimed', FRAME.taskClaim],
  ['agent.registered', FRAME.agentRegister],
]);

function codeOf(op: Op): Extract<Frame, { op: unknown }>['type'] {
  if (op.body.type !== 'task.ended') return FRAME_OF_BODY.get(op.body.type) ?? FRAME.op;
  switch (op.body.value.kind) {
    case 'completed':
      return FRAME.taskComplete;
    case 'failed':
      return FRAME.taskFail;
    case 'cancelled':
      return FRAME.taskCancel;
    default:
      return FRAME.op;
  }
}

/** The frame of a signed batch: the seed's code where it is a single op. */
export function frameOf(ops: readonly Op[], more: boolean): Frame | undefined {
  const last = ops.at(-1);
  if (last?.sig === undefined) return undefined;
  if (ops.length === 1 && !more) return { type: codeOf(last), op: [last.headerText, last.bodyText], sig: last.sig };
  return {
    type: FRAME.ops,
    ops: ops.map((op) => [op.headerText, op.bodyText]),
    sig: last.sig,
    ...(more ? { more } : {}),
  };
}

/** Cuts consecutive ops behind each signature. */
function batches(ops: readonly Op[]): Op[][] {
  const result: Op[][] = [];
  let current: Op[] = [];
  for (const op of ops) {
    current.push(op);
    if (op.sig === undefined) continue;
    result.push(current);
    current = [];
  }
  return result;
}

export class Sync {
  private readonly world: World;
  private readonly presence: PresenceBoard;
  /** By peer and author: which head was named when asking, and when. */
  private readonly asked = new Map<NodeId, Map<NodeId, { after: number; atMs: number }>>();
  /** When all heads were last sent to a peer: its answers are on the way. */
  private readonly wholeSent = new Map<NodeId, number>();
  /** Frames refused, by the peer that relayed them. */
  readonly refusedOf = new Map<NodeId, number>();

  constructor(world: World, presence: PresenceBoard) {
    this.world = world;
    this.presence = presence;
  }

  onLinkUp(peer: NodeId): void {
    this.asked.set(peer, new Map());
    this.sendWholeHeads(peer);
    this.world.timers.setEarlier('compare', this.world.nowMs + COMPARE_MS);
  }

  onLinkDown(peer: NodeId): void {
    this.asked.delete(peer);
    this.wholeSent.delete(peer);
  }

  /** The frames of own ops that are on disk now. */
  pushes(ops: readonly Op[]): Outgoing[] {
    const to = [...this.world.links];
    if (to.length === 0) return [];
    return batches(ops).flatMap((batch) => {
      const frame = frameOf(batch, false);
      return frame === undefined ? [] : [{ to, frame }];
    });
  }

  /** Every {@link COMPARE_MS}: one small question to each link. */
  compare(): void {
    const { world } = this;
    if (world.links.size === 0) return;
    world.timers.set('compare', world.nowMs + COMPARE_MS);
    world.send([...world.links], { type: FRAME.heads, digest: world.log.digest() });
  }

  onHeads(from: NodeId, frame: HeadsFrame): void {
    const { log } = this.world;
    if (frame.digest === log.digest()) return;
    if (frame.heads === undefined) return this.sendWholeHeads(from);
    const theirs = new Map(Object.entries(frame.heads).map(([node, seq]) => [nodeIdOf(node), seq]));
    const lacking = log
      .authors()
      .filter((node) => (theirs.has(node) || frame.whole === true) && log.head(node).seq > (theirs.get(node) ?? 0));
    for (const node of lacking.slice(0, PAGE_AUTHORS)) this.answer(from, node, theirs.get(node) ?? 0);
    this.ask(
      from,
      [...theirs].filter(([node, seq]) => seq > log.head(node).seq).map(([node]) => node),
    );
    if (lacking.length > PAGE_AUTHORS) this.askToContinue(from);
  }

  /** New ops become part of this turn's write; the batch is passed on before it. */
  onBatch(from: NodeId, batch: SignedBatch, more: boolean): Admitted[] {
    const results = this.world.log.admit(batch);
    for (const result of results) this.settle(from, result);
    const first = results[0];
    if (more && first !== undefined && (first.kind === 'new' || first.kind === 'known'))
      this.ask(from, [first.author], true);
    return results;
  }

  private settle(from: NodeId, result: Admitted): void {
    const { world } = this;
    switch (result.kind) {
      case 'new':
        world.turn.ops.push(...result.ops);
        this.relay(from, result.author, result.ops);
        return;
      case 'known':
        return;
      case 'gap':
        this.askAfter(from, result.author, result.after);
        return;
      case 'fork':
        return;
      case 'invalid':
        this.refusedOf.set(from, (this.refusedOf.get(from) ?? 0) + 1);
        return;
    }
  }

  private relay(from: NodeId, author: NodeId, ops: readonly Op[]): void {
    const { world, presence } = this;
    const frame = frameOf(ops, false);
    const to = [...world.links].filter(
      (link) => link !== from && link !== author && !presence.isLinked(link, author) && !presence.isLinked(link, from),
    );
    if (frame !== undefined && to.length > 0) world.turn.relays.push({ to, frame });
  }

  private sendWholeHeads(peer: NodeId): void {
    const { world } = this;
    this.wholeSent.set(peer, world.nowMs);
    world.send([peer], {
      type: FRAME.heads,
      digest: world.log.digest(),
      heads: world.log.comparedHeads(),
      whole: true,
    });
  }

  /** One page of one author's ops behind `after`, cut to end on a signed op. */
  private answer(peer: NodeId, author: NodeId, after: number): void {
    const { world } = this;
    const page = world.store.opsOf(author, { from: after + 1, maxOps: BATCH_MAX_OPS, maxBytes: BATCH_MAX_BYTES });
    const end = page.findLastIndex((op) => op.sig !== undefined);
    const ops = page.slice(0, end + 1);
    const last = ops.at(-1);
    if (last === undefined) return;
    const frame = frameOf(ops, last.header.seq < world.log.head(author).seq);
    if (frame !== undefined) world.send([peer], frame);
  }

  private ask(peer: NodeId, authors: readonly NodeId[], again = false): void {
    const { world } = this;
    const wholeMs = this.wholeSent.get(peer);
    if (!again && wholeMs !== undefined && world.nowMs - wholeMs < ASK_AGAIN_MS) return;
    const heads: Record<NodeId, number> = {};
    for (const author of authors) {
      const after = world.log.head(author).seq;
      if (again || this.notAskedLately(peer, author, after)) heads[author] = after;
    }
    this.sendQuestion(peer, heads);
  }

  private askAfter(peer: NodeId, author: NodeId, after: number): void {
    if (this.notAskedLately(peer, author, after)) this.sendQuestion(peer, { [author]: after });
  }

  private sendQuestion(peer: NodeId, heads: Record<NodeId, number>): void {
    const { world } = this;
    if (Object.keys(heads).length > 0) world.send([peer], { type: FRAME.heads, digest: world.log.digest(), heads });
  }

  private notAskedLately(peer: NodeId, author: NodeId, after: number): boolean {
    const asked = this.asked.get(peer);
    if (asked === undefined) return false;
    const before = asked.get(author);
    const { nowMs } = this.world;
    if (before?.after === after && nowMs - before.atMs < ASK_AGAIN_MS) return false;
    asked.set(author, { after, atMs: nowMs });
    return true;
  }

  /** More authors are missing at the peer than one page answers: an empty question makes it name its heads again. */
  private askToContinue(peer: NodeId): void {
    this.world.send([peer], { type: FRAME.heads, digest: this.world.log.digest() });
  }
}
