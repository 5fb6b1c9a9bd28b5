/** Virtual time: events in order of their time, then of their making. Nothing else moves the clock. */
type Event = { atMs: number; order: number; run: () => void };

/** Turns of the microtask queue between two events: enough for every promise chain a node makes to come to rest. */
const SETTLE_TURNS = 12;

export class VirtualTime {
  nowMs = 0;
  private readonly heap: Event[] = [];
  private order = 0;
  private count = 0;
  private readonly settleTurns: number;

  /** `settleTurns` 0: nothing that is simulated waits for a promise. */
  constructor(settleTurns = SETTLE_TURNS) {
    this.settleTurns = settleTurns;
  }

  after(delayMs: number, run: () => void): void {
    this.push({ atMs: this.nowMs + Math.max(0, delayMs), order: (this.order += 1), run });
  }

  /** Runs events until `untilMs`, or until `enough` says so. Bounded: a history of more than `maxEvents` is a bug in what is simulated. */
  async run(o: { untilMs: number; maxEvents: number; enough?: () => boolean }): Promise<void> {
    for (;;) {
      const next = this.heap[0];
      if (next === undefined || next.atMs > o.untilMs) break;
      if (o.enough?.() === true) return;
      this.pop();
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

  private before(a: Event, b: Event): boolean {
    return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
  }

  private push(event: Event): void {
    const { heap } = this;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || this.before(parent, event)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = index * 2 + 1;
      const a = heap[left];
      const b = heap[left + 1];
      const [child, childIndex] = a !== undefined && b !== undefined && this.before(b, a) ? [b, left + 1] : [a, left];
      if (child === undefined || this.before(last, child)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}
