/** A node that does nothing but spread ops and say that it is there: the real overlay, push and presence in the smallest world they run in. */
import type { NodeId } from '#core/brand.ts';
import { Detector } from '#core/detector.ts';
import type { Op } from '#core/op.ts';
import { frameOf } from '#core/op-frame.ts';
import { Overlay } from '#core/overlay.ts';
import { PresenceBoard } from '#core/presence.ts';
import type { Push } from '#core/push.ts';
import type { Rings } from '#core/rings.ts';
import type { Frame, MemberState, OpFrame, OpsFrame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { Timers } from '#core/timers.ts';
import type { Outgoing } from '#core/turn.ts';
import { emptyTurn } from '#core/turn.ts';

/** As in repair: the same question is not put to a peer again within this time. */
const ASK_AGAIN_MS = 2_000;

export type SpreadPush = (...args: ConstructorParameters<typeof Push>) => Push;

export type SpreadNodeOptions = {
  self: NodeId;
  rings: Rings;
  fullLinksMax: number;
  /** All ops of an author that were ever written, in order. */
  opsOf: (author: NodeId) => readonly Op[];
  opOf: (headerText: string) => Op;
  send: (outgoing: Outgoing) => void;
  random: () => number;
  keepLinks: (nodes: readonly NodeId[] | undefined) => void;
  unlink: (node: NodeId) => void;
  /** It has a failure detector, and tells what that shows. */
  detects: ((node: NodeId, state: MemberState) => void) | undefined;
  held: (op: Op) => void;
  push: SpreadPush;
};

export class SpreadNode {
  readonly self: NodeId;
  readonly links = new Set<NodeId>();
  readonly timers = new Timers();
  readonly settings: { fullLinksMax: number };
  readonly store = { get: () => undefined, list: () => [] };
  readonly counts = { own: () => 1 };
  readonly random: () => number;
  nowMs = 0;
  turn = emptyTurn();
  readonly log = { head: (author: NodeId) => ({ seq: this.heads.get(author) ?? 0 }), lamport: () => 1 };
  readonly overlay: Overlay;
  private readonly options: SpreadNodeOptions;
  private readonly heads = new Map<NodeId, number>();
  private readonly early = new Map<NodeId, Op[]>();
  private readonly askedMs = new Map<string, number>();
  private readonly push: Push;
  private readonly presence: PresenceBoard;
  private readonly detector: Detector | undefined;

  constructor(o: SpreadNodeOptions) {
    this.options = o;
    this.self = o.self;
    this.random = o.random;
    this.settings = { fullLinksMax: o.fullLinksMax };
    this.presence = new PresenceBoard(this, () => []);
    this.overlay = new Overlay(this, { rings: o.rings, partners: () => [], keepsAll: () => false });
    this.push = o.push(this, {
      overlay: this.overlay,
      presence: this.presence,
      answer: (peer, o) => this.answer(peer, o),
    });
    this.detector = o.detects === undefined ? undefined : this.makeDetector(o.detects);
  }

  /** As the core joins it with presence and overlay. */
  private makeDetector(onChange: (node: NodeId, state: MemberState) => void): Detector {
    return new Detector(this, {
      isLinked: (link, node) => this.presence.isLinked(link, node),
      mayDial: (node) => this.overlay.mayReach(node),
      onChange,
      unlink: (node, why) => this.turn.actions.push({ kind: 'unlink', node, why }),
    });
  }

  tell(to: readonly NodeId[], frame: Frame): void {
    if (to.length > 0) this.turn.relays.push({ to, frame });
  }

  send(to: readonly NodeId[], frame: Frame): void {
    if (to.length > 0) this.turn.sends.push({ to, frame });
  }

  afterWrite(run: () => void): void {
    this.turn.after.push(run);
  }

  /** Nobody measures it here. */
  roundTripMs(): undefined {
    return undefined;
  }

  start(nowMs: number): void {
    this.at(nowMs, () => this.overlay.boot());
  }

  linkUp(node: NodeId, nowMs: number): void {
    this.at(nowMs, () => {
      this.links.add(node);
      this.detector?.onLinkUp(node);
      this.overlay.onLinkUp(node);
      this.push.onLinkUp(node);
      this.presence.announce();
    });
  }

  linkDown(node: NodeId, nowMs: number): void {
    this.at(nowMs, () => {
      this.links.delete(node);
      this.push.onLinkDown(node);
      this.presence.onLinkDown(node);
      this.detector?.onLinkDown(node);
      this.overlay.onLinkDown();
    });
  }

  append(op: Op, nowMs: number): void {
    this.at(nowMs, () => {
      this.heads.set(this.self, op.header.seq);
      this.turn.sends.push(...this.push.own([op]));
    });
  }

  tick(nowMs: number): void {
    this.at(nowMs, () => {
      for (const name of this.timers.due(nowMs)) {
        if (name === 'links') for (const node of this.overlay.onTimer()) this.detector?.onLost(node);
        if (name.startsWith('member:')) this.detector?.onTimer(name);
        else if (name === 'have') this.push.onHaveTimer();
        else if (name === 'graft') this.push.onGraftTimer();
        else if (name === 'beat') this.presence.announce();
      }
    });
  }

  frame(from: NodeId, frame: Frame, nowMs: number): void {
    this.at(nowMs, () => {
      this.detector?.onHeard(from);
      if (frame.type === FRAME.have) this.push.onHave(from, frame);
      else if (frame.type === FRAME.graft) this.push.onGraft(from, frame);
      else if (frame.type === FRAME.prune) this.push.onPrune(from, frame);
      else if (frame.type === FRAME.agentHeartbeat) {
        if (this.presence.onHeartbeat(from, frame) === 'links') this.detector?.onReach();
      } else if (frame.type === FRAME.probe || frame.type === FRAME.probeAnswer) this.detector?.onFrame(from, frame);
      else if (frame.type === FRAME.heads) this.onQuestion(from, frame.heads ?? {});
      else if ('ops' in frame || 'op' in frame) this.onOps(from, frame);
    });
  }

  private at(nowMs: number, run: () => void): void {
    this.nowMs = nowMs;
    run();
    const { relays, sends, after, actions } = this.turn;
    this.turn = emptyTurn();
    for (const next of after) next();
    for (const outgoing of [...relays, ...sends, ...this.turn.sends.splice(0)]) this.options.send(outgoing);
    for (const action of actions) {
      if (action.kind === 'keepLinks') this.options.keepLinks(action.nodes);
      else if (action.kind === 'unlink') this.options.unlink(action.node);
    }
  }

  private onOps(from: NodeId, frame: OpFrame | OpsFrame): void {
    const ops = ('ops' in frame ? frame.ops : [frame.op]).map(([header]) => this.options.opOf(header));
    const [first] = ops;
    if (first === undefined) return;
    const author = first.header.node;
    const { seq } = this.log.head(author);
    if (first.header.seq > seq + 1) {
      this.early.set(author, [...(this.early.get(author) ?? []), ...ops]);
      return this.ask(from, author, seq);
    }
    const fresh = ops.filter((op) => op.header.seq > seq);
    if (fresh.length === 0) {
      if (frame.hops !== undefined) this.push.onRepeated(from, author);
      return;
    }
    this.take(from, author, { ops: fresh, hops: frame.hops });
  }

  /** As the log does: what waited for these ops is taken in with them. */
  private take(from: NodeId, author: NodeId, o: { ops: Op[]; hops: number | undefined }): void {
    this.hold(author, o.ops);
    this.push.relay(from, author, o);
    const waiting = (this.early.get(author) ?? []).toSorted((a, b) => a.header.seq - b.header.seq);
    this.early.delete(author);
    for (const op of waiting) {
      if (op.header.seq !== this.log.head(author).seq + 1) continue;
      this.hold(author, [op]);
      this.push.relay(from, author, { ops: [op], hops: o.hops });
    }
  }

  private hold(author: NodeId, ops: readonly Op[]): void {
    for (const op of ops) this.options.held(op);
    this.heads.set(author, ops.at(-1)?.header.seq ?? 0);
  }

  private ask(peer: NodeId, author: NodeId, after: number): void {
    const key = `${peer} ${author} ${after}`;
    if (this.nowMs - (this.askedMs.get(key) ?? Number.NEGATIVE_INFINITY) < ASK_AGAIN_MS) return;
    this.askedMs.set(key, this.nowMs);
    this.send([peer], { type: FRAME.heads, digest: '0'.repeat(32), heads: { [author]: after } });
  }

  private onQuestion(from: NodeId, heads: Record<string, number>): void {
    for (const [author, after] of Object.entries(heads)) {
      const known = [...this.heads.keys()].find((node) => node === author);
      if (known !== undefined) this.answer(from, { author: known, after, hops: undefined });
    }
  }

  private answer(peer: NodeId, o: { author: NodeId; after: number; hops: number | undefined }): void {
    const ops = this.options.opsOf(o.author).slice(o.after, this.log.head(o.author).seq);
    const frame = frameOf(ops, o.hops === undefined ? {} : { hops: o.hops });
    if (frame !== undefined) this.send([peer], frame);
  }
}
