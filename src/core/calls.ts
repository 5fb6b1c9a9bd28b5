/** Calls: one request and one reply to a named node, with a deadline. A node that is not linked is reached through a neighbour, one hop. */
import type { NodeId } from './brand.ts';
import type { CallFrame, ReplyFrame } from './schema/frame.ts';
import { FRAME } from './schema/frame.ts';
import type { World } from './world.ts';

export type CallAnswer = { ok: true; result: unknown } | { ok: false; code: string; message: string };

/** Calls under way at once: above it, a call is refused at once rather than queued. */
const PENDING_MAX = 10_000;

type Pending = { to: NodeId; done: (answer: CallAnswer) => void };

export class Calls {
  private readonly world: World;
  /** Linked nodes that say they are linked with the given one. */
  private readonly neighboursOf: (node: NodeId) => NodeId | undefined;
  private readonly pending = new Map<string, Pending>();
  private next = 0;

  constructor(world: World, neighboursOf: (node: NodeId) => NodeId | undefined) {
    this.world = world;
    this.neighboursOf = neighboursOf;
  }

  /** `done` runs exactly once: with the reply, at the deadline (`timeout`), or at once when no way leads there (`unreachable`). */
  start(o: {
    to: NodeId;
    method: string;
    params: unknown;
    deadlineMs: number;
    done: (answer: CallAnswer) => void;
  }): void {
    const { world } = this;
    const hop = this.hopTo(o.to);
    if (hop === undefined) {
      o.done({ ok: false, code: 'unreachable', message: `node ${o.to.slice(0, 8)} is not reachable from here` });
      return;
    }
    if (this.pending.size >= PENDING_MAX) {
      o.done({ ok: false, code: 'busy', message: `${PENDING_MAX} calls are under way` });
      return;
    }
    const id = `${world.self.slice(0, 8)}.${(this.next += 1)}`;
    this.pending.set(id, { to: o.to, done: o.done });
    world.timers.set(`call:${id}`, world.nowMs + o.deadlineMs);
    world.send([hop], {
      type: FRAME.call,
      id,
      from: world.self,
      to: o.to,
      method: o.method,
      lamport: world.log.lamport(),
      deadline_ms: o.deadlineMs,
      params: o.params,
    });
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
    const held = this.pending.get(id);
    if (held === undefined) return;
    this.pending.delete(id);
    held.done({ ok: false, code: 'timeout', message: `node ${held.to.slice(0, 8)} did not answer in time` });
  }

  private hopTo(node: NodeId): NodeId | undefined {
    return this.world.links.has(node) ? node : this.neighboursOf(node);
  }
}
