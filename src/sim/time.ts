/** Virtual time: events in order of their time, then of their making. Nothing else moves the clock. */
import { Heap } from '#core/heap.ts';

type Event = { atMs: number; order: number; run: () => void };

/** Turns of the microtask queue between two events: enough for every promise chain a node makes to come to rest. */
const SETTLE_TURNS = 12;

export class VirtualTime {
  nowMs = 0;
  private readonly heap = new Heap<Event>((a, b) => (a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs));
  private order = 0;
  private count = 0;
  private readonly settleTurns: number;

  /** `settleTurns` 0: nothing that is simulated waits for a promise. */
  constructor(settleTurns = SETTLE_TURNS) {
    this.settleTurns = settleTurns;
  }

  after(delayMs: number, run: () => void): void {
    this.heap.push({ atMs: this.nowMs + Math.max(0, delayMs), order: (this.order += 1), run });
  }

  /** Runs events until `untilMs`, or until `enough` says so. Bounded: a history of more than `maxEvents` is a bug in what is simulated. */
  async run(o: { untilMs: number; maxEvents: number; enough?: () => boolean }): Promise<void> {
    for (;;) {
      const next = this.heap.top();
      if (next === undefined || next.atMs > o.untilMs) break;
      if (o.enough?.() === true) return;
      this.heap.pop();
      this.nowMs = next.atMs;
      next.run();
      for (let turn = 0; turn < this.settleTurns; turn++) await Promise.resolve();
      if ((this.count += 1) > o.maxEvents)
        throw new Error(`more than ${o.maxEvents} events: something never comes to rest`);
    }
    this.nowMs = Math.max(this.nowMs, o.untilMs);
  }

  events(): number {
    return this.count;
  }
}
