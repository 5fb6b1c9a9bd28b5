/** Watches that nobody's attempt is called lost before its lease is over: whatever a node suspects, it must not act upon it. */
import type { NodeId, OpId } from '#core/brand.ts';
import { acceptSchema } from '#core/register/acceptor.ts';
import type { SlotValue } from '#core/schema/body.ts';
import type { Frame, MemberState } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';

type Options = { leaseMs: number; nowMs: () => number };

export class LeaseWatch {
  /** How often somebody was shown as suspect, and as dead. */
  readonly bites = { suspicions: 0, buried: 0 };
  private readonly broken: (rule: string) => void;
  private options: Options = { leaseMs: 0, nowMs: () => 0 };
  private readonly beats = new Map<string, number[]>();
  private readonly writes = new Map<NodeId, { beganMs: number; sinceMs: number; endedMs: number }>();
  private readonly grants = new Map<string, { node: NodeId; atMs: number }>();
  private readonly lost = new Set<string>();

  constructor(broken: (rule: string) => void) {
    this.broken = broken;
  }

  /** Once, before anything happens. */
  begin(options: Options): void {
    this.options = options;
  }

  shown(state: MemberState): void {
    if (state === 'suspect') this.bites.suspicions += 1;
    if (state === 'dead') this.bites.buried += 1;
  }

  granted(o: { task: OpId; slot: number; value: SlotValue }): void {
    const key = `${o.task}/${o.slot + 1}`;
    if (o.value.kind === 'granted' && !this.grants.has(key))
      this.grants.set(key, { node: o.value.node, atMs: this.options.nowMs() });
  }

  /** A node heard which attempts go on at another one. */
  heard(node: NodeId, frame: Frame): void {
    if (frame.type !== FRAME.agentHeartbeat) return;
    for (const { current_task_id: task, attempt } of frame.agents) {
      if (task === null) continue;
      const key = `${node} ${task}/${attempt}`;
      this.beats.set(key, [...(this.beats.get(key) ?? []), this.options.nowMs()]);
    }
  }

  /**
   * Wraps `run`, the end of a write that begins now: what leaves with it was decided before. It was decided at the earliest when the write before
   * this one began, where this one waited for that.
   */
  writing(node: NodeId, run: () => void): () => void {
    const beganMs = this.options.nowMs();
    const before = this.writes.get(node);
    const sinceMs = before?.endedMs === beganMs ? before.beganMs : beganMs;
    return () => {
      this.writes.set(node, { beganMs, sinceMs, endedMs: this.options.nowMs() });
      run();
    };
  }

  /**
   * Always: who first asks to have another node's attempt called lost had not heard of it for a lease when it decided to. Those who take the value
   * over from it may have, and what is heard while its disk holds the question back is heard too late, as while the question is on its way.
   */
  sent(frame: Frame): void {
    if (frame.type !== FRAME.call || frame.method !== 'slot.accept') return;
    const { task, slot, value } = acceptSchema.parse(frame.params);
    const key = `${task}/${slot}`;
    // A grantee whose work is gone says so itself, and gives no reason here.
    if (value.kind !== 'lost' || value.error === null || this.lost.has(key)) return;
    this.lost.add(key);
    const grant = this.grants.get(key);
    if (grant?.node === frame.from) return;
    const write = this.writes.get(frame.from);
    const decidedMs = write?.endedMs === this.options.nowMs() ? write.sinceMs : this.options.nowMs();
    const beats = this.beats.get(`${frame.from} ${task}/${value.attempt}`) ?? [];
    const heardMs = beats.findLast((beatMs) => beatMs < decidedMs) ?? 0;
    const silentMs = Math.round(decidedMs - Math.max(heardMs, grant?.atMs ?? 0));
    if (silentMs < this.options.leaseMs)
      this.broken(`always/lost-after-lease: ${key} by ${frame.from}, who heard of it ${silentMs} ms before`);
  }
}
