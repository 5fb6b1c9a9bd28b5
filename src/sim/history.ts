/** What an outside observer saw: the checkers look at this, never into a node's memory. */
import type { NodeId, OpId } from '#core/brand.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { Op } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { Arrival } from '#ports.ts';

export type Start = { node: NodeId; task: OpId; attempt: number; atMs: number };

export class History {
  /** Rules that were broken, in words; empty at the end of a good history. */
  readonly violations: string[] = [];
  readonly acknowledgedOps = new Map<OpId, string>();
  readonly starts: Start[] = [];
  private readonly decisions = new Map<string, string>();
  private readonly numbers = new Map<string, string>();
  private readonly startedKeys = new Map<string, Start>();

  broken(rule: string): void {
    this.violations.push(rule);
  }

  /** Always: an acknowledged op is never lost (checked at the end), its number never reused. */
  acknowledged(ops: readonly Op[]): void {
    for (const op of ops) this.acknowledgedOps.set(opId(op), op.hash);
  }

  /** Always: one value a slot, one op a number. */
  committed(node: NodeId, arrivals: readonly Arrival[]): void {
    for (const { op } of arrivals) {
      const id = opId(op);
      const held = this.numbers.get(id);
      if (held !== undefined && held !== op.hash)
        this.broken(`always/seq-reused: ${id} stands for two ops (seen at ${node})`);
      this.numbers.set(id, op.hash);
      if (op.body.type !== 'task.granted' && op.body.type !== 'task.ended') continue;
      const key = `${op.header.entity}/${op.body.slot}`;
      const value = canonicalJson(op.body.value);
      const decided = this.decisions.get(key);
      if (decided !== undefined && decided !== value)
        this.broken(`always/slot-decided-once: ${key} as ${decided} and as ${value}`);
      this.decisions.set(key, value);
    }
  }

  /** Always: an attempt starts once, on the node it was granted to. */
  started(start: Start): void {
    const key = `${start.task}/${start.attempt}`;
    const held = this.startedKeys.get(key);
    if (held !== undefined) this.broken(`always/started-once: ${key} at ${held.node} and at ${start.node}`);
    this.startedKeys.set(key, start);
    this.starts.push(start);
    const decided = this.decisions.get(`${start.task}/${start.attempt * 2 - 1}`);
    if (decided === undefined)
      this.broken(`always/start-after-grant: ${key} started before anybody committed its grant`);
    else if (!decided.includes(start.node)) this.broken(`always/start-by-grantee: ${key} started at ${start.node}`);
  }
}
