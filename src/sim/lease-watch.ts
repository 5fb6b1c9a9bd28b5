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
  private readonly beats = new Map<string, number>();
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
    for (const { current_task_id: task, attempt } of frame.agents)
      if (task !== null) this.beats.set(`${node} ${task}/${attempt}`, this.options.nowMs());
  }

  /**
   * Always: who first asks to have another node's attempt called lost did not hear of it for a lease. Those who take the value over from it may
   * have.
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
    const sinceMs = Math.max(this.beats.get(`${frame.from} ${task}/${value.attempt}`) ?? 0, grant?.atMs ?? 0);
    const silentMs = Math.round(this.options.nowMs() - sinceMs);
    if (silentMs < this.options.leaseMs)
      this.broken(`always/lost-after-lease: ${key} by ${frame.from}, who heard of it ${silentMs} ms before`);
  }
}
