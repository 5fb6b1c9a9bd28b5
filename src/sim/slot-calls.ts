/** The calls on every slot, from outside: who wanted what decided, from when, and what it was told. The history that {@link linearization} judges. */
import type { NodeId } from '#core/brand.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { SlotValue } from '#core/schema/body.ts';
import type { Call, SlotInput } from './linearizability.ts';
import { linearization, slotRegister } from './linearizability.ts';

type SlotCall = Call<SlotInput, string | null>;
type Slot = {
  calls: SlotCall[];
  /** Proposals of nodes that still run and have no answer. */
  open: Map<NodeId, SlotCall[]>;
  /** Who has learned of the decision. */
  learned: Map<NodeId, string>;
};

export class SlotCalls {
  private readonly slots = new Map<string, Slot>();
  /** Counts what was observed: two calls at one millisecond still have an order. */
  private order = 0;

  /** A node is about to write down that it wants `value`; nothing of it has left the node before. The same wish again is the same call. */
  proposed(node: NodeId, key: string, value: SlotValue): void {
    const slot = this.slot(key);
    const open = slot.open.get(node) ?? [];
    const input: SlotInput = { kind: 'propose', value: canonicalJson(value) };
    if (open.some((call) => call.input.kind === 'propose' && call.input.value === input.value)) return;
    const call: SlotCall = { input, start: (this.order += 1), answer: undefined };
    slot.calls.push(call);
    slot.open.set(node, [...open, call]);
  }

  /** A node knows, and tells, how the slot was decided. */
  learned(node: NodeId, key: string, value: SlotValue): void {
    const slot = this.slot(key);
    const output = canonicalJson(value);
    const at = (this.order += 1);
    const open = slot.open.get(node) ?? [];
    if (open.length === 0 && slot.learned.get(node) === output) return;
    slot.learned.set(node, output);
    for (const call of open) call.answer = { at, output };
    slot.open.delete(node);
    if (open.length === 0) slot.calls.push({ input: { kind: 'read' }, start: at, answer: { at, output } });
  }

  /** What it had asked is never answered; what it learned it may be told again. */
  crashed(node: NodeId): void {
    for (const slot of this.slots.values()) slot.open.delete(node);
  }

  /** Slots of which no order of their calls explains the answers. */
  unexplained(): string[] {
    return [...this.slots].flatMap(([key, { calls }]) =>
      linearization(slotRegister, calls) === undefined ? [key] : [],
    );
  }

  private slot(key: string): Slot {
    const held = this.slots.get(key) ?? { calls: [], open: new Map(), learned: new Map() };
    this.slots.set(key, held);
    return held;
  }
}
