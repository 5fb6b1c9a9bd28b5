/** Calls: one request and one reply to a named node, with a deadline. A node that is not linked is reached through a neighbour, one hop. */
import type { NodeId } from './brand.ts';
import type { CallFrame, ReplyFrame } from './schema/frame.ts';
import type { PresenceBoard } from './presence.ts';
import { FRAME } from './schema/frame.ts';
import type { World } from './world.ts';

export type CallAnswer = { ok: true; result: unknown } | { ok: false; code: string; message: string };

/** Calls under way at once: above it, a call is refused at once rather than queued. */
const PENDING_MAX = 10_000;

/** `waiting`: the frame, while the node it is for is being dialled. */
type Pending = { to: NodeId; hop: NodeId; waiting: CallFrame | undefined; done: (answer: CallAnswer) => void };

export class Calls {
  private readonly world: World;
  private readonly presence: Pick<PresenceBoard, 'neighbourOf' | 'isLinked'>;
  private readonly pending = new Map<string, Pending>();
  /**
   * Part of every id. 1. A call is asked, and its answer takes long. 2. The asking node is killed, starts again, and counts its calls anew. 3. The
   * answer arrives: under a bare number it would be taken for the answer to another question.
   */
  private readonly life: string;
  private next = 0;

  constructor(world: World, presence: Pick<PresenceBoard, 'neighbourOf' | 'isLinked'>) {
    this.world = world;
    this.presence = presence;
    this.life = Math.floor(world.random() * 2 ** 32).toString(36);
  }

  /**
   * `done` runs exactly once: with the reply, at the deadline (`timeout`), or as soon as no way leads there (`unreachable`); whether the other node
   * did what was asked is unknown when the way was lost after that.
   */
  start(o: {
    to: NodeId;
    method: string;
    params: unknown;
    deadlineMs: number;
    done: (answer: CallAnswer) => void;
  }): void {
    const { world } = this;
    const hop = this.hopTo(o.to);
    if (hop === undefined && !world.mayReach(o.to)) {
      o.done({ ok: false, code: 'unreachable', message: `node ${o.to.slice(0, 8)} is not reachable from here` });
      return;
    }
    if (this.pending.size >= PENDING_MAX) {
      o.done({ ok: false, code: 'busy', message: `${PENDING_MAX} calls are under way` });
      return;
    }
    const id = `${world.self.slice(0, 8)}.${this.life}.${(this.next += 1)}`;
    const frame: CallFrame = {
      type: FRAME.call,
      id,
      from: world.self,
      to: o.to,
      method: o.method,
      lamport: world.log.lamport(),
      count: world.counts.own(),
      deadline_ms: o.deadlineMs,
      params: o.params,
    };
    this.pending.set(id, { to: o.to, hop: hop ?? o.to, waiting: hop === undefined ? frame : undefined, done: o.done });
    world.timers.set(`call:${id}`, world.nowMs + o.deadlineMs);
    if (hop === undefined) world.wantLink(o.to);
    else world.send([hop], frame);
  }

  /** Whom calls are under way to. */
  *called(): Iterable<NodeId> {
    for (const { to } of this.pending.values()) yield to;
  }

  /** Answers a call of another node, along the way it can be reached. */
  reply(call: CallFrame, answer: CallAnswer): void {
    const { world } = this;
    const hop = this.hopTo(call.from);
    if (hop === undefined) return;
    world.send([hop], {
      type: FRAME.reply,
      id: call.id,
      from: world.self,
      to: call.from,
      lamport: world.log.lamport(),
      count: world.counts.own(),
      ...(answer.ok ? { result: answer.result ?? null } : { error: { code: answer.code, message: answer.message } }),
    });
  }

  /** True when the frame was for another node and has been passed on, or dropped because no link leads there: one hop, no more. */
  relayed(frame: CallFrame | ReplyFrame, from: NodeId): boolean {
    const { world } = this;
    if (frame.to === world.self) return false;
    if (frame.from === from && world.links.has(frame.to)) world.send([frame.to], frame);
    return true;
  }

  onReply(frame: ReplyFrame): void {
    this.world.log.witness(frame.lamport);
    const held = this.pending.get(frame.id);
    if (held === undefined || held.to !== frame.from) return;
    this.pending.delete(frame.id);
    this.world.timers.clear(`call:${frame.id}`);
    held.done(
      frame.error === undefined
        ? { ok: true, result: frame.result }
        : { ok: false, code: frame.error.code, message: frame.error.message },
    );
  }

  onDeadline(id: string): void {
    this.fail(id, { code: 'timeout', why: 'did not answer in time' });
  }

  /**
   * A link came or went, here or at a neighbour, or a node cannot be dialled. What waited for a way leaves; what was asked along a way that is gone is
   * not answered any more, and some deadlines are minutes away.
   */
  onWaysChanged(): void {
    const { world, presence } = this;
    for (const [id, held] of this.pending) {
      const { to, hop, waiting } = held;
      if (waiting !== undefined) this.tryAgain(id, held, waiting);
      else if (!world.links.has(hop) || (hop !== to && !presence.isLinked(hop, to)))
        this.fail(id, { code: 'unreachable', why: 'went out of reach before it answered' });
    }
  }

  private tryAgain(id: string, held: Pending, frame: CallFrame): void {
    const hop = this.hopTo(held.to);
    if (hop !== undefined) {
      this.pending.set(id, { ...held, hop, waiting: undefined });
      this.world.send([hop], frame);
    } else if (!this.world.mayReach(held.to)) this.fail(id, { code: 'unreachable', why: 'could not be dialled' });
  }

  private fail(id: string, o: { code: string; why: string }): void {
    const held = this.pending.get(id);
    if (held === undefined) return;
    this.pending.delete(id);
    this.world.timers.clear(`call:${id}`);
    held.done({ ok: false, code: o.code, message: `node ${held.to.slice(0, 8)} ${o.why}` });
  }

  private hopTo(node: NodeId): NodeId | undefined {
    return this.world.links.has(node) ? node : this.presence.neighbourOf(node);
  }
}
