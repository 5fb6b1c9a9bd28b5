/**
 * What peers lack and this node owes them. A peer gets one answer of bounded size at a time; the next is read from disk only when it said that
 * the last one arrived. So a million missing ops are never one big answer, and a peer that reads slowly costs no more memory than a fast one.
 */
import type { NodeId } from './brand.ts';
import type { Op } from './op.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS } from './op.ts';
import { frameOf } from './op-frame.ts';
import { SAY_AGAIN_MS } from './said.ts';
import type { OpFrame, OpsFrame } from './schema/frame.ts';
import type { World } from './world.ts';

/** An answer ends with the page that takes it over this: with a whole page on top it stays below a mebibyte of texts. */
export const ANSWER_MAX_BYTES = 512 * 1024;
/** Pages of one answer: many logs may lack an op each. */
const PAGES_MAX = 256;
/** Logs that one peer lacks something of. More are found when heads are compared again. */
const OWED_MAX = 16_384;
/** A smaller answer needs no receipt: it is asked for op by op, and little is on its way. */
const UNRECEIPTED_MAX_BYTES = 64 * 1024;
/** A receipt that does not come is waited for twice as long the next time, up to this. */
const PATIENCE_MAX_MS = 60_000;

/** One page of one log: the ops after `after`, to `upTo`. */
type Page = { author: NodeId; after: number; upTo: number; ops: Op[]; bytes: number };

type Peer = {
  /** By log: after which number. In the order in which it is sent. */
  owed: Map<NodeId, number>;
  /** By log: what was sent last, and may still be on its way. */
  sent: Map<NodeId, { after: number; upTo: number; atMs: number }>;
  /** The answer of which the peer has not said yet that it is there; the log that it ended in. */
  open: { author: NodeId; atMs: number } | undefined;
  patienceMs: number;
};

export class Answers {
  private readonly world: World;
  private readonly peers = new Map<NodeId, Peer>();

  constructor(world: World) {
    this.world = world;
  }

  onLinkUp(peer: NodeId): void {
    this.peers.set(peer, { owed: new Map(), sent: new Map(), open: undefined, patienceMs: SAY_AGAIN_MS });
  }

  onLinkDown(peer: NodeId): void {
    this.peers.delete(peer);
  }

  /** The peer names what it holds of some logs: a receipt where the last answer ended in one of them. */
  onReceipt(node: NodeId, theirs: ReadonlyMap<NodeId, number>): void {
    const peer = this.peers.get(node);
    if (peer?.open === undefined) return;
    const { author } = peer.open;
    const held = theirs.get(author);
    if (held === undefined) return;
    peer.open = undefined;
    peer.patienceMs = SAY_AGAIN_MS;
    // It did not take what was sent: for it this log ends earlier, or some of it was lost. It asks again if it wants more.
    const sent = peer.sent.get(author);
    if (sent !== undefined && held < sent.upTo) peer.owed.delete(author);
    else peer.sent.delete(author);
  }

  /** The peer lacks what comes after these numbers. */
  lacks(node: NodeId, lacking: readonly { author: NodeId; after: number }[]): void {
    const peer = this.peers.get(node);
    if (peer === undefined) return;
    for (const { author, after } of lacking) {
      if (this.isOnTheWay(peer, author, after)) continue;
      if (peer.owed.has(author) || peer.owed.size < OWED_MAX) peer.owed.set(author, after);
    }
    this.goOn(node, peer);
  }

  /** One page at once, beside what is owed: the peer asked to be pushed this log from now on. */
  push(node: NodeId, o: { author: NodeId; after: number; hops: number | undefined }): void {
    const page = this.read(o.author, o.after);
    if (page === undefined) return;
    const more = page.upTo < this.world.log.head(o.author).seq;
    const frame = frameOf(page.ops, more || o.hops === undefined ? { more } : { hops: o.hops });
    if (frame !== undefined) this.send(node, page, frame);
  }

  /** Sends the next answer, unless the last one is still on its way. */
  private goOn(node: NodeId, peer: Peer): void {
    const { nowMs } = this.world;
    if (peer.open !== undefined) {
      if (nowMs - peer.open.atMs < peer.patienceMs) return;
      peer.open = undefined;
      peer.patienceMs = Math.min(peer.patienceMs * 2, PATIENCE_MAX_MS);
    }
    const pages = this.take(peer);
    const bytes = pages.reduce((sum, page) => sum + page.bytes, 0);
    const wantsReceipt = peer.owed.size > 0 || bytes > UNRECEIPTED_MAX_BYTES;
    for (const [index, page] of pages.entries()) {
      const isLast = index === pages.length - 1;
      const frame = frameOf(page.ops, { more: isLast && wantsReceipt });
      if (frame !== undefined) this.send(node, page, frame);
      if (isLast && wantsReceipt) peer.open = { author: page.author, atMs: nowMs };
    }
  }

  /** The pages of the next answer, out of what is owed. */
  private take(peer: Peer): Page[] {
    const pages: Page[] = [];
    let bytes = 0;
    for (const author of peer.owed.keys()) {
      let after = peer.owed.get(author);
      while (after !== undefined && bytes < ANSWER_MAX_BYTES && pages.length < PAGES_MAX) {
        const page = this.read(author, after);
        if (page !== undefined) pages.push(page);
        bytes += page?.bytes ?? 0;
        after = page === undefined || page.upTo >= this.world.log.head(author).seq ? undefined : page.upTo;
        if (after === undefined) peer.owed.delete(author);
        else peer.owed.set(author, after);
      }
      if (bytes >= ANSWER_MAX_BYTES || pages.length >= PAGES_MAX) break;
    }
    return pages;
  }

  /** Cut to end on a signed op. */
  private read(author: NodeId, after: number): Page | undefined {
    const { store, crypto } = this.world;
    const stored = store.opsOf(author, { from: after + 1, maxOps: BATCH_MAX_OPS, maxBytes: BATCH_MAX_BYTES });
    const ops = stored.slice(0, stored.findLastIndex((op) => op.sig !== undefined) + 1);
    const last = ops.at(-1);
    if (last === undefined) return undefined;
    const bytes = ops.reduce((sum, op) => sum + crypto.byteLength(op.headerText) + crypto.byteLength(op.bodyText), 0);
    return { author, after, upTo: last.header.seq, ops, bytes };
  }

  private send(node: NodeId, { author, after, upTo }: Page, frame: OpFrame | OpsFrame): void {
    const { world } = this;
    world.send([node], frame);
    const sent = this.peers.get(node)?.sent;
    const before = sent?.get(author);
    // Pages of one answer follow one another: what is on its way is all of them.
    const from = before?.upTo === after && before.atMs === world.nowMs ? before.after : after;
    sent?.set(author, { after: from, upTo, atMs: world.nowMs });
  }

  /** Two questions may cross: one for the next page of a log, and one for all that is missing. */
  private isOnTheWay(peer: Peer, author: NodeId, after: number): boolean {
    const sent = peer.sent.get(author);
    if (sent === undefined || this.world.nowMs - sent.atMs >= SAY_AGAIN_MS) return false;
    return after >= sent.after && after < sent.upTo;
  }
}
